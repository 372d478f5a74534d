"""Socket: what the Python layer adds to the compiled socket."""

import copy
import gc
import pickle
import unittest.mock

import pytest
from platforms import errno

# -- making and ending


def test_repr(zmq, context):
    socket = context.socket(zmq.PUSH)
    assert repr(socket).startswith("<zmq.Socket(zmq.PUSH) at 0x")
    socket.close()
    assert repr(socket).endswith(" closed>")


def test_type(zmq, context):
    socket = context.socket(zmq.DEALER)
    assert socket.type == socket.TYPE == socket.getsockopt(zmq.TYPE) == zmq.DEALER
    assert isinstance(socket.type, zmq.SocketType)
    with pytest.warns(DeprecationWarning):
        assert socket.socket_type == zmq.DEALER


def test_constructor(zmq, context):
    with zmq.Socket(context, zmq.PUSH) as socket:
        assert socket.context is context and socket.type == zmq.PUSH
    with zmq.Socket(context) as socket:
        assert socket.type == zmq.PAIR
    with pytest.raises(TypeError):
        zmq.Socket()
    with pytest.raises(TypeError):
        zmq.Socket(context, -1)
    with pytest.raises(TypeError):
        zmq.Socket(5, zmq.PUSH)
    with pytest.raises(TypeError):
        zmq.Socket(context, "PUSH")
    with pytest.raises(TypeError):
        context.socket(zmq.PUSH, linger=4)


def test_copy_threshold(zmq, context):
    assert context.socket(zmq.PUSH).copy_threshold == zmq.COPY_THRESHOLD
    socket = context.socket(zmq.PUSH, copy_threshold=5)
    assert socket.copy_threshold == 5
    socket.copy_threshold = 6
    assert socket.copy_threshold == 6


def test_annotations_with_brackets(zmq):
    assert zmq.Socket[bytes]
    assert zmq.Context[zmq.Socket]


def test_with_closes(zmq, context):
    with context.socket(zmq.PUSH) as socket:
        assert not socket.closed
    assert socket.closed
    socket.close()


