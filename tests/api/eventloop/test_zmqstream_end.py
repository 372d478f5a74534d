"""The end of a ZMQStream: by close(), with its socket, with its context, or because nothing refers to it."""

import asyncio
import gc
import threading
import weakref

import pytest
from awaiting import SECONDS
from tornado_loop import Calls, on_tornado

pytest.importorskip("tornado")


@on_tornado
async def test_close(zmq, streams):
    _, pull = streams("PUSH", "PULL")
    socket, calls = pull.socket, []
    pull.set_close_callback(lambda: calls.append(pull.closed()))
    pull.close()
    assert calls == [True]
    assert socket.closed and pull.closed() and pull.socket is None
    assert pull.close() is None
    assert calls == [True]
    for call in (
        lambda: pull.send(b"x"), lambda: pull.on_recv(print), lambda: pull.flush(), lambda: pull.stop_on_recv(), lambda: pull.on_send(None),
    ):  # fmt: skip
        with pytest.raises(OSError, match="Stream is closed"):
            call()
    assert not pull.receiving()
    with pytest.raises(zmq.ZMQError):
        pull.bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.ZMQError):
        type(pull)(socket)


@on_tornado
async def test_close_inside_the_function(streams):
    push, pull = streams("PUSH", "PULL")
    calls, closed = Calls(), Calls()
    pull.set_close_callback(lambda: closed("closed"))

    def close(message):
        calls(message)
        pull.close()

    pull.on_recv(close)
    push.send(b"1")
    push.send(b"2")
    assert await closed.next() == "closed"
    assert await calls.next() == [b"1"]
    await calls.silent()


@pytest.mark.better  # pyzmq's stream finds out when it is asked
@on_tornado
async def test_socket_closed_by_itself(streams):
    _, pull = streams("PUSH", "PULL")
    calls, closed = Calls(), Calls()
    pull.on_recv(calls)
    pull.set_close_callback(lambda: closed("closed"))
    await asyncio.sleep(0)
    with pytest.warns(UserWarning, match="after closing socket"):
        pull.socket.close()
        assert await closed.next() == "closed"
    assert pull.closed() and pull.socket is None


@pytest.mark.better
@on_tornado
async def test_socket_closed_in_the_turn_of_another_stream_is_not_listened_to(zmq, streams, ZMQStream):
    push, pull = streams("PUSH", "PULL")
    other = ZMQStream(pull.socket)
    failed, calls = [], Calls()
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: failed.append(told))

    def received(frames):
        other.send(b"")  # still queued then
        pull.close()
        calls(frames)

    other.on_recv(received)
    with pytest.warns(UserWarning, match="after closing socket"):
        push.send(b"")
        assert await calls.next() == [b""]
        await asyncio.sleep(0.01)
    assert other.socket is None and not other._listening
    assert not failed


@pytest.mark.better
@on_tornado
async def test_terminated_context_stops_the_stream(zmq, ZMQStream, logged):
    context = zmq.Context()
    stream = ZMQStream(context.socket(zmq.PULL))
    stream.on_recv(print)
    thread = threading.Thread(target=context.term)
    thread.start()
    turns = 0
    while not logged():
        await asyncio.sleep(0.001)
        turns += 1
        assert turns < 1000 * SECONDS
    assert not stream._listening
    assert "terminated" in logged()[0]
    stream.close()
    thread.join()


@pytest.mark.better
@on_tornado
async def test_terminated_context_ends_the_spin_of_a_stream(zmq, ZMQStream, logged):
    context = zmq.Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    pull.setsockopt(zmq.IO_STRATEGY, 2)
    pull.bind("inproc://ends")
    push.connect("inproc://ends")
    stream = ZMQStream(pull)
    thread = threading.Thread(target=context.term)
    failed = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: failed.append(told))

    def received(frames):
        thread.start()
        with pytest.raises(zmq.ContextTerminated):
            while True:
                push.getsockopt(zmq.EVENTS)

    stream.on_recv(received)
    push.send(b"")
    turns = 0
    while not logged() or stream._spinning:
        await asyncio.sleep(0.001)
        turns += 1
        assert turns < 1000 * SECONDS
    push.close()
    stream.close()
    thread.join()
    assert not failed


@pytest.mark.better
@on_tornado
async def test_forgotten_stream_goes(zmq, context, ZMQStream):
    socket = context.socket(zmq.PULL)
    stream = ZMQStream(socket)
    gone = weakref.ref(stream)
    del stream
    gc.collect()
    assert gone() is None
    socket.close()
