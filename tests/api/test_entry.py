"""send() and recv() have two entries: nobody can tell which one a call took, but for the timeout."""

import inspect

import pytest

pytestmark = pytest.mark.better


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda s: s.send(), r"send\(\) takes"),
        (lambda s: s.send(b"x", 0, True, False, None, None, 1), r"send\(\) takes"),
        (lambda s: s.send(b"x", wrong=1), r"send\(\) got an unexpected keyword argument"),
        (lambda s: s.send(b"x", timeout=1, wrong=1), r"send\(\) got an unexpected keyword argument"),
        (lambda s: s.recv(0, True, False, 1), r"recv\(\) takes"),
        (lambda s: s.recv(wrong=1), r"recv\(\) got an unexpected keyword argument"),
        (lambda s: s.recv(timeout=1, wrong=1), r"recv\(\) got an unexpected keyword argument"),
    ],
)
def test_TIME_11_wrong_calls_are_told_in_the_same_way(pair, call, told):
    push, _ = pair("PAIR", "PAIR", "inproc")
    with pytest.raises(TypeError, match=told):
        call(push)


def test_TIME_11_one_method_to_the_eye(zmq):
    assert list(inspect.signature(zmq.Socket.recv).parameters) == ["self", "flags", "copy", "track", "timeout"]
    assert [name for name in dir(zmq.Socket) if "without" in name] == []


def test_TIME_11_methods_belong_to_the_class_that_people_use(zmq):
    # The interpreter has a short way into a method for objects of the very class it belongs to.
    core = next(cls for cls in zmq.Socket.__mro__ if cls.__module__ == "zmqcore._core")
    inherited = {name for name, method in vars(core).items() if type(method) is type(bytes.split) and not name.startswith("__")}
    assert {"send", "recv", "send_multipart", "recv_multipart"} <= inherited
    for name in inherited:
        mine, base = getattr(zmq.Socket, name), getattr(core, name)
        assert (mine.__objclass__, mine.__name__, mine.__doc__) == (zmq.Socket, base.__name__, base.__doc__), name
        assert inspect.signature(mine) == inspect.signature(base)


@pytest.mark.parametrize("how", [{}, {"timeout": 15000}, {"timeout": None}], ids=["short", "long", "none"])
def test_TIME_11_both_entries_do_the_same(zmq, pair, transport, how):
    one, two = pair("PAIR", "PAIR", transport)
    tracker = one.send(b"x" * 70000, copy=False, track=True, **how)
    frame = two.recv(copy=False, track=True, **how)
    assert (len(frame), frame.more, frame.tracker.done) == (70000, False, True)
    del frame
    tracker.wait(15)
    one.send(b"a", zmq.SNDMORE, **how)
    one.send(bytearray(b"b"), **how)
    assert (two.recv(**how), two.get(zmq.RCVMORE), two.recv(0, **how)) == (b"a", 1, b"b")
    one.send(b"large" * 20000, **how)
    assert two.recv(**how) == b"large" * 20000


def test_TIME_11_groups_and_numbers_by_both_entries(zmq, make, pair):
    radio, dish = make("RADIO"), make("DISH")
    dish.join("news")
    dish.bind("inproc://groups")
    radio.connect("inproc://groups")
    radio.wait_for_subscribers(1, "news", timeout=15000)
    for how in ({}, {"timeout": 15000}):
        radio.send(b"x", group="news", **how)
        assert dish.recv(copy=False, **how).group == "news"
    client, server = pair("CLIENT", "SERVER", "inproc")
    for how in ({}, {"timeout": 15000}):
        client.send(b"x", **how)
        number = server.recv(copy=False, **how).routing_id
        server.send(b"y", routing_id=number, **how)
        assert client.recv(**how) == b"y"
    with pytest.raises(zmq.ZMQError) as unknown:
        server.send(b"x", routing_id=number + 1, timeout=5)
    assert unknown.value.errno == zmq.EHOSTUNREACH
