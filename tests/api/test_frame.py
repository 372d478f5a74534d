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


def test_properties_of_draft_sockets_are_not_there(zmq, pair):
    one, two = pair
    one.send(b"x")
    for frame in (zmq.Frame(b"x"), two.recv(copy=False)):
        for name in ("routing_id", "group"):
            with pytest.raises(RuntimeError):
                getattr(frame, name)
            with pytest.raises(zmq.ZMQError):
                frame.get(name)


@pytest.mark.better
def test_properties_of_draft_sockets_can_be_set(zmq):
    frame = zmq.Frame(b"x")
    frame.routing_id = 5
    frame.group = "g"
    assert (frame.routing_id, frame.group, frame.get("routing_id"), frame["group"]) == (5, "g", 5, "g")
