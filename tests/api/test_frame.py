"""Frame as an object: its text and the properties that only draft sockets have."""

import pytest


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, ""), (16, "x" * 16), (17, "17B"), (999, "999B"), (1000, "1kB"), (1999, "1kB"), (1000000, "1000kB"), (1048576, "1MB"),
    ],
)
def test_text(zmq, size, shown):
    frame = zmq.Frame(b"x" * size)
    content = f"{b'x' * size!r}" if size <= 16 else f"{b'x' * 12!r}...{shown}"
    assert str(frame) == repr(frame) == f"{frame}" == f"<zmq.Frame({content})>"


def test_text_of_a_subclass(zmq):
    class Own(zmq.Frame):
        pass

    assert str(Own(b"\xff")).endswith(".Own(b'\\xff')>")


def test_properties_of_draft_sockets_are_not_there(zmq, peers):
    one, two = peers
    one.send(b"x")
    for frame in (zmq.Frame(b"x"), two.recv(copy=False)):
        with pytest.raises(RuntimeError):
            assert not frame.routing_id
        for name in ("routing_id", "group"):
            with pytest.raises(zmq.ZMQError):
                frame.get(name)


@pytest.mark.better
def test_properties_of_draft_sockets_can_be_set(zmq):
    frame = zmq.Frame(b"x")
    frame.routing_id = 5
    frame.group = "g"
    assert (frame.routing_id, frame.group, frame.get("routing_id"), frame["group"]) == (5, "g", 5, "g")


@pytest.mark.parametrize("option", [1.5, None, bytearray(b"x"), [1]], ids=repr)
def test_options_of_a_wrong_type(zmq, option):
    frame = zmq.Frame(b"x")
    with pytest.raises(TypeError):
        frame.get(option)
    with pytest.raises(TypeError):
        frame[option]


@pytest.mark.parametrize("option", [None, "Socket-Type", "nope", b"x", [1]], ids=repr)
def test_setting_options_of_a_wrong_type(zmq, option):
    with pytest.raises(TypeError):
        zmq.Frame(b"x").set(option, 1)


@pytest.mark.parametrize("option, value", [("group", 1.5), ("group", None), ("routing_id", "a"), ("routing_id", None), (1, "a"), (1, None)])
def test_setting_values_of_a_wrong_type(zmq, option, value):
    with pytest.raises(TypeError):
        zmq.Frame(b"x").set(option, value)


def test_numbers_that_no_option_can_have(zmq):
    frame = zmq.Frame(b"x")
    for call in (
        lambda: frame.get(1 << 40), lambda: frame[1 << 40], lambda: frame.set(1 << 40, 1), lambda: frame.set(1, 1 << 70),
        lambda: frame.set("routing_id", 1 << 70),
    ):  # fmt: skip
        with pytest.raises(OverflowError):
            call()
    for call in (lambda: frame.get(99), lambda: frame.get("nope"), lambda: frame.get(b"nope"), lambda: frame.set(1, 1)):
        with pytest.raises(zmq.ZMQError) as caught:
            call()
        assert caught.value.errno == zmq.EINVAL


def test_a_tracked_frame_is_tracked_whatever_copy_says(zmq, context):
    one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://tracked")
    other.connect("inproc://tracked")
    for copy in (True, False):
        assert one.send(zmq.Frame(b"frame", track=True), copy=copy, track=True) is not None
        tracked = one.send_multipart([zmq.Frame(b"frame", track=True), zmq.Frame(b"more", track=True)], copy=copy, track=True)
        assert tracked is not None
        with pytest.raises(ValueError, match="Not a tracked message"):
            one.send(zmq.Frame(b"frame"), copy=copy, track=True)
        assert other.recv() == b"frame"
        assert other.recv_multipart() == [b"frame", b"more"]
