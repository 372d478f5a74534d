"""timeout=: how long one call may wait, of sockets that block. The same for others is in awaited, anyio and green."""

import asyncio
import time
from decimal import Decimal
from fractions import Fraction

import pytest
from awaiting import SECONDS, fill

pytestmark = pytest.mark.better

RECEIVE = {
    "recv": lambda s, **k: s.recv(**k),
    "recv, a Frame": lambda s, **k: s.recv(copy=False, **k),
    "recv_multipart": lambda s, **k: s.recv_multipart(**k),
    "recv_into": lambda s, **k: s.recv_into(bytearray(9), **k),
    "recv_many": lambda s, **k: s.recv_many(3, **k),
    "recv_string": lambda s, **k: s.recv_string(**k),
    "recv_json": lambda s, **k: s.recv_json(**k),
    "recv_object": lambda s, **k: s.recv_object(int, **k),
    "recv_pyobj": lambda s, **k: s.recv_pyobj(**k),
    "recv_serialized": lambda s, **k: s.recv_serialized(list, **k),
    "recv_multipart_into": lambda s, **k: s.recv_multipart_into([bytearray(9)], **k),
}
SEND = {
    "send": lambda s, **k: s.send(b"x", **k),
    "send, lent": lambda s, **k: s.send(bytearray(99), copy=False, **k),
    "send_multipart": lambda s, **k: s.send_multipart([b"a", b"b"], **k),
    "send_many": lambda s, **k: s.send_many([b"a", b"b"], **k),
    "send_string": lambda s, **k: s.send_string("x", **k),
    "send_json": lambda s, **k: s.send_json(1, **k),
    "send_object": lambda s, **k: s.send_object(1, **k),
    "send_pyobj": lambda s, **k: s.send_pyobj(1, **k),
    "send_serialized": lambda s, **k: s.send_serialized([b"x"], list, **k),
}


@pytest.fixture
def full(make):
    """A PUSH that nobody takes anything from."""
    push = make("PUSH", SNDHWM=1)
    push.bind("inproc://full")
    return push


@pytest.mark.parametrize("call", RECEIVE.values(), ids=RECEIVE)
def test_TIME_8_a_receive_ends_in_time(zmq, pair, call):
    _, pull = pair("PUSH", "PULL", "inproc")
    with pytest.raises(zmq.Again, match="nothing to receive within timeout=2 ms"):
        call(pull, timeout=2)


@pytest.mark.parametrize("call", SEND.values(), ids=SEND)
def test_TIME_8_a_send_ends_in_time(zmq, full, call):
    with pytest.raises(zmq.Again, match="no room for the message within timeout=2 ms"):
        call(full, timeout=2)


