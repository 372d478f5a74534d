"""Run against an installed wheel: does the package work here at all? Exits non-zero if not. Needs nothing but the wheel."""

import asyncio
import faulthandler
import os
import sys
import tempfile

import zmqcore as zmq
import zmqcore.asyncio

TIMEOUT_MS = 10_000
HANG_SECONDS = 60  # beyond every timeout above; a hang then ends with the stacks of all threads


def endpoints(folder):
    yield "tcp", "tcp://127.0.0.1:*"
    yield "inproc", "inproc://smoke"
    if zmq.has("ipc"):
        yield "ipc", f"ipc://{folder}/smoke"


def opened(context, kind):
    socket = context.socket(kind)
    socket.rcvtimeo = socket.sndtimeo = TIMEOUT_MS
    socket.linger = 0
    return socket


def pair(context, bound_kind, connected_kind, endpoint, **options):
    bound, connected = opened(context, bound_kind), opened(context, connected_kind)
    for name, value in options.items():
        setattr(connected, name, value)
    bound.bind(endpoint)
    connected.connect(bound.get_string(zmq.LAST_ENDPOINT))
    return bound, connected


def request_reply(context, endpoint):
    rep, req = pair(context, zmq.REP, zmq.REQ, endpoint)
    with rep, req:
        for size in (0, 1, 255, 256, 100_000):
            req.send(b"q" * size)
            assert rep.recv() == b"q" * size
            rep.send_multipart([b"a", b"b" * size])
            assert req.recv_multipart() == [b"a", b"b" * size]


def publish_subscribe(context, endpoint):
    pub, sub = pair(context, zmq.XPUB, zmq.SUB, endpoint, subscribe=b"yes")
    with pub, sub:
        assert pub.recv() == b"\x01yes"
        pub.send(b"no")
        pub.send(b"yes!")
        assert sub.recv() == b"yes!"


def pipeline(context, endpoint):
    pull, push = pair(context, zmq.PULL, zmq.PUSH, endpoint)
    with pull, push:
        for number in range(500):
            push.send(b"%d" % number)
        assert [int(pull.recv()) for _ in range(500)] == list(range(500))


async def with_asyncio(endpoint):
    with zmq.asyncio.Context() as context:
        router, dealer = pair(context, zmq.ROUTER, zmq.DEALER, endpoint)
        with router, dealer:
            waiting = asyncio.ensure_future(router.recv_multipart())
            await dealer.send(b"hello")
            identity, text = await asyncio.wait_for(waiting, TIMEOUT_MS / 1000)
            await router.send_multipart([identity, text.upper()])
            assert await asyncio.wait_for(dealer.recv(), TIMEOUT_MS / 1000) == b"HELLO"


def check_installation():
    here = os.path.dirname(os.path.abspath(zmq.__file__))
    assert "site-packages" in here, f"not the installed package: {here}"
    foreign = {
        name.partition(".")[0]
        for name, module in sys.modules.items()
        if (getattr(module, "__file__", None) or "").replace("\\", "/").find("/site-packages/") >= 0
    } - {"zmqcore"}
    # A virtual environment's own start-up hooks are not our imports.
    foreign = {name for name in foreign if not name.startswith(("_virtualenv", "_distutils_hack", "sitecustomize"))}
    assert not foreign, f"imports packages it does not declare: {sorted(foreign)}"
    is_gil_enabled = getattr(sys, "_is_gil_enabled", None)
    if is_gil_enabled and "t" in getattr(sys, "abiflags", ""):
        assert not is_gil_enabled(), "importing zmqcore switched the GIL on"


def main():
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    check_installation()
    with tempfile.TemporaryDirectory() as folder:
        for transport, endpoint in endpoints(folder):
            for exchange in (request_reply, publish_subscribe, pipeline):
                with zmq.Context() as context:
                    exchange(context, endpoint)
            asyncio.run(with_asyncio(endpoint))
            print(f"{transport}: request/reply, publish/subscribe, pipeline, asyncio: ok", flush=True)
    print(f"zmqcore {zmq.zmqcore_version()} works on {sys.version}")


if __name__ == "__main__":
    main()