def test_close_with_linger(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:1")
    socket.send(b"nobody is there")
    socket.close(linger=0)
    context.term()


def test_forgotten_socket_warns_and_closes(zmq, context):
    socket = context.socket(zmq.PUSH)
    with pytest.warns(ResourceWarning, match="[Uu]nclosed socket"):
        del socket
        gc.collect()
    assert "socket" not in repr(context)  # "1 socket"


@pytest.mark.parametrize(
    "call",
    [
        "send(b'')", "recv()", "send_multipart([b''])", "recv_multipart()", "linger", "hwm", "EVENTS", "fileno()", "subscribe(b'')",
        "bind('inproc://x')", "connect('inproc://x')", "get_monitor_socket()", "poll(0)", "setsockopt(17, 0)",
    ],
)  # fmt: skip
def test_closed_socket(zmq, context, call):
    socket = context.socket(zmq.SUB)
    socket.close()
    with pytest.raises(zmq.ZMQError) as caught:
        eval(f"socket.{call}")
    assert caught.value.errno == (zmq.ENOTSUP if call == "poll(0)" else zmq.ENOTSOCK)


def test_no_pickle(zmq, context):
    with pytest.raises(TypeError):
        pickle.dumps(context.socket(zmq.PUSH))


def test_shadow(zmq, peers):
    one, two = peers
    for make in (zmq.Socket.shadow, zmq.Socket, copy.copy, copy.deepcopy, lambda s: zmq.Socket(shadow=s.underlying)):
        shadow = make(one)
        assert shadow is not one
        assert shadow.underlying == one.underlying
        shadow.send(b"through")
        assert two.recv() == b"through"
        del shadow
        gc.collect()
        assert not one.closed
        one.send(b"still there")
        assert two.recv() == b"still there"


def test_shadow_of_the_same_context(zmq, peers):
    assert zmq.Socket.shadow(peers[0]).context is peers[0].context


# -- endpoints


@pytest.mark.parametrize("addr", ["tcp://127.0.0.1:*", b"tcp://127.0.0.1:*"])
def test_bind_with(zmq, context, addr):
    socket = context.socket(zmq.PULL)
    binding = socket.bind(addr)
    assert "bind=" in repr(binding)
    endpoint = socket.get_string(zmq.LAST_ENDPOINT)
    with binding as bound:
        assert bound is socket
        with pytest.raises(zmq.ZMQError) as caught:
            context.socket(zmq.PULL).bind(endpoint)
        assert caught.value.errno == zmq.EADDRINUSE
    with pytest.raises(zmq.ZMQError) as caught:
        socket.unbind(endpoint)
    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize("kind", [str, bytes])
def test_connect_with(zmq, context, kind):
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.rcvtimeo = 5000
    pull.bind("tcp://127.0.0.1:*")
    endpoint = pull.get_string(zmq.LAST_ENDPOINT)
    with push.connect(endpoint if kind is str else endpoint.encode()) as connected:
        assert connected is push
        push.send(b"x")
        assert pull.recv() == b"x"
    with pytest.raises(zmq.ZMQError):
        push.disconnect(endpoint)


def test_end_of_with_after_close(zmq, context):
    socket = context.socket(zmq.PULL)
    with socket.bind("tcp://127.0.0.1:*"):
        socket.close()


def test_address_must_be_text(zmq, context):
    socket = context.socket(zmq.PULL)
    for call in (socket.bind, socket.connect):
        with pytest.raises(TypeError):
            call(5)


def test_random_port(zmq, context):
    socket = context.socket(zmq.PULL)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    assert socket.get_string(zmq.LAST_ENDPOINT) == f"tcp://127.0.0.1:{port}"
    other = context.socket(zmq.PULL)
    with pytest.raises(zmq.ZMQBindError):
        other.bind_to_random_port("tcp://127.0.0.1", min_port=port, max_port=port + 1, max_tries=3)
    port = other.bind_to_random_port("tcp://127.0.0.1", 20000, 40000, 500)
    assert 20000 <= port < 40000
    with pytest.raises(zmq.ZMQError) as caught:
        other.bind_to_random_port("nonsense://x", 1000, 2000)
    assert caught.value.errno == zmq.EPROTONOSUPPORT


@pytest.mark.better
def test_random_port_of_an_address_in_bytes(zmq, context):
    assert context.socket(zmq.PULL).bind_to_random_port(b"tcp://127.0.0.1") > 0


@pytest.mark.better
@pytest.mark.parametrize("address", [None, 5, bytearray(b"tcp://127.0.0.1")])
def test_random_port_of_what_is_no_address(zmq, context, address):
    with pytest.raises(TypeError, match="an endpoint is str or bytes, not "):
        context.socket(zmq.PULL).bind_to_random_port(address)


# -- options


def test_options_in_every_way(zmq, context):
    socket = context.socket(zmq.PUSH)
    for change in (
        lambda v: socket.setsockopt(zmq.LINGER, v),
        lambda v: socket.set(zmq.LINGER, v),
        lambda v: setattr(socket, "linger", v),
        lambda v: setattr(socket, "LINGER", v),
        lambda v: setattr(socket, "Linger", v),
    ):
        for value in (7, 0, -1, True):
            change(value)
            assert socket.getsockopt(zmq.LINGER) == socket.get(zmq.LINGER) == socket.linger == socket.LINGER == value


def test_text_options(zmq, context):
    socket = context.socket(zmq.DEALER)
    socket.setsockopt_string(zmq.ROUTING_ID, "ä")
    assert socket.getsockopt(zmq.ROUTING_ID) == socket.identity == "ä".encode()
    assert socket.getsockopt_string(zmq.ROUTING_ID) == socket.get_string(zmq.IDENTITY) == "ä"
    assert socket.getsockopt_unicode(zmq.ROUTING_ID, "latin1") == "Ã¤"
    socket.set_string(zmq.ROUTING_ID, "ä", "latin1")
    assert socket.routing_id == b"\xe4"
    socket.setsockopt_unicode(zmq.ROUTING_ID, "u")
    socket.identity = b"bytes"
    assert socket.identity == b"bytes"


@pytest.mark.better  # pyzmq's error holds the value, which may be a password
def test_set_string_takes_text_only_and_does_not_repeat_what_it_gets(zmq, make):
    with pytest.raises(TypeError, match="strings only, not <class 'bytes'>") as caught:
        make("DEALER").set_string(zmq.PLAIN_PASSWORD, b"hunter2")
    assert "hunter2" not in str(caught.value)


def test_None_is_no_bytes(zmq, context):
    for name, option in zmq.SocketOption.__members__.items():
        if option._opt_type.value == "bytes" and all(zmq.has(need.lower()) or not name.startswith(f"{need}_") for need in ("GSSAPI", "CURVE")):
            with pytest.raises(TypeError):
                context.socket(zmq.ROUTER).setsockopt(option, None)
    socket = context.socket(zmq.SUB)
    for call in (socket.subscribe, socket.unsubscribe, lambda topic: setattr(socket, "subscribe", topic)):
        with pytest.raises(TypeError):
            call(None)


def test_wrong_types(zmq, context):
    socket = context.socket(zmq.SUB)
    for option, value in [
        (zmq.SUBSCRIBE, "text"), (zmq.SUBSCRIBE, 5), (zmq.SUBSCRIBE, bytearray(b"x")), (zmq.LINGER, b"5"), (zmq.LINGER, 5.5),
        (zmq.LINGER, "5"), (zmq.LINGER, None),
    ]:  # fmt: skip
        with pytest.raises(TypeError):
            socket.setsockopt(option, value)
    for name in ("identity", "linger"):
        with pytest.raises(TypeError):
            setattr(socket, name, "text")
    with pytest.raises(TypeError):
        socket.setsockopt_string(zmq.SUBSCRIBE, b"bytes")
    with pytest.raises(TypeError):
        socket.setsockopt_string(zmq.LINGER, "5")
    with pytest.raises(TypeError):
        socket.getsockopt_string(zmq.LINGER)
    with pytest.raises(TypeError):
        socket.getsockopt("text")
    for option, value in [(zmq.LINGER, 1 << 40), (zmq.AFFINITY, 1 << 70)]:
        with pytest.raises(OverflowError):
            socket.setsockopt(option, value)


def test_unknown_options(zmq, context):
    socket = context.socket(zmq.SUB)
    for call in (lambda: socket.setsockopt(9999, 5), lambda: socket.getsockopt(9999), lambda: socket.setsockopt(zmq.TYPE, 1)):
        with pytest.raises(zmq.ZMQError) as caught:
            call()
        assert caught.value.errno == zmq.EINVAL
    for name in ("nonsense", "_nonsense"):
        with pytest.raises(AttributeError, match="(?i)nonsense"):
            getattr(socket, name)
        with pytest.raises(AttributeError, match="no such option"):
            setattr(socket, name, 1)
    assert not hasattr(socket, "nonsense")


def test_subclass_keeps_its_own_attributes(zmq, context):
    class Own(zmq.Socket):
        name = ""
        other: int

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.name = "own"
            self.other = 5

        @property
        def both(self):
            return self.name, self.other

    with context.socket(zmq.PUSH, socket_class=Own) as socket:
        assert socket.both == ("own", 5)
        socket.linger = 3
        assert socket.get(zmq.LINGER) == 3
        with pytest.raises(AttributeError):
            socket.both = 1


@pytest.mark.better
def test_no_dict_before_the_first_attribute_of_somebody_else(zmq, submodule, context):
    """Without one the interpreter calls methods by a short way; nothing of our own may need it."""
    context.socket(zmq.PULL).bind("inproc://plain")
    with context.socket(zmq.PUSH) as socket, submodule("asyncio").Socket.shadow(socket.underlying) as awaited:
        socket.connect("inproc://plain")
        socket.linger = 0
        socket.send(b"")
        assert socket.linger == 0 and socket.type is zmq.PUSH and not socket.closed
        for one in (socket, awaited):
            assert not [thing for thing in gc.get_referents(one) if type(thing) is dict]
            assert one.__dict__ == {}


def test_attributes_of_a_subclass_outlive_the_socket(zmq, context):
    class Own(zmq.Socket):
        name = ""

    socket = context.socket(zmq.PUSH, socket_class=Own)
    socket.name = "kept"
    kept = vars(socket)
    socket.close()
    del socket
    gc.collect()
    assert kept["name"] == "kept"


def test_methods_of_one_socket_can_be_replaced(zmq, peers):
    one, two = peers
    with unittest.mock.patch.object(one, "send") as send:
        one.send(b"not sent")
        one.send_string("nor this")
    assert send.call_count == 2
    one.send(b"sent")
    assert two.recv() == b"sent"


def test_dir(zmq, context):
    assert {*zmq.SocketOption.__members__, "send", "recv"} <= set(dir(context.socket(zmq.PUSH)))


def test_every_option_has_an_attribute(zmq, context):
    socket = context.socket(zmq.ROUTER)
    for name, option in zmq.SocketOption.__members__.items():
        for attribute in (name, name.lower()):
            if attribute in ("hwm", "fd", "FD") or callable(getattr(type(socket), attribute, None)):  # subscribe() and its like
                continue
            try:
                expected = socket.get(option)
            except zmq.ZMQError as error:
                assert error.errno == zmq.EINVAL  # known, but not to be read
                with pytest.raises(AttributeError):
                    getattr(socket, attribute)
                assert not hasattr(socket, attribute)
                assert getattr(socket, attribute, 5) == 5
            else:
                assert getattr(socket, attribute) == expected


def test_high_water_marks(zmq, context):
    socket = context.socket(zmq.DEALER)
    assert socket.hwm == socket.get_hwm() == 1000
    socket.set_hwm(5)
    assert (socket.sndhwm, socket.rcvhwm) == (5, 5)
    socket.hwm = 6
    assert (socket.sndhwm, socket.rcvhwm, socket.hwm) == (6, 6, 6)
    socket.sndhwm = 4
    assert socket.hwm == 4


@pytest.mark.better
def test_old_high_water_mark_option(zmq, context):
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.HWM, 8)
    assert (socket.sndhwm, socket.rcvhwm) == (8, 8)
    socket.set(zmq.HWM, 9)
    assert (socket.sndhwm, socket.rcvhwm) == (9, 9)


