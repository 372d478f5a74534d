"""Sockets that are awaited: sending and receiving, cancelling, time limits and errors."""

import asyncio
import pickle
import threading
import time

import pytest
from loops import WAIT, calls_of_a_while, on_loop, turns

# -- kinds


def test_classes(zmq, aio, context):
    socket = context.socket(zmq.PUSH)
    assert type(socket) is aio.Socket and isinstance(socket, zmq.Socket)
    assert isinstance(context, zmq.Context)
    assert repr(socket).startswith("<zmq.asyncio.Socket(zmq.PUSH)")
    assert repr(context).startswith("<zmq.asyncio.Context(")


def test_constructor(zmq, aio, context):
    with aio.Socket(context, zmq.PUSH) as socket:
        assert socket.type == zmq.PUSH
    with pytest.raises(TypeError):
        aio.Socket(context)


def test_shadow_context(zmq, aio):
    with zmq.Context() as plain:
        for shadow in (aio.Context.shadow(plain), aio.Context(plain)):
            with shadow.socket(zmq.PUSH) as socket:
                assert type(socket) is aio.Socket


# -- at once


@pytest.mark.parametrize("at_once", [False, pytest.param(True, marks=pytest.mark.better)])
@on_loop
async def test_what_is_there_is_received(zmq, peers, at_once):
    one, two = peers
    calls = [
        (one.send(b"x"), two.recv(), b"x"),
        (one.send_multipart([b"x", b"y"]), two.recv_multipart(), [b"x", b"y"]),
        (one.send_string("ä"), two.recv_string(), "ä"),
        (one.send_json({"a": 1}), two.recv_json(), {"a": 1}),
        (one.send_pyobj({1}), two.recv_pyobj(), {1}),
        (one.send_serialized([1], lambda m: [b"1"]), two.recv_serialized(list), [b"1"]),
    ]
    for sent, received, expected in calls:
        assert isinstance(sent, asyncio.Future) and isinstance(received, asyncio.Future)
        if at_once:
            assert sent.done() and received.done()
        assert await sent is None
        assert await received == expected
    buffer = bytearray(8)
    one.send(b"hello")
    assert await two.recv_into(buffer) == 5
    assert bytes(buffer) == b"hello\0\0\0"


@pytest.mark.better
@on_loop
async def test_what_is_done_at_once_is_a_future(peers):
    one, two = peers
    assert await one.send(b"x") is None
    while not (received := two.recv()).done():
        received.cancel()
        await asyncio.sleep(0.001)
    loop = asyncio.get_running_loop()
    assert asyncio.isfuture(received) and asyncio.ensure_future(received) is received
    assert received.get_loop() is loop
    assert received.result() == b"x" and received.exception() is None
    assert not received.cancelled() and not received.cancel()
    assert "b'x'" in repr(received)
    with pytest.raises(asyncio.InvalidStateError):
        received.set_result(1)
    with pytest.raises(asyncio.InvalidStateError):
        received.set_exception(ValueError())
    called = []
    received.add_done_callback(called.append)
    assert received.remove_done_callback(called.append) == 0
    assert called == []
    await asyncio.sleep(0)
    assert called == [received]
    for _ in range(2):
        assert await received == b"x"
    assert await asyncio.gather(received, received, one.send(b"y")) == [b"x", b"x", None]
    assert await asyncio.wait_for(asyncio.shield(received), 5) == b"x"
    done, _ = await asyncio.wait([received])
    assert done == {received}
    with pytest.raises(StopIteration) as stop:
        next(iter(received))
    assert stop.value.value == b"x"


@pytest.mark.better
@on_loop
async def test_parts_from_an_iterator_that_have_to_wait(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    sent = push.send_multipart(part for part in (b"a", b"b"))
    await asyncio.sleep(0)
    assert not sent.done()
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.get_string(zmq.LAST_ENDPOINT))
    await sent
    assert await pull.recv_multipart() == [b"a", b"b"]


