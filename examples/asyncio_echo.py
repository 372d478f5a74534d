"""asyncio: one ROUTER answers many DEALERs that all run on the same event loop."""

import asyncio

import zmqcore as zmq
import zmqcore.asyncio

CLIENTS = 5
MESSAGES = 3


async def echo(router):
    while True:
        identity, text = await router.recv_multipart()
        await router.send_multipart([identity, text.upper()])


async def client(context, endpoint, number):
    with context.socket(zmq.DEALER) as dealer:
        dealer.connect(endpoint)
        for turn in range(MESSAGES):
            await dealer.send_string(f"client {number} message {turn}")
            print(await dealer.recv_string())


async def main():
    with zmq.asyncio.Context() as context, context.socket(zmq.ROUTER) as router:
        router.bind("tcp://127.0.0.1:*")
        endpoint = router.get_string(zmq.LAST_ENDPOINT)
        server = asyncio.create_task(echo(router))
        await asyncio.gather(*(client(context, endpoint, number) for number in range(CLIENTS)))
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
