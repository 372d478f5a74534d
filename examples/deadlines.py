"""Deadlines: how long one call may take, and how long several calls may take together."""

import asyncio
import threading
import time

import zmqcore as zmq
import zmqcore.asyncio


class Deadline:
    """The end of several calls: what is left of the time is the timeout of the next one."""

    def __init__(self, milliseconds):
        self.end = time.monotonic() + milliseconds / 1000

    def left(self):
        return max(0, (self.end - time.monotonic()) * 1000)  # 0: what can be done at once; a negative timeout would be none


def serve(server):
    """Answers every question but "hm?"."""
    while (request := server.recv_multipart())[1] != b"bye":
        if request[1] != b"hm?":
            server.send_multipart([request[0], request[1].upper()])


def ask(client, questions, milliseconds):
    """All of them, one after the other, within that time."""
    deadline = Deadline(milliseconds)
    answers = []
    try:
        for question in questions:
            client.send(question, timeout=deadline.left())
            answers.append(client.recv(timeout=deadline.left()))
    except zmq.Again as late:
        print(late)
    print(f"{len(answers)} of {len(questions)} answered in {milliseconds} ms:", *(answer.decode() for answer in answers))


async def ask_async(client, questions, seconds):
    """The same for a task: asyncio ends it, wherever it is, and no message is lost by that."""

    async def exchange():
        for question in questions:
            await client.send(question)
            print("awaited:", (await client.recv()).decode())

    try:
        await asyncio.wait_for(exchange(), seconds)
    except asyncio.TimeoutError:
        print("awaited: time is over")


def main():
    with zmq.Context() as context, context.socket(zmq.ROUTER) as server, context.socket(zmq.DEALER) as client:
        client.connect(server.bind("tcp://127.0.0.1:*").addr)
        serving = threading.Thread(target=serve, args=(server,))
        serving.start()

        try:
            client.recv(timeout=50)  # milliseconds; nothing has been asked
        except zmq.Again as late:
            print(late)
        ask(client, [b"one", b"two"], 10_000)
        ask(client, [b"hm?", b"three"], 200)
        asyncio.run(ask_async(zmqcore.asyncio.Socket.from_socket(client), [b"four", b"hm?"], 0.2))

        client.send(b"bye")
        serving.join()

        with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
            push.hwm = pull.hwm = 5
            push.connect(pull.bind("inproc://batch").addr)
            print("room for", push.send_many([b"x"] * 100, timeout=50), "of a batch of 100")


if __name__ == "__main__":
    main()
