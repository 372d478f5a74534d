"""Sockets that are awaited: polling, closing, several loops, and what else a program does with them."""

import asyncio
import gc
import sys
import time

import pytest
from channels import Channel
from loops import WAIT, on_loop, turns

# -- polling


@on_loop
async def test_poll(zmq, peers):
    one, two = peers
    assert await two.poll(0) == 0
    assert await two.poll(10) == 0
    assert await two.poll(10, zmq.POLLOUT) == zmq.POLLOUT
    polled = two.poll(5000)
    await asyncio.sleep(0)
    assert not polled.done()
    await one.send(b"x")
    assert await polled == zmq.POLLIN
    assert await two.poll() == await two.poll(-1, zmq.POLLIN | zmq.POLLERR) == zmq.POLLIN
    assert await two.poll(None, 0) == await two.poll(None, None) == 0
    assert await two.recv() == b"x"


@on_loop
async def test_poll_for_room(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    polled = push.poll(-1, zmq.POLLOUT)
    await turns()
    assert not polled.done()
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.get_string(zmq.LAST_ENDPOINT))
    assert await polled == zmq.POLLOUT


@pytest.mark.better
@on_loop
async def test_polls_that_timed_out_are_forgotten(zmq, peers):
    _, two = peers
    for _ in range(50):
        await two.poll(1)
    assert len(two._awaiting.watches) <= 1


@on_loop
async def test_cancelled_poll(zmq, peers):
    one, two = peers
    polled = two.poll()
    await asyncio.sleep(0)
    polled.cancel()
    await one.send(b"x")
    assert await two.recv() == b"x"


@on_loop
async def test_poller(zmq, aio, peers):
    one, two = peers
    poller = aio.Poller()
    assert await poller.poll(5) == []
    poller.register(two, zmq.POLLIN)
    assert await poller.poll(10) == []
    polled = poller.poll(5000)
    await asyncio.sleep(0)
    await one.send(b"x")
    assert await polled == [(two, zmq.POLLIN)]
    assert await poller.poll(0) == await poller.poll() == await poller.poll(None) == [(two, zmq.POLLIN)]
    poller.register(one, zmq.POLLOUT)
    assert dict(await poller.poll()) == {one: zmq.POLLOUT, two: zmq.POLLIN}


@on_loop
async def test_poller_of_descriptors_and_plain_sockets(zmq, aio, context):
    poller = aio.Poller()
    channel = Channel()
    reader = channel.reader
    plain = zmq.Context.shadow(context)
    with channel, plain.socket(zmq.PULL) as pull, plain.socket(zmq.PUSH) as push:
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.get_string(zmq.LAST_ENDPOINT))
        poller.register(pull, zmq.POLLIN)
        poller.register(reader, zmq.POLLIN)
        assert await poller.poll(10) == []
        polled = poller.poll(5000)
        channel.write(b"x")
        assert await polled == [(reader, zmq.POLLIN)]
        channel.read(1)
        polled = poller.poll(5000)
        push.send(b"x")
        assert await polled == [(pull, zmq.POLLIN)]
        assert pull.recv() == b"x"
        polled = poller.poll()
        await asyncio.sleep(0)
        polled.cancel()
        if sys.platform == "win32":
            await asyncio.sleep(0)  # the select() of one of its loops fails for what is closed before it has been taken off


@on_loop
async def test_receive_while_polled(zmq, aio, peers):
    """A poll whose message somebody else took goes on waiting."""
    one, two = peers
    poller = aio.Poller()
    poller.register(two, zmq.POLLIN)
    received = two.recv()
    polled = poller.poll(50)
    await one.send(b"x")
    assert await received == b"x"
    assert await polled in ([], [(two, zmq.POLLIN)])


# -- life


@on_loop
async def test_close_ends_what_is_pending(zmq, peers):
    one, two = peers
    received, polled = two.recv(), two.poll()
    await asyncio.sleep(0)
    two.close()
    with pytest.raises(asyncio.CancelledError):
        await received
    await asyncio.wait({polled}, timeout=WAIT)
    assert polled.done()
    with pytest.raises(zmq.ZMQError) as caught:
        await two.send(b"")
    assert caught.value.errno == zmq.ENOTSOCK
    with pytest.raises(zmq.ZMQError):
        await two.recv()
    with pytest.raises(zmq.ZMQError):
        await two.poll(0)


