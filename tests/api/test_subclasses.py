"""Subclasses of Socket that override send or recv."""

import asyncio

import pytest


@pytest.fixture
def overriding(zmq, context):
    """Two connected PAIR sockets of a class that notes what it is asked for."""

    class Noting(zmq.Socket):
        def send(self, data, flags=0, copy=True, track=False, **kwargs):
            calls.append(("send", bytes(data), int(flags), copy, track))
            return super().send(bytes(data).upper() if copy else data, flags, copy=copy, track=track, **kwargs)

        def recv(self, flags=0, copy=True, track=False):
            calls.append(("recv", int(flags), copy, track))
            return super().recv(flags, copy=copy, track=track)

    calls = []
    one, two = (context.socket(zmq.PAIR, socket_class=Noting) for _ in range(2))
    one.rcvtimeo = two.rcvtimeo = 5000
    one.bind("inproc://noting")
    two.connect("inproc://noting")
    return one, two, calls


def test_multipart_calls_ask_for_every_frame(zmq, overriding):
    one, two, calls = overriding
    assert one.send_multipart([b"a", b"b", b"c"], zmq.DONTWAIT) is None
    assert calls == [("send", b"a", 3, True, False), ("send", b"b", 3, True, False), ("send", b"c", 1, True, False)]
    calls.clear()
    assert two.recv_multipart() == [b"A", b"B", b"C"]
    assert calls == [("recv", 0, True, False)] * 3


def test_multipart_calls_with_trackers_and_more_to_come(zmq, overriding):
    one, two, _ = overriding
    tracker = one.send_multipart((b"a", zmq.Frame(b"b", track=True)), zmq.SNDMORE, copy=False, track=True)
    assert isinstance(tracker, zmq.MessageTracker)
    one.send(b"c")
    frames = two.recv_multipart(copy=False)
    assert [bytes(frame) for frame in frames] == [b"a", b"b", b"C"]


def test_nothing_is_sent_if_a_frame_cannot_be(zmq, overriding):
    one, _, calls = overriding
    with pytest.raises(TypeError, match=r"Frame 1 \('b'\)"):
        one.send_multipart([b"a", "b"])
    with pytest.raises(IndexError):
        one.send_multipart([])
    assert calls == []


def test_what_is_built_on_the_multipart_calls(zmq, overriding):
    one, two, calls = overriding
    one.send_serialized(["a", "b"], lambda words: [word.encode() for word in words])
    assert two.recv_serialized(b"".join) == b"AB"
    assert len(calls) == 4


def test_a_mixture_overrides_as_well(zmq, context):
    class Counting:
        sent = 0

        def send(self, *args, **kwargs):
            Counting.sent += 1
            return super().send(*args, **kwargs)

    class Own(Counting, zmq.Socket):
        pass

    class Further(Own):
        def send_multipart(self, *args, **kwargs):
            return super().send_multipart(*args, **kwargs)

    for cls in (Own, Further):
        Counting.sent = 0
        with context.socket(zmq.PUB, socket_class=cls) as socket:
            socket.send_multipart([b"a", b"b"])
        assert Counting.sent == 2


def test_what_is_put_in_place_of_send_and_recv_is_asked(zmq, context, monkeypatch):
    """As tools that observe a program do."""
    seen = []
    calls = {"send": zmq.Socket.send, "recv": zmq.Socket.recv}
    for name in calls:

        def spy(self, *args, _name=name, **kwargs):
            seen.append(_name)
            return calls[_name](self, *args, **kwargs)

        monkeypatch.setattr(zmq.Socket, name, spy)

    class Own(zmq.Socket):
        pass

    for cls in (zmq.Socket, Own):
        seen.clear()
        with context.socket(zmq.PUSH, socket_class=cls) as push, context.socket(zmq.PULL, socket_class=cls) as pull:
            pull.bind(f"inproc://spied-{cls.__name__}")
            push.connect(f"inproc://spied-{cls.__name__}")
            push.send_multipart([b"a", b"b"])
            assert pull.recv_multipart() == [b"a", b"b"]
        assert seen == ["send", "send", "recv", "recv"]


@pytest.mark.better
def test_others_keep_the_compiled_calls(zmq, submodule):
    class Plain(zmq.Socket):
        def close(self, linger=None):
            super().close(linger)

    class Awaited(submodule("asyncio").Socket):
        def send(self, *args, **kwargs):
            return super().send(*args, **kwargs)

    for cls, base in ((Plain, zmq.Socket), (Awaited, submodule("asyncio").Socket)):
        assert cls.send_multipart is base.send_multipart and cls.recv_multipart is base.recv_multipart


