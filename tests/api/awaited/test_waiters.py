"""Several who wait for one socket: tasks, Pollers, shadows, loops in other threads. One gives up, the others must still be told."""

import asyncio
import itertools
import sys
import threading
import time

import pytest
from channels import Channel, silent_descriptors
from loops import WAIT, on_loop

# -- ways to wait for a message. Each is called with the library, the module asyncio, and the socket; it returns an awaitable.


def recv(zmq, aio, socket):
    return awaited(aio, socket).recv()


def recv_multipart(zmq, aio, socket):
    return awaited(aio, socket).recv_multipart()


def poll(zmq, aio, socket):
    return awaited(aio, socket).poll()


def poller(zmq, aio, socket):
    one = aio.Poller()
    one.register(socket, zmq.POLLIN)
    return one.poll()


def poller_of_a_shadow(zmq, aio, socket):
    one = aio.Poller()
    one.register(aio.Socket(socket), zmq.POLLIN)
    return one.poll()


def shadow(zmq, aio, socket):
    return aio.Socket(socket).poll()


WAYS = [recv, recv_multipart, poll, poller, poller_of_a_shadow, shadow]
PAIRS = list(itertools.product(WAYS, WAYS))
POLLING = list(itertools.product([poll, poller, poller_of_a_shadow, shadow], repeat=2))


def awaited(aio, socket):
    return socket if isinstance(socket, aio.Socket) else aio.Socket(socket)


@pytest.fixture
def sockets(zmq, aio):
    """sockets(plain) -> a PULL, plain or to be awaited, and a function that sends to it."""
    contexts = []

    def make(plain):
        context = zmq.Context() if plain else aio.Context()
        contexts.append(context)
        pull, push = context.socket(zmq.PULL), zmq.Context.shadow(context).socket(zmq.PUSH)
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.get_string(zmq.LAST_ENDPOINT))
        contexts.append(push)
        return pull, push.send

    yield make
    for one in reversed(contexts):
        one.close(0) if hasattr(one, "send") else one.destroy(0)


@pytest.mark.better  # pyzmq's shadows lose one another's wake-ups
@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
@pytest.mark.parametrize(("stays", "leaves"), PAIRS, ids=lambda way: way.__name__)
@on_loop
async def test_one_gives_up(zmq, aio, sockets, stays, leaves, plain):
    pull, send = sockets(plain)
    waiting = asyncio.ensure_future(stays(zmq, aio, pull))
    leaving = asyncio.ensure_future(leaves(zmq, aio, pull))
    await asyncio.sleep(0)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(leaving, 0.01)
    send(b"x")
    assert await asyncio.wait_for(waiting, WAIT)
    if stays not in (recv, recv_multipart):
        assert await awaited(aio, pull).recv() == b"x"


@pytest.mark.better
@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
@pytest.mark.parametrize(("one", "two"), POLLING, ids=lambda way: way.__name__)
@on_loop
async def test_all_that_poll_are_told(zmq, aio, sockets, one, two, plain):
    pull, send = sockets(plain)
    waiting = [asyncio.ensure_future(way(zmq, aio, pull)) for way in (one, two)]
    await asyncio.sleep(0)
    send(b"x")
    done, late = await asyncio.wait(waiting, timeout=WAIT)
    assert not late and all(each.result() for each in done)
    assert await awaited(aio, pull).recv() == b"x"


@pytest.mark.better
@on_loop
async def test_receives_by_shadows_are_served_in_order(zmq, aio, sockets):
    pull, send = sockets(False)
    received = [awaited(aio, pull if number % 2 else aio.Socket(pull)).recv() for number in range(6)]
    for number in range(6):
        send(b"%d" % number)
    got = await asyncio.wait_for(asyncio.gather(*received), WAIT)
    assert got == [b"%d" % number for number in range(6)]


@on_loop
async def test_poll_that_times_out_and_poller_that_stays(zmq, aio, sockets):
    pull, send = sockets(True)
    long, short = aio.Poller(), aio.Poller()
    long.register(pull, zmq.POLLIN)
    short.register(pull, zmq.POLLIN)
    waiting = asyncio.ensure_future(long.poll(500))
    assert await short.poll(10) == []
    send(b"x")
    assert await waiting == [(pull, zmq.POLLIN)]