def test_TIME_8_what_comes_in_time_is_received(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    push.send_multipart([b"a", b"b"], timeout=SECONDS * 1000)
    assert pull.recv_multipart(timeout=SECONDS * 1000) == [b"a", b"b"]
    assert push.send_many([b"a", b"b"], timeout=SECONDS * 1000) == 2
    assert [pull.recv(timeout=1e300), pull.recv(timeout=-1)] == [b"a", b"b"]


def test_TIME_9_the_tighter_limit_holds(zmq, pair, full):
    _, pull = pair("PUSH", "PULL", "inproc", binder_options={"RCVTIMEO": 3})
    with pytest.raises(zmq.Again, match="within RCVTIMEO, 3 ms"):
        pull.recv(timeout=1e9)
    with pytest.raises(zmq.Again, match="within timeout=1.5 ms"):
        pull.recv(timeout=1.5)
    with pytest.raises(zmq.Again, match="within RCVTIMEO, 3 ms"):
        pull.recv(timeout=-1)
    full.sndtimeo = 3
    with pytest.raises(zmq.Again, match="within SNDTIMEO, 3 ms"):
        full.send(b"x", timeout=1e9)
    assert (pull.rcvtimeo, full.sndtimeo) == (3, 3)


def test_TIME_9_not_to_wait_is_not_to_wait(zmq, pair, full):
    _, pull = pair("PUSH", "PULL", "inproc")
    with pytest.raises(zmq.Again) as plain:
        pull.recv(zmq.DONTWAIT, timeout=1e9)
    assert str(plain.value) == zmq.strerror(zmq.EAGAIN)
    with pytest.raises(zmq.Again, match="timeout=0 ms"):
        pull.recv(timeout=0)
    with pytest.raises(zmq.Again):
        full.send(b"x", zmq.DONTWAIT, timeout=1e9)


def test_TIME_10_the_deadline_is_that_of_the_whole_batch(zmq, pair):
    """Were it a limit for each message, the batch would go on as long as there is room for one now and then."""
    push, pull = pair("PUSH", "PULL", "inproc", {"SNDHWM": 1}, {"RCVHWM": 1})
    pull.recv_many(9, zmq.DONTWAIT) if pull.poll(0) else None
    taken = []

    def items():
        while True:
            yield b"x"
            if pull.poll(0):
                taken.append(pull.recv())

    begun = time.perf_counter()
    sent = push.send_many(items(), timeout=50)
    assert time.perf_counter() - begun >= 0.05
    assert sent >= len(taken)


def test_TIME_10_what_was_asked_for_is_told_not_what_was_left(zmq):
    """Calls that are made of others, as those of a subclass with a `send` of its own."""

    class Own(zmq.Socket):
        def send(self, data, flags=0, copy=True, track=False, **kwargs):
            return super().send(data, flags, copy=copy, track=track, **kwargs)

    def slow():
        end = time.perf_counter() + 0.002
        while time.perf_counter() < end:
            pass
        yield b"x"

    with zmq.Context() as ctx, Own(ctx, zmq.PUSH) as push:
        push.linger = 0
        push.sndhwm = 1
        push.bind("inproc://nobody")
        with pytest.raises(zmq.Again, match="no room for the message within timeout=20 ms"):
            push.send_many(slow(), timeout=20)


def test_TIME_10_frames_of_a_message_have_one_deadline(zmq, pair):
    push, pull = pair("PUSH", "PULL", "inproc", {"SNDHWM": 1}, {"RCVHWM": 1})
    fill(zmq, push)
    with pytest.raises(zmq.Again):
        push.send_multipart([b"a"] * 20, timeout=2)
    while pull.poll(0):
        assert pull.recv_multipart() == [b"x"]      # nothing of the message has arrived


@pytest.mark.parametrize("wrong, error", [("1", TypeError), (object(), TypeError), (float("nan"), ValueError)])
def test_TIME_11_what_is_no_time_is_refused(zmq, pair, wrong, error):
    push, pull = pair("PUSH", "PULL", "inproc")
    push.send(b"x")
    for call in (pull.recv, pull.recv_multipart, pull.recv_many, pull.recv_string):
        with pytest.raises(error, match="timeout must be a number of milliseconds or None"):
            call(timeout=wrong)
    for call, what in ((push.send, b"y"), (push.send_multipart, [b"y"]), (push.send_many, [b"y"]), (push.send_string, "y")):
        with pytest.raises(error, match="timeout must be a number of milliseconds or None"):
            call(what, timeout=wrong)
    assert pull.recv_many() == [b"x"]


@pytest.mark.parametrize("number", [Decimal("1.5"), Fraction(3, 2), True], ids=repr)
def test_TIME_11_any_kind_of_number(zmq, submodule, pair, number):
    _, pull = pair("PUSH", "PULL", "inproc")
    told = f"within timeout={float(number):g} ms"
    for call in (pull.recv, pull.recv_multipart, pull.recv_many):
        with pytest.raises(zmq.Again, match=told):
            call(timeout=number)

    async def main():
        shadow = submodule("asyncio").Socket.from_socket(pull)
        with pytest.raises(zmq.Again, match=told):
            await shadow.recv(timeout=number)
        with pytest.raises(zmq.Again, match=told):
            await shadow.recv_many(timeout=number)

    asyncio.run(main())


def test_TIME_11_no_float_is_large_enough(zmq, submodule, pair):
    _, pull = pair("PUSH", "PULL", "inproc", binder_options={"RCVTIMEO": 3})
    with pytest.raises(zmq.Again, match="within RCVTIMEO"):
        pull.recv(timeout=10**400)

    async def main():
        with pytest.raises(zmq.Again):
            await submodule("asyncio").Socket.from_socket(pull).recv(timeout=10**400)

    asyncio.run(main())


def test_TIME_11_it_is_given_by_name_only(zmq, pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    with pytest.raises(TypeError):
        pull.recv(0, True, False, 5)
    with pytest.raises(TypeError):
        push.send(b"x", 0, True, False, None, None, 5)


def test_TIME_11_subclasses_that_do_not_know_it(zmq, context):
    class Old(zmq.Socket):
        def recv(self, flags=0, copy=True, track=False):
            return super().recv(flags, copy, track)

        def send(self, data, flags=0, copy=True, track=False):
            return super().send(data, flags, copy, track)

    class New(zmq.Socket):
        def recv(self, flags=0, copy=True, track=False, **more):
            return super().recv(flags, copy, track, **more)

    one, two = Old(context, zmq.PAIR), New(context, zmq.PAIR)
    with one, two:
        one.bind("inproc://subclasses")
        two.connect("inproc://subclasses")
        one.send_multipart([b"a", b"b"])
        one.send_string("c")
        assert two.recv_multipart(timeout=1000) == [b"a", b"b"]
        assert two.recv_string(timeout=1000) == "c"
        with pytest.raises(zmq.Again, match="timeout="):
            two.recv_multipart(timeout=2)
        with pytest.raises(zmq.Again, match="timeout="):
            two.recv_many(timeout=2)
        two.send_many([b"d", b"e"])
        assert one.recv_multipart() + one.recv_many() == [b"d", b"e"]
        with pytest.raises(TypeError):
            one.recv_multipart(timeout=2)