@pytest.mark.better
def test_io_strategy(zmq, context):
    socket = context.socket(zmq.DEALER)
    assert socket.io_strategy == socket.IO_STRATEGY == 1
    socket.io_strategy = 0
    assert socket.get(zmq.IO_STRATEGY) == 0
    assert zmq.IO_STRATEGY is zmq.SocketOption.IO_STRATEGY
    context.io_strategy = 2
    assert context.socket(zmq.DEALER).io_strategy == 2


def test_closed_sockets_have_no_options(zmq, context):
    socket = context.socket(zmq.DEALER)
    socket.close()
    for name in ("linger", "curve_secretkey"):
        with pytest.raises(zmq.ZMQError) as caught:
            hasattr(socket, name)
        assert caught.value.errno == zmq.ENOTSOCK


def test_subscribe_in_every_way(zmq, context):
    pub, sub = context.socket(zmq.XPUB), context.socket(zmq.SUB)
    pub.rcvtimeo = 5000
    pub.bind("inproc://x")
    sub.connect("inproc://x")
    sub.subscribe("text")
    sub.subscribe(b"bytes")
    sub.subscribe = "assigned"
    sub.setsockopt(zmq.SUBSCRIBE, b"option")
    sub.setsockopt_string(zmq.SUBSCRIBE, "string")
    assert [pub.recv()[1:] for _ in range(5)] == [b"text", b"bytes", b"assigned", b"option", b"string"]
    sub.SUBSCRIBE = "capitals"
    sub.UNSUBSCRIBE = "capitals"
    sub.Subscribe = "mixture"
    assert [pub.recv() for _ in range(3)] == [b"\x01capitals", b"\x00capitals", b"\x01mixture"]
    sub.unsubscribe("text")
    sub.unsubscribe = b"bytes"
    assert [pub.recv() for _ in range(2)] == [b"\x00text", b"\x00bytes"]
    assert callable(sub.subscribe)