@pytest.mark.better
@on_loop
async def test_pollers_of_one_descriptor(zmq, aio):
    with Channel() as channel:
        one, two = aio.Poller(), aio.Poller()
        one.register(channel.reader, zmq.POLLIN)
        two.register(channel.reader, zmq.POLLIN)
        waiting = asyncio.ensure_future(one.poll())
        assert await two.poll(10) == []
        channel.write(b"x")
        assert await waiting == await two.poll() == [(channel.reader, zmq.POLLIN)]


@pytest.mark.better
@on_loop
async def test_more_descriptors_than_select_takes(zmq, aio):
    if sys.platform == "win32" and type(asyncio.get_running_loop()) is asyncio.SelectorEventLoop:
        pytest.skip("that loop is select()")
    with Channel() as channel, silent_descriptors() as silent:
        poller = aio.Poller()
        for descriptor in (*silent, channel.reader):
            poller.register(descriptor, zmq.POLLIN)
        waiting = asyncio.ensure_future(poller.poll())
        await asyncio.sleep(0)
        channel.write(b"x")
        assert await waiting == [(channel.reader, zmq.POLLIN)]


@pytest.mark.better
@on_loop
async def test_sends_of_which_the_first_gives_up(zmq, context):
    """What holds up the first one, a peer without room, holds up only this one."""
    router = context.socket(zmq.ROUTER)
    router.router_mandatory = 1
    router.sndhwm = 1
    router.bind("inproc://room")
    peers = {}
    for name in (b"full", b"free"):
        peers[name] = context.socket(zmq.DEALER)
        peers[name].routing_id = name
        peers[name].rcvhwm = 1
        peers[name].connect("inproc://room")
        await peers[name].send(b"here")
        assert await router.recv_multipart() == [name, b"here"]
    filling = []
    while not filling or filling[-1].done():
        filling.append(router.send_multipart([b"full", b"x"]))
        await asyncio.sleep(0)
    free = router.send_multipart([b"free", b"y"])
    await asyncio.sleep(0)
    filling[-1].cancel()
    assert await asyncio.wait_for(peers[b"free"].recv(), WAIT) == b"y"
    await free


@pytest.mark.better
@on_loop
async def test_sends_of_which_the_first_runs_out_of_time(zmq, context):
    router = context.socket(zmq.ROUTER)
    router.router_mandatory = 1
    router.sndhwm = 1
    router.sndtimeo = 20
    router.bind("inproc://time")
    peers = {}
    for name in (b"full", b"free"):
        peers[name] = context.socket(zmq.DEALER)
        peers[name].routing_id = name
        peers[name].rcvhwm = 1
        peers[name].connect("inproc://time")
        await peers[name].send(b"here")
        assert await router.recv_multipart() == [name, b"here"]
    filling = []
    while not filling or filling[-1].done():
        filling.append(router.send_multipart([b"full", b"x"]))
        await asyncio.sleep(0)
    router.sndtimeo = -1
    free = router.send_multipart([b"free", b"y"])
    with pytest.raises(zmq.Again):
        await filling[-1]
    await asyncio.wait_for(free, WAIT)


@pytest.mark.better
@on_loop
async def test_plain_use_between_the_waits(zmq, aio, sockets):
    """Calls on the ordinary socket itself, in the same thread."""
    pull, send = sockets(True)
    awaiting = aio.Socket(pull)
    for number in range(20):
        received = awaiting.recv()
        send(b"1")
        assert await asyncio.wait_for(received, WAIT) == b"1"
        send(b"2")
        assert pull.poll(5000) and pull.recv() == b"2"
        assert await awaiting.poll(0) == 0