@pytest.mark.better
def test_one_socket_on_several_loops(zmq, peers, run):
    one, two = peers

    async def exchange():
        # What was pending on an earlier loop takes nothing away.
        received = two.recv()
        await one.send(b"x")
        return await received

    async def give_up():
        two.recv()

    assert run(exchange()) == b"x"
    run(give_up())
    assert run(exchange()) == b"x"
    assert run(exchange()) == b"x"


@pytest.mark.better
def test_forgotten_socket_is_collected(zmq, context, run):
    async def main():
        socket = context.socket(zmq.PULL)
        try:
            await asyncio.wait_for(socket.recv(), 0.01)
        except asyncio.TimeoutError:
            pass
        with pytest.warns(ResourceWarning, match="Unclosed socket"):
            del socket
            gc.collect()

    run(main())


@on_loop
async def test_from_socket(zmq, aio):
    with zmq.Context() as plain, plain.socket(zmq.PAIR) as one, plain.socket(zmq.PAIR) as two:
        one.bind("inproc://from")
        two.connect("inproc://from")
        awaited = aio.Socket.from_socket(two)
        assert type(awaited) is aio.Socket
        received = awaited.recv()
        one.send(b"x")
        assert await received == b"x"
        await awaited.send(b"y")
        assert one.recv() == b"y"


@on_loop
async def test_plain_shadow(zmq, peers):
    one, two = peers
    plain = zmq.Socket.shadow(one)
    assert type(plain) is zmq.Socket
    plain.send(b"x")
    assert await two.recv() == b"x"


@on_loop
async def test_monitor(zmq, submodule, context):
    receive = submodule("utils.monitor").recv_monitor_message
    pull = context.socket(zmq.PULL)
    monitor = pull.get_monitor_socket()
    pull.bind("tcp://127.0.0.1:*")
    assert (await receive(monitor))["event"] == zmq.EVENT_LISTENING
    pull.disable_monitor()
    assert (await receive(monitor))["event"] == zmq.EVENT_MONITOR_STOPPED


@on_loop
async def test_context_manager_and_binding(zmq, context):
    with context.socket(zmq.PULL) as pull:
        with pull.bind("tcp://127.0.0.1:*") as bound:
            assert bound is pull
    assert pull.closed


@pytest.mark.better
@on_loop
async def test_async_iteration(zmq, peers):
    one, two = peers
    for part in (b"a", b"b", b""):
        await one.send(part)
    got = []
    async for frame in two:
        if not frame:
            break
        got.append(frame)
    assert got == [b"a", b"b"]
    with pytest.raises(TypeError):
        iter(two)


def test_outside_of_a_running_loop(zmq, peers):
    one, two = peers
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        received = two.recv()
        one.send(b"x")
        assert loop.run_until_complete(asyncio.wait_for(received, WAIT)) == b"x"
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@pytest.mark.better
def test_old_helpers(aio):
    with pytest.warns(DeprecationWarning):
        aio.ZMQEventLoop().close()
    with pytest.warns(DeprecationWarning):
        aio.install()


@pytest.mark.better  # pyzmq waits for input and room only
@pytest.mark.parametrize("flags", ["POLLIN", "POLLERR", "POLLPRI"])
@on_loop
async def test_poller_of_a_descriptor_that_hangs_up(zmq, aio, flags):
    with Channel() as channel:
        poller = aio.Poller()
        poller.register(channel.reader, getattr(zmq, flags))
        polled = poller.poll(WAIT * 1000)
        await asyncio.sleep(0)
        channel.close_writer()
        [(found, events)] = await polled
    # There is nothing to read in a pipe without a writer. A socket can be read: it says that this is the end.
    assert found == channel.reader and events in ([zmq.POLLERR] if channel.ends is None else [zmq.POLLERR, zmq.POLLERR | zmq.POLLIN])


@on_loop
async def test_input_while_an_error_is_waited_for(zmq, aio):
    """No busy loop: input is what nobody asked for."""
    with Channel() as channel:
        channel.write(b"x")
        poller = aio.Poller()
        poller.register(channel.reader, zmq.POLLERR)
        cpu = time.process_time()
        assert await poller.poll(300) == []
        assert time.process_time() - cpu < 0.15