# -- text and objects


def test_string(zmq, peers):
    one, two = peers
    one.send_string("ä")
    assert two.recv_string() == "ä"
    one.send_unicode("ä", encoding="latin1")
    assert two.recv() == b"\xe4"
    one.send_string("ä", zmq.SNDMORE)
    one.send_string("b", flags=zmq.DONTWAIT, encoding="utf-16")
    assert two.recv_unicode() == "ä"
    assert two.rcvmore
    assert two.recv_string(zmq.DONTWAIT, "utf-16") == "b"
    for bad in (b"bytes", None, 5):
        with pytest.raises(TypeError):
            one.send_string(bad)
    one.send(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        two.recv_string()


def test_json(zmq, peers):
    one, two = peers
    for thing in (None, 5, "ä", [1, {"a": [True]}], {"b": 1.5, "a": None}):
        one.send_json(thing)
        assert two.recv_json() == thing
    one.send_json({"b": 1, "a": 2}, sort_keys=True, separators=(",", ":"))
    assert two.recv() == b'{"a":2,"b":1}'
    one.send(b"12")
    assert two.recv_json(parse_int=str) == "12"
    with pytest.raises(TypeError):
        one.send_json(object())


def test_pyobj(zmq, peers):
    one, two = peers
    thing = {"set": {1, 2}, "bytes": b"x"}
    one.send_pyobj(thing)
    assert two.recv_pyobj() == thing
    one.send_pyobj(thing, protocol=0)
    assert pickle.loads(two.recv()) == thing


def test_serialized(zmq, peers):
    one, two = peers

    def serialize(thing):
        return [key.encode() + b"=" + str(value).encode() for key, value in thing.items()]

    def deserialize(frames):
        return dict(bytes(frame).decode().split("=") for frame in frames)

    one.send_serialized({"a": 1, "b": 2}, serialize)
    assert two.recv_serialized(deserialize) == {"a": "1", "b": "2"}
    one.send_serialized({"a": 1}, serialize, copy=False)
    assert two.recv_serialized(deserialize, copy=False) == {"a": "1"}


def test_timeouts_of_all_receivers(zmq, context):
    socket = context.socket(zmq.PULL)
    for name in ("recv", "recv_multipart", "recv_string", "recv_json", "recv_pyobj"):
        with pytest.raises(zmq.Again):
            getattr(socket, name)(zmq.DONTWAIT)
    with pytest.raises(zmq.Again):
        socket.recv_serialized(list, zmq.DONTWAIT)
    with pytest.raises(zmq.Again):
        socket.recv_into(bytearray(5), flags=zmq.DONTWAIT)
    socket.rcvtimeo = 10
    with pytest.raises(zmq.Again):
        socket.recv_string()


@pytest.mark.better
def test_iteration(zmq, peers):
    one, two = peers
    for part in (b"a", b"b", b""):
        one.send(part)
    got = []
    for frame in two:
        if not frame:
            break
        got.append(frame)
    assert got == [b"a", b"b"]


def test_overridden_send_and_recv_serve_the_others(zmq, context):
    class Shouting(zmq.Socket):
        def send(self, data, *args, **kwargs):
            return super().send(bytes(data).upper(), *args, **kwargs)

        def recv(self, *args, **kwargs):
            return b"<" + super().recv(*args, **kwargs) + b">"

    one = context.socket(zmq.PAIR, socket_class=Shouting)
    two = context.socket(zmq.PAIR, socket_class=Shouting)
    two.rcvtimeo = 5000
    one.bind("inproc://shout")
    two.connect("inproc://shout")
    one.send_string("hello")
    assert two.recv_string() == "<HELLO>"


# -- polling


def test_poll(zmq, peers):
    one, two = peers
    assert two.poll(0) == 0
    assert two.poll(1.5) == 0
    assert two.poll(0, zmq.POLLOUT) == zmq.POLLOUT
    one.send(b"x")
    assert two.poll() == zmq.POLLIN
    assert two.poll(-1, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN | zmq.POLLOUT
    assert two.poll(None) == zmq.POLLIN
    assert two.poll(None, 0) == two.poll(None, None) == 0  # nothing to wait for
    with pytest.raises(TypeError):
        two.poll("soon")


# -- monitoring


def test_monitor_socket(zmq, submodule, context):
    receive = submodule("utils.monitor").recv_monitor_message
    rep = context.socket(zmq.REP)
    monitor = rep.get_monitor_socket()
    monitor.rcvtimeo = 5000
    assert monitor.type == zmq.PAIR
    assert rep.get_monitor_socket() is monitor
    rep.bind("tcp://127.0.0.1:*")
    event = receive(monitor)
    assert event["event"] == zmq.EVENT_LISTENING
    assert event["endpoint"] == rep.last_endpoint
    assert isinstance(event["value"], int)
    rep.disable_monitor()
    assert receive(monitor)["event"] == zmq.EVENT_MONITOR_STOPPED
    monitor.close()
    again = rep.get_monitor_socket(events=zmq.EVENT_CLOSED, addr="inproc://own-name")
    assert again is not monitor
    assert again.last_endpoint == b"inproc://own-name"
    again.close()


def test_monitor_by_hand(zmq, submodule, context):
    socket = context.socket(zmq.PULL)
    socket.monitor("inproc://events", zmq.EVENT_LISTENING)
    receiver = context.socket(zmq.PAIR)
    receiver.rcvtimeo = 5000
    receiver.connect("inproc://events")
    socket.bind("tcp://127.0.0.1:*")
    assert submodule("utils.monitor").recv_monitor_message(receiver)["event"] == zmq.EVENT_LISTENING
    socket.monitor(None, 0)
    with pytest.raises(zmq.ZMQError) as caught:
        socket.monitor("tcp://127.0.0.1:*")
    assert caught.value.errno == zmq.EPROTONOSUPPORT


def test_monitored_socket_leaves_no_warning(zmq, context, recwarn):
    socket = context.socket(zmq.PULL)
    monitor = socket.get_monitor_socket()
    socket.close()
    monitor.close()
    del socket, monitor
    gc.collect()
    assert not recwarn.list