@pytest.mark.better
def test_loops_in_several_threads(zmq, aio):
    """Each message reaches one of the loops, whoever of the others gives up meanwhile."""
    context = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.get_string(zmq.LAST_ENDPOINT))
    wanted = 300
    got, lock = [], threading.Lock()

    async def consume(patience):
        socket = aio.Socket(pull)
        while True:
            try:
                message = await asyncio.wait_for(socket.recv(), patience)
            except asyncio.TimeoutError:
                with lock:
                    if len(got) >= wanted:
                        return
                continue
            with lock:
                got.append(int(message))

    threads = [threading.Thread(target=asyncio.run, args=(consume(patience),)) for patience in (0.003, 0.01, 0.05)]
    for thread in threads:
        thread.start()
    for number in range(wanted):
        push.send(b"%d" % number)
        if number % 10 == 0:
            time.sleep(0.001)
    for thread in threads:
        thread.join(WAIT)
    assert not any(thread.is_alive() for thread in threads)
    assert sorted(got) == list(range(wanted))
    context.destroy(0)


# -- a message that was given back


async def give_back(socket, send):
    """A task is cancelled between its message and its next step."""
    received = socket.recv_multipart()
    received.add_done_callback(lambda _: task.cancel())

    async def take():
        return await received

    task = asyncio.ensure_future(take())
    await asyncio.sleep(0)
    send()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.better
@on_loop
async def test_a_message_given_back_is_told_by_everything(zmq, aio, peers):
    one, two = peers
    await give_back(two, lambda: one.send_multipart([b"a", b"b"]))
    poller = aio.Poller()
    poller.register(two, zmq.POLLIN)
    assert await poller.poll(WAIT * 1000) == [(two, zmq.POLLIN)]
    assert two.events & zmq.POLLIN and two.get(zmq.EVENTS) & zmq.POLLIN and two.getsockopt(zmq.EVENTS) & zmq.POLLIN
    assert await two.recv() == b"a"
    assert two.rcvmore and two.get(zmq.RCVMORE)
    assert await two.recv() == b"b"
    assert not two.rcvmore
    assert await two.poll(0) == 0 and await poller.poll(0) == []


@pytest.mark.better
@on_loop
async def test_a_message_given_back_is_for_any_shadow(zmq, aio, peers):
    one, two = peers
    other = aio.Socket(two)
    waiting = other.poll()
    await give_back(two, lambda: one.send(b"x"))
    assert await asyncio.wait_for(waiting, WAIT) == zmq.POLLIN
    assert await other.recv() == b"x"


@pytest.mark.better
def test_a_message_given_back_outlives_its_loop(zmq, peers, run):
    one, two = peers
    run(give_back(two, lambda: one.send(b"x")))

    async def take():
        return await two.recv()

    assert run(take()) == b"x"


# -- the end


@pytest.mark.parametrize("plain", [False, True], ids=["async", "plain"])
@pytest.mark.better  # pyzmq knows only of what is pending on the object that is closed
@on_loop
async def test_close_by_any_of_them_ends_all(zmq, aio, sockets, plain):
    pull, _ = sockets(plain)
    other = aio.Socket(pull)
    pending = [other.recv(), other.poll(), aio.Socket(pull).recv_multipart()]
    poller = aio.Poller()
    poller.register(pull, zmq.POLLIN)
    polled = poller.poll()
    await asyncio.sleep(0)
    pull.close()
    done, late = await asyncio.wait([*pending, polled], timeout=WAIT)
    assert not late
    assert all(one.cancelled() for one in pending)
    with pytest.raises(zmq.ZMQError):
        polled.result()


@pytest.mark.better
@on_loop
async def test_descriptors_of_closed_sockets_are_let_go(zmq, aio):
    """The number of a closed descriptor comes back with the next socket, for which the loop must listen anew."""
    with zmq.Context() as context:
        for _ in range(20):
            pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
            pull.bind("inproc://again")
            push.connect("inproc://again")
            other = aio.Socket(pull)
            received = other.recv()
            await asyncio.sleep(0)
            pushing = asyncio.get_running_loop().call_later(0.001, push.send, b"x")
            assert await asyncio.wait_for(received, WAIT) == b"x"
            other.recv()
            pushing.cancel()
            pull.close()
            push.close()
            del pull, push, other, received
