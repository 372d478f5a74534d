"""Shadows: another object of the same socket or context. Closing one closes all."""

import asyncio
import copy
import threading

import pytest


def ended(context):
    """term() returns."""
    thread = threading.Thread(target=context.term, daemon=True)
    thread.start()
    thread.join(10)
    return not thread.is_alive()


WAYS = {
    "close": lambda shadow: shadow.close(),
    "close with linger": lambda shadow: shadow.close(0),
    "with": lambda shadow: shadow.__exit__(None, None, None),
}
KINDS = {
    "shadow": lambda zmq, socket: zmq.Socket.shadow(socket),
    "by number": lambda zmq, socket: zmq.Socket.shadow(socket.underlying),
    "constructor": lambda zmq, socket: zmq.Socket(socket),
    "copy": lambda zmq, socket: copy.copy(socket),
    "shadow of a shadow": lambda zmq, socket: zmq.Socket.shadow(zmq.Socket.shadow(socket)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_closing_a_shadow_closes_the_socket(zmq, way, kind):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    socket.bind("inproc://x")
    other = zmq.Socket.shadow(socket)
    WAYS[way](KINDS[kind](zmq, socket))
    assert socket.closed and other.closed
    for closed in (socket, other):
        with pytest.raises(zmq.ZMQError) as caught:
            closed.recv(zmq.DONTWAIT)
        assert caught.value.errno == zmq.ENOTSOCK
        closed.close()
    assert ended(context)


def test_awaited_shadow(zmq, submodule):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)

    async def main():
        with submodule("asyncio").Socket(socket) as awaited:
            assert not awaited.closed

    asyncio.run(main())
    assert socket.closed and ended(context)


def test_closing_the_socket_closes_its_shadows(zmq, context):
    socket = context.socket(zmq.PUSH)
    shadow = zmq.Socket.shadow(socket)
    socket.close()
    assert shadow.closed
    with pytest.raises(zmq.ZMQError) as caught:
        shadow.send(b"", zmq.DONTWAIT)
    assert caught.value.errno == zmq.ENOTSOCK
    shadow.close()


def test_a_shadow_that_goes_closes_nothing(zmq, context):
    socket = context.socket(zmq.PUSH)
    shadow = zmq.Socket.shadow(socket)
    assert shadow._shadow and not socket._shadow
    del shadow
    assert not socket.closed


@pytest.mark.better
def test_a_socket_that_goes_is_kept_by_its_shadow(zmq, context):
    shadow = zmq.Socket.shadow(context.socket(zmq.PUSH))
    assert not shadow.closed
    shadow.close()


# -- contexts


@pytest.mark.parametrize("make", ["shadow", "underlying", "constructor", "copy"])
@pytest.mark.parametrize("end", ["term", "destroy", "with"])
def test_ending_a_shadow_ends_the_context(zmq, make, end):
    context = zmq.Context()
    shadow = {
        "shadow": lambda: zmq.Context.shadow(context),
        "underlying": lambda: zmq.Context.shadow(context.underlying),
        "constructor": lambda: zmq.Context(context),
        "copy": lambda: copy.copy(context),
    }[make]()
    socket = shadow.socket(zmq.PUSH)
    if end == "term":
        socket.close()
        shadow.term()
    elif end == "destroy":
        shadow.destroy()
    else:
        with pytest.warns(ResourceWarning), shadow:
            pass
    assert socket.closed and shadow.closed
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.PUSH)
    context._shadow = True  # or else pyzmq's complains when it goes


@pytest.mark.better
def test_a_context_ended_by_a_shadow_is_closed(zmq):
    context = zmq.Context()
    zmq.Context.shadow(context).term()
    assert context.closed
    context.term()
    context.destroy()
    instance = zmq.Context.instance()
    zmq.Context.shadow(instance).term()
    assert zmq.Context.instance() is not instance
    zmq.Context.instance().term()


def test_shadow_of_an_ended_context(zmq):
    context = zmq.Context()
    shadow = zmq.Context.shadow(context)
    context.term()
    for call in (lambda: shadow.socket(zmq.PUSH), lambda: shadow.get(zmq.IO_THREADS), lambda: shadow.set(zmq.IO_THREADS, 2)):
        with pytest.raises(zmq.ZMQError) as caught:
            call()
        assert caught.value.errno == zmq.EFAULT


@pytest.mark.better
def test_shadow_of_an_ended_context_ends_quietly(zmq):
    context = zmq.Context()
    shadow = zmq.Context.shadow(context)
    context.term()
    shadow.term()
    shadow.destroy()


def test_ending_waits_for_the_sockets_of_all(zmq):
    context = zmq.Context()
    shadow = zmq.Context.shadow(context)
    socket = context.socket(zmq.PUSH)
    thread = threading.Thread(target=shadow.destroy, daemon=True)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    socket.close()
    thread.join(10)
    assert not thread.is_alive()
    context._shadow = True