def test_awaited_multipart_calls_ask_for_no_frame(zmq, submodule):
    module = submodule("asyncio")

    class Own(module.Socket):
        def send(self, *args, **kwargs):
            raise AssertionError

        recv = send

    async def main():
        with module.Context() as ctx:
            one, two = (ctx.socket(zmq.PAIR, socket_class=Own) for _ in range(2))
            with one, two:
                one.bind("inproc://own")
                two.connect("inproc://own")
                await one.send_multipart([b"a", b"b"])
                assert await two.recv_multipart() == [b"a", b"b"]
                with pytest.raises(IndexError):
                    await one.send_multipart([])

    asyncio.run(main())


def test_overridden_calls_may_take_keywords_only(zmq, context):
    class Own(zmq.Socket):
        def send(self, data, **kwargs):
            return super().send(data, **kwargs)

        def recv(self, **kwargs):
            return super().recv(**kwargs)

    with context.socket(zmq.PAIR, socket_class=Own) as one, context.socket(zmq.PAIR, socket_class=Own) as two:
        one.rcvtimeo = two.rcvtimeo = 5000
        one.bind("inproc://keywords")
        two.connect("inproc://keywords")
        one.send_string("text")
        assert two.recv_string() == "text"
        one.send_json({"a": 1})
        assert two.recv_json() == {"a": 1}
        one.send_pyobj((1, 2))
        assert two.recv_pyobj() == (1, 2)


@pytest.fixture
def own_pair(zmq, context):
    """Two connected PAIR sockets of a class."""

    def make(cls):
        one, two = (context.socket(zmq.PAIR, socket_class=cls) for _ in range(2))
        one.rcvtimeo = two.rcvtimeo = 5000
        one.bind("inproc://own")
        two.connect("inproc://own")
        return one, two

    return make


def test_inherited_multipart_calls_ask_for_every_frame(zmq, own_pair):
    """Also if the class has multipart calls of its own that make use of those it inherits."""
    calls = []

    class Own(zmq.Socket):
        def send(self, *args, **kwargs):
            calls.append("send")
            return super().send(*args, **kwargs)

        def recv(self, *args, **kwargs):
            calls.append("recv")
            return super().recv(*args, **kwargs)

        def send_multipart(self, *args, **kwargs):
            return super().send_multipart(*args, **kwargs)

        def recv_multipart(self, *args, **kwargs):
            return super().recv_multipart(*args, **kwargs)

    one, two = own_pair(Own)
    one.send_multipart([b"1", b"2"])
    assert two.recv_multipart() == [b"1", b"2"]
    one.send_serialized([b"3"], list)
    assert two.recv_serialized(list) == [b"3"]
    assert calls == ["send", "send", "recv", "recv", "send", "recv"]


def test_waiting_in_an_own_way(zmq, own_pair):
    """What gevent's sockets do: the inherited multipart call must not wait in the core."""

    class Patient(Exception):
        pass

    class Own(zmq.Socket):
        def recv(self, flags=0, *args, **kwargs):
            try:
                return super().recv(flags | zmq.DONTWAIT, *args, **kwargs)
            except zmq.Again:
                raise Patient from None

        def recv_multipart(self, *args, **kwargs):
            return super().recv_multipart(*args, **kwargs)

    one, two = own_pair(Own)
    with pytest.raises(Patient):
        two.recv_multipart()


@pytest.mark.better
def test_batches_ask_for_every_frame(zmq, own_pair):
    calls = []

    class Own(zmq.Socket):
        def send(self, *args, **kwargs):
            calls.append("send")
            return super().send(*args, **kwargs)

        def recv(self, *args, **kwargs):
            calls.append("recv")
            return super().recv(*args, **kwargs)

    one, two = own_pair(Own)
    assert one.send_many([b"1", b"2", b"3"]) == 3
    assert two.recv_many(2) == [b"1", b"2"] and two.recv_many() == [b"3"] and two.recv_many(0) == []
    with pytest.raises(zmq.Again):
        two.recv_many(flags=zmq.DONTWAIT)
    one.sndhwm = two.rcvhwm = 1
    assert calls.count("send") == 3


@pytest.mark.parametrize("where", ["object", "class"])
def test_replaced_calls_are_asked(zmq, own_pair, monkeypatch, where):
    calls = []

    class Own(zmq.Socket):
        pass

    if where == "class":
        original = Own.send
        monkeypatch.setattr(Own, "send", lambda self, *args, **kwargs: calls.append(1) or original(self, *args, **kwargs))
    one, two = own_pair(Own)
    if where == "object":
        inherited = one.send
        one.send = lambda *args, **kwargs: calls.append(1) or inherited(*args, **kwargs)
    one.send_multipart([b"1", b"2"])
    assert two.recv_multipart() == [b"1", b"2"] and calls == [1, 1]


def test_a_close_without_arguments_is_what_destroy_calls(zmq):
    class Socket(zmq.Socket):
        def close(self):
            super().close()

    class Context(zmq.Context):
        _socket_class = Socket

    for linger in (None, 0):
        context = Context()
        socket = context.socket(zmq.PUSH)
        context.destroy(linger)
        assert socket.closed and context.closed