@pytest.mark.better
@on_loop
async def test_stop_iteration_objects_are_awaited_like_others(peers):
    one, two = peers
    await one.send(b"x")
    for value in (StopIteration(1), (1, 2), (), None):
        received = two.recv_serialized(lambda _, value=value: value)
        assert await received is value
        await one.send(b"x")


@pytest.mark.better
@on_loop
async def test_batches(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndhwm = pull.rcvhwm = 50
    pull.bind("inproc://batches")
    push.connect("inproc://batches")
    wanted = [b"%d" % number for number in range(5000)]
    sending = asyncio.ensure_future(push.send_many(iter(wanted)))
    got = []
    while len(got) < len(wanted):
        got += await pull.recv_many(30)
    assert got == wanted and await sending == len(wanted)
    waiting = asyncio.ensure_future(pull.recv_many())
    await asyncio.sleep(0)
    assert not waiting.done() and await pull.recv_many(0) == []
    await push.send(b"late")
    assert await waiting == [b"late"]
    with pytest.raises(zmq.Again):
        await pull.recv_many(flags=zmq.NOBLOCK)
    assert await push.send_many([b"x"] * 1000, zmq.NOBLOCK) == 100
    with pytest.raises(zmq.Again):
        await push.send_many([b"x"], zmq.NOBLOCK)


@on_loop
async def test_tracked_send(zmq, peers):
    one, two = peers
    tracker = await one.send(b"x" * 100_000, copy=False, track=True)
    assert isinstance(tracker, zmq.MessageTracker)
    assert len(await two.recv()) == 100_000


@on_loop
async def test_frames(zmq, peers):
    one, two = peers
    await one.send_multipart([b"a", zmq.Frame(b"b")])
    frames = await two.recv_multipart(copy=False)
    assert [bytes(frame) for frame in frames] == [b"a", b"b"]
    assert [frame.more for frame in frames] == [True, False]


@pytest.mark.better
@on_loop
async def test_a_busy_task_lets_others_run(zmq, peers):
    """A task whose messages are always there must not keep the loop to itself."""
    one, two = peers
    one.sndhwm = two.rcvhwm = 0
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    await asyncio.sleep(0)
    before = turns
    for number in range(5000):
        await one.send(b"%d" % number)
        assert await two.recv() == b"%d" % number
    assert turns > before
    counting.cancel()


# -- waiting


@pytest.mark.parametrize("kind", ["peers", "tcp_peers"])
def test_what_is_not_there_is_waited_for(zmq, run, request, kind):
    one, two = request.getfixturevalue(kind)

    async def main():
        for send, recv, thing in [
            (one.send, two.recv, b"x"),
            (one.send_multipart, two.recv_multipart, [b"x", b"y"]),
            (one.send_string, two.recv_string, "ä"),
            (one.send_json, two.recv_json, {"a": 1}),
            (one.send_pyobj, two.recv_pyobj, {1}),
        ]:
            received = recv()
            assert not received.done()
            await asyncio.sleep(0)
            await send(thing)
            assert await received == thing
        received = two.recv_serialized(lambda frames: frames[0].decode())
        await one.send(b"text")
        assert await received == "text"
        buffer = bytearray(8)
        received = two.recv_into(buffer)
        await one.send(b"hello")
        assert await received == 5
        assert buffer.startswith(b"hello")

    run(main())


@on_loop
async def test_pending_receives_are_served_in_order(zmq, peers):
    one, two = peers
    received = [two.recv() for _ in range(5)]
    for number in range(5):
        await one.send(b"%d" % number)
    assert [await each for each in received] == [b"0", b"1", b"2", b"3", b"4"]


@on_loop
async def test_a_later_receive_does_not_overtake(zmq, peers):
    one, two = peers
    first = two.recv()
    await one.send(b"1")
    await one.send(b"2")
    second = two.recv()
    assert (await first, await second) == (b"1", b"2")


@on_loop
async def test_many_messages_between_tasks(zmq, tcp_peers):
    one, two = tcp_peers
    count = 3000

    async def produce():
        for number in range(count):
            await one.send(b"%d" % number)

    async def consume():
        return [int(await two.recv()) for _ in range(count)]

    _, got = await asyncio.gather(produce(), consume())
    assert got == list(range(count))


@on_loop
async def test_send_waits_for_a_peer(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    sent = push.send(b"x")
    await turns()
    assert not sent.done()
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.get_string(zmq.LAST_ENDPOINT))
    assert await pull.recv() == b"x"
    await sent


@on_loop
async def test_sends_wait_for_room_and_keep_their_order(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndhwm = pull.rcvhwm = 5
    pull.bind("inproc://narrow")
    push.connect("inproc://narrow")
    sends = [push.send(b"%d" % number) for number in range(50)]
    assert not sends[-1].done()
    assert [int(await pull.recv()) for _ in range(50)] == list(range(50))
    await asyncio.gather(*sends)


@on_loop
async def test_blocked_send_while_messages_pile_up(zmq, context):
    """Readable all the time, but only room is waited for: neither a busy loop nor a lost wake-up."""
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    for socket in (one, two):
        socket.sndhwm = socket.rcvhwm = 5
    one.bind("inproc://both")
    two.connect("inproc://both")
    await two.send(b"never received while the sends wait")
    sends = [one.send(b"%d" % number) for number in range(30)]
    await turns(100)
    assert await calls_of_a_while(0.3) < 5000  # it looks every 20 ms; a busy loop makes 50,000
    assert not sends[-1].done()
    assert [int(await two.recv()) for _ in range(30)] == list(range(30))
    await asyncio.gather(*sends)


@pytest.mark.parametrize("receiving", [False, True])
@on_loop
async def test_blocked_send_while_another_peer_has_room(zmq, context, receiving):
    """The socket says that there is room all the time, but not for the peer that the send is for."""
    router = context.socket(zmq.ROUTER)
    router.sndhwm, router.router_mandatory = 1, 1
    router.bind("inproc://router")
    full, other = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
    for name, dealer in ((b"full", full), (b"other", other)):
        dealer.rcvhwm, dealer.routing_id = 1, name
        dealer.connect("inproc://router")
        await dealer.send(b"here")
        assert await router.recv_multipart() == [name, b"here"]
    received = router.recv_multipart() if receiving else None
    sends = [router.send_multipart([b"full", b"%d" % number]) for number in range(10)]
    await turns(100)
    assert await calls_of_a_while(0.3) < 5000
    assert not sends[-1].done()
    assert [int(await full.recv()) for _ in range(10)] == list(range(10))
    await asyncio.gather(*sends)
    if receiving:
        await other.send(b"x")
        assert await received == [b"other", b"x"]


@on_loop
async def test_requests_are_answered_in_turn(zmq, context):
    req, rep = context.socket(zmq.REQ), context.socket(zmq.REP)
    rep.bind("tcp://127.0.0.1:*")
    req.connect(rep.get_string(zmq.LAST_ENDPOINT))

    async def serve():
        while True:
            await rep.send((await rep.recv()).upper())

    serving = asyncio.ensure_future(serve())
    for _ in range(20):
        await req.send(b"hello")
        assert await req.recv() == b"HELLO"
    serving.cancel()


@on_loop
async def test_messages_from_another_thread(zmq, context):
    pull = context.socket(zmq.PULL)
    pull.bind("inproc://threads")

    def produce():
        with zmq.Context.shadow(context).socket(zmq.PUSH) as push:
            push.connect("inproc://threads")
            for number in range(100):
                push.send(b"%d" % number)

    thread = threading.Thread(target=produce)
    thread.start()
    assert [int(await pull.recv()) for _ in range(100)] == list(range(100))
    await asyncio.get_running_loop().run_in_executor(None, thread.join)


# -- cancelling


@on_loop
async def test_cancelled_receive_loses_nothing(zmq, peers):
    one, two = peers
    received = two.recv()
    await turns()
    received.cancel()
    await one.send(b"kept")
    assert await two.recv() == b"kept"


@on_loop
async def test_cancelled_after_the_message_came(zmq, tcp_peers):
    one, two = tcp_peers
    for number in range(30):
        received = two.recv_multipart()
        await one.send(b"%d" % number)
        for _ in range(number % 5):
            await asyncio.sleep(0)
        if received.cancel():
            assert await two.recv_multipart() == [b"%d" % number]
        else:
            assert await received == [b"%d" % number]


@pytest.mark.better
@pytest.mark.parametrize("first", ["recv", "recv_multipart", "recv_into", "recv_string", "frames"])
@pytest.mark.parametrize("then", ["recv", "recv_multipart", "recv_into"])
@on_loop
async def test_cancelled_between_the_message_and_the_task(zmq, peers, first, then):
    """What wait_for does when time is up in the same turn of the loop as the message comes."""
    one, two = peers
    calls = {
        "recv": two.recv,
        "recv_multipart": two.recv_multipart,
        "recv_into": lambda: two.recv_into(bytearray(10)),
        "recv_string": two.recv_string,
        "frames": lambda: two.recv_multipart(copy=False),
    }
    received = calls[first]()
    received.add_done_callback(lambda _: task.cancel())  # before the task hears of it

    async def take():
        return await received

    task = asyncio.ensure_future(take())
    await asyncio.sleep(0)
    await one.send_multipart([b"x", b"yz"])
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await two.poll(0) == zmq.POLLIN
    if then == "recv_multipart":
        assert await two.recv_multipart() == [b"x", b"yz"]
    elif then == "recv":
        assert [await two.recv(), await two.recv()] == [b"x", b"yz"]
    else:
        buffer = bytearray(1)
        assert [await two.recv_into(buffer), bytes(buffer)] == [1, b"x"]
        assert [await two.recv_into(buffer), bytes(buffer)] == [2, b"y"]
    assert await two.poll(0) == 0
    await one.send(b"next")
    assert await two.recv() == b"next"


@on_loop
async def test_receive_with_timeouts_loses_nothing(zmq, tcp_peers):
    one, two = tcp_peers
    count = 200

    async def produce():
        for number in range(count):
            await one.send(b"%d" % number)
            if number % 10 == 0:
                await asyncio.sleep(0.002)

    producing = asyncio.ensure_future(produce())
    got = []
    while len(got) < count:
        try:
            got.append(int(await asyncio.wait_for(two.recv(), 0.001)))
        except asyncio.TimeoutError:
            pass
    await producing
    assert got == list(range(count))


@on_loop
async def test_cancelled_one_of_several(zmq, peers):
    one, two = peers
    first, second, third = two.recv(), two.recv(), two.recv()
    second.cancel()
    await one.send(b"1")
    await one.send(b"2")
    assert (await first, await third) == (b"1", b"2")


@on_loop
async def test_cancelled_send_is_not_sent(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    first = push.send(b"cancelled")
    second = push.send(b"sent")
    first.cancel()
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.get_string(zmq.LAST_ENDPOINT))
    assert await pull.recv() == b"sent"
    await second


@on_loop
async def test_futures_are_real_ones(zmq, peers):
    one, two = peers
    called = []
    received = two.recv()
    received.add_done_callback(lambda future: called.append(future.result()))
    assert asyncio.isfuture(received) and asyncio.ensure_future(received) is received
    await one.send(b"x")
    done, pending = await asyncio.wait({received}, timeout=WAIT)
    assert done == {received} and not pending
    await asyncio.sleep(0)
    assert called == [b"x"]
    await asyncio.gather(one.send(b"1"), one.send(b"2"), one.send(b"3"))
    assert await asyncio.gather(two.recv(), two.recv(), two.recv()) == [b"1", b"2", b"3"]
    assert await asyncio.shield(one.send(b"4")) is None
    assert await asyncio.wait_for(two.recv(), WAIT) == b"4"


# -- timeouts, errors


@on_loop
async def test_timeouts(zmq, peers):
    one, two = peers
    two.rcvtimeo = 30
    began = time.perf_counter()
    with pytest.raises(zmq.Again):
        await two.recv()
    assert 0.02 < time.perf_counter() - began < 5
    two.rcvtimeo = 0
    with pytest.raises(zmq.Again):
        await two.recv_string()
    two.rcvtimeo = 5000
    received = two.recv()
    await one.send(b"in time")
    assert await received == b"in time"


@on_loop
async def test_send_timeout(zmq, context):
    push = context.socket(zmq.PUSH)
    push.sndtimeo = 30
    with pytest.raises(zmq.Again):
        await push.send(b"nobody is there")
    push.sndtimeo = 0
    with pytest.raises(zmq.Again):
        await push.send_multipart([b"nobody", b"is there"])


@on_loop
async def test_without_waiting(zmq, context):
    socket = context.socket(zmq.DEALER)
    for call in (
        lambda: socket.recv(zmq.DONTWAIT),
        lambda: socket.recv_json(zmq.DONTWAIT),
        lambda: socket.recv_multipart(zmq.NOBLOCK),
        lambda: socket.recv_into(bytearray(5), flags=zmq.DONTWAIT),
        lambda: socket.send(b"", zmq.DONTWAIT),
        lambda: socket.send_multipart([b""], zmq.DONTWAIT),
    ):
        future = call()
        with pytest.raises(zmq.Again):
            await future


@on_loop
async def test_errors(zmq, context, peers):
    rep = context.socket(zmq.REP)
    with pytest.raises(zmq.ZMQError) as caught:
        await rep.send(b"nothing to answer")
    assert caught.value.errno == zmq.EFSM
    one, two = peers
    with pytest.raises(TypeError):
        await one.send("text")
    with pytest.raises(TypeError):
        await one.send_multipart([b"x", "text"])
    await one.send(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        await two.recv_string()
    received = two.recv_pyobj()
    await one.send(b"not a pickle")
    with pytest.raises(pickle.UnpicklingError):
        await received


@pytest.mark.better
def test_TIME_12_a_timeout_of_one_call(zmq, run, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndhwm = 1
    push.bind("inproc://nobody")
    pull.bind("inproc://nothing")

    async def main():
        for call in (
            lambda t: pull.recv(timeout=t),
            lambda t: pull.recv_multipart(timeout=t),
            lambda t: pull.recv_into(bytearray(2), timeout=t),
            lambda t: pull.recv_many(timeout=t),
            lambda t: pull.recv_string(timeout=t),
            lambda t: pull.recv_json(timeout=t),
            lambda t: pull.recv_object(int, timeout=t),
            lambda t: pull.recv_pyobj(timeout=t),
            lambda t: pull.recv_serialized(list, timeout=t),
        ):
            for limit in (0, 2):
                with pytest.raises(zmq.Again, match=f"nothing to receive within timeout={limit} ms"):
                    await call(limit)
        for call in (
            lambda: push.send(b"x", timeout=2),
            lambda: push.send_multipart([b"x", b"y"], timeout=2),
            lambda: push.send_many([b"x", b"y"], timeout=2),
            lambda: push.send_string("x", timeout=2),
            lambda: push.send_json(1, timeout=2),
        ):
            with pytest.raises(zmq.Again, match="no room for the message within timeout=2 ms"):
                await call()
        pull.rcvtimeo = 2
        with pytest.raises(zmq.Again, match="within RCVTIMEO, 2 ms"):
            await pull.recv(timeout=60000)
        with pytest.raises(TypeError, match="timeout must be"):
            await pull.recv(timeout="1")
        pull.rcvtimeo = -1
        push.connect("inproc://nothing")
        waiting = pull.recv(timeout=60000)
        await push.send(b"x", timeout=60000)
        assert await waiting == b"x"

    run(main())


@pytest.mark.better
def test_TIME_12_what_was_asked_for_is_told_not_what_was_left(zmq, run, context):
    push = context.socket(zmq.PUSH)
    push.sndhwm = 1
    push.bind("inproc://nobody")

    def slow():
        end = time.perf_counter() + 0.005
        while time.perf_counter() < end:
            pass
        yield b"x"

    async def main():
        with pytest.raises(zmq.Again, match="no room for the message within timeout=20 ms"):
            await push.send_many(slow(), timeout=20)

    run(main())
