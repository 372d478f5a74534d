"""Sockets to be awaited on tornado's loop, and the names of zmqcore.eventloop."""

import asyncio
import gc
import subprocess
import sys
import warnings
import weakref

import pytest
from tornado_loop import on_tornado

pytest.importorskip("tornado")


@pytest.fixture
def future(submodule):
    return submodule("eventloop.future")


@pytest.fixture
def context(future, run):
    made = future.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def peers(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push.connect(f"tcp://127.0.0.1:{port}")
    return push, pull


@on_tornado
async def test_traffic(zmq, future, peers):
    push, pull = peers
    assert isinstance(push, future.Socket)
    received = pull.recv_multipart()
    assert isinstance(received, asyncio.Future)
    await push.send_multipart([b"a", b"b"])
    assert await received == [b"a", b"b"]
    await push.send_string("text")
    assert await pull.recv_string() == "text"
    await push.send_json([1])
    assert await pull.recv_json() == [1]


@on_tornado
async def test_polling(zmq, future, peers):
    push, pull = peers
    assert await pull.poll(10) == 0
    poller = future.Poller()
    poller.register(pull, zmq.POLLIN)
    assert await poller.poll(10) == []
    await push.send(b"x")
    assert await poller.poll(5000) == [(pull, zmq.POLLIN)]
    assert await pull.poll(5000) == zmq.POLLIN


@on_tornado
async def test_cancelled_receive_loses_nothing(future, peers):
    push, pull = peers
    received = pull.recv()
    received.cancel()
    with pytest.raises(future.CancelledError):
        await received
    await push.send(b"x")
    assert await pull.recv() == b"x"


@on_tornado
async def test_from_socket(zmq, future, context):
    plain = zmq.Context.shadow(context.underlying).socket(zmq.PULL)
    awaited = future.Socket.from_socket(plain)
    plain.bind("inproc://from")
    with context.socket(zmq.PUSH) as push:
        push.connect("inproc://from")
        await push.send(b"x")
        assert await awaited.recv() == b"x"
    plain.close()


@pytest.mark.better
def test_calls_before_the_loop_runs(run, peers):
    from tornado.ioloop import IOLoop

    push, pull = peers
    received = pull.recv()
    sent = push.send(b"x")

    async def both():
        assert await sent is None
        return await received

    assert IOLoop.current().run_sync(both) == b"x"


def test_closing_the_loop_closes_its_sockets(zmq, future):
    from tornado.ioloop import IOLoop

    asyncio.set_event_loop(asyncio.new_event_loop())
    loop = IOLoop.current()
    context = future.Context()
    kept, closed = context.socket(zmq.PULL), context.socket(zmq.PULL)

    async def use():
        for socket in (kept, closed):
            assert await socket.poll(1) == 0
        closed.close()

    loop.run_sync(use)
    loop.close(all_fds=True)
    asyncio.set_event_loop(None)
    assert kept.closed and closed.closed
    context.term()


@pytest.mark.better
def test_forgotten_socket_goes(zmq, future, run, context):
    async def use():
        socket = context.socket(zmq.PULL)
        await socket.poll(1)
        return weakref.ref(socket)

    async def main():
        gone = await use()
        await asyncio.sleep(0)
        gc.collect()
        assert gone() is None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # one that is recorded would keep the socket
        run(main())


def test_io_loop_is_ignored(future, run):
    with pytest.warns(DeprecationWarning):
        context = future.Context(io_loop=object())
    assert context.io_loop is None
    context.term()


def test_context_has_an_instance_of_its_own(zmq, future, run):
    instance = future.Context.instance()
    assert instance is future.Context.instance() is not zmq.Context.instance()
    assert type(instance) is future.Context
    instance.term()


# -- names


def test_ioloop_is_tornados(submodule):
    from tornado import ioloop

    assert submodule("eventloop").IOLoop is ioloop.IOLoop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ours = submodule("eventloop.ioloop")
    assert ours.ZMQIOLoop is ours.IOLoop is ioloop.IOLoop
    assert ours.PeriodicCallback is ioloop.PeriodicCallback
    with pytest.warns(DeprecationWarning):
        assert ours.install() is None


@pytest.mark.better
def test_deprecated_module_warns():
    program = "import zmqcore.eventloop.ioloop"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
    assert "DeprecationWarning" in done.stderr


@pytest.mark.better
def test_the_import_loads_no_other_loops():
    others = {"tornado", "gevent", "anyio", "trio", "paramiko", "pexpect"}
    program = f"import zmqcore, zmqcore.asyncio, sys; print({others} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
