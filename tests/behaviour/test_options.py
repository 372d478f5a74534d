"""Socket and context options through the public API.

The same tests run on pyzmq (ZMQ_MODULE=zmq). Only two groups differ by module: options a release libzmq lacks, and features zmqcore lacks.
The complete table of values and bounds is in tests/unit/test_options_core.py; here it is what a program sees.
"""

import os
import socket as system_socket
import sys
import threading
import time

import pytest
from awaiting import Events, endpoint
from platforms import errno

CLASSIC = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"]
SOON = 5000  # ms: an event that must come; never waited for in full when things work
BEYOND_RELEASE = {
    "ROUTER_NOTIFY": ("ROUTER", 3),
    "IN_BATCH_SIZE": ("DEALER", 4096),
    "OUT_BATCH_SIZE": ("DEALER", 4096),
    "PRIORITY": ("PUSH", 3),
    "BUSY_POLL": ("PULL", 1),
}


@pytest.fixture
def linked(make):
    """Two sockets connected over tcp: the first is bound."""

    def linked(bound, connecting, address="tcp://127.0.0.1:*", **options):
        server = make(bound)
        client = make(connecting, **options)
        server.bind(address)
        client.connect(endpoint(server))
        return server, client

    return linked


def is_libzmq(zmq):
    return zmq.__name__ == "zmq"


def refuses(zmq, action, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        action(*arguments)
    assert caught.value.errno == errno.EINVAL


# fmt: off
DEFAULTS = {
    "AFFINITY": 0, "ROUTING_ID": b"", "RATE": 100, "RECOVERY_IVL": 10000, "SNDBUF": -1, "RCVBUF": -1, "RCVMORE": 0, "RECONNECT_IVL": 100, "BACKLOG": 100,
    "RECONNECT_IVL_MAX": 0, "MAXMSGSIZE": -1, "SNDHWM": 1000, "RCVHWM": 1000, "MULTICAST_HOPS": 1, "RCVTIMEO": -1, "SNDTIMEO": -1, "IPV4ONLY": 1,
    "LAST_ENDPOINT": b"", "TCP_KEEPALIVE": -1, "TCP_KEEPALIVE_CNT": -1, "TCP_KEEPALIVE_IDLE": -1, "TCP_KEEPALIVE_INTVL": -1, "IMMEDIATE": 0, "IPV6": 0,
    "MECHANISM": 0, "PLAIN_SERVER": 0, "PLAIN_USERNAME": b"", "PLAIN_PASSWORD": b"", "CURVE_SERVER": 0, "CONFLATE": 0, "ZAP_DOMAIN": b"", "TOS": 0,
    "HANDSHAKE_IVL": 30000, "SOCKS_PROXY": b"", "INVERT_MATCHING": 0, "HEARTBEAT_IVL": 0, "HEARTBEAT_TTL": 0, "HEARTBEAT_TIMEOUT": -1,
    "CONNECT_TIMEOUT": 0, "TCP_MAXRT": 0, "THREAD_SAFE": 0, "MULTICAST_MAXTPDU": 1500, "USE_FD": -1, "BINDTODEVICE": b"", "ZAP_ENFORCE_DOMAIN": 0,
    "LOOPBACK_FASTPATH": 0, "MULTICAST_LOOP": 1, "RECONNECT_STOP": 0,
}
WRITE_ONLY = [
    "SUBSCRIBE", "UNSUBSCRIBE", "ROUTER_MANDATORY", "ROUTER_HANDOVER", "ROUTER_RAW", "PROBE_ROUTER", "REQ_CORRELATE", "REQ_RELAXED", "XPUB_VERBOSE",
    "XPUB_VERBOSER", "XPUB_NODROP", "XPUB_MANUAL", "XPUB_WELCOME_MSG", "CONNECT_ROUTING_ID", "TCP_ACCEPT_FILTER", "METADATA",
]
# fmt: on


@pytest.mark.parametrize("name", CLASSIC)
def test_defaults(zmq, context, name):
    with context.socket(getattr(zmq, name)) as made:
        assert {option: made.getsockopt(getattr(zmq, option)) for option in DEFAULTS} == DEFAULTS
        assert made.getsockopt(zmq.TYPE) == getattr(zmq, name)
        assert made.getsockopt(zmq.LINGER) == (0 if name in ("SUB", "XSUB") else -1)
        assert made.getsockopt(zmq.FD) >= 0
        for option in WRITE_ONLY:
            refuses(zmq, made.getsockopt, getattr(zmq, option))
        if name in ("PUB", "SUB", "XPUB", "XSUB"):
            assert made.getsockopt(zmq.TOPICS_COUNT) == 0
        else:
            refuses(zmq, made.getsockopt, zmq.TOPICS_COUNT)


BOUNDS = [
    # option, taken, refused
    ("LINGER", [-1, 0, 2**31 - 1], [-2]),
    ("RECONNECT_IVL", [-1, 0, 5000], [-2]),
    ("RECONNECT_IVL_MAX", [0, 5000], [-1]),
    ("RECONNECT_STOP", [0, 1, 2, 3, 7], []),
    ("BACKLOG", [0, 1, 4096], [-1]),
    ("SNDHWM", [0, 1, 2**31 - 1], [-1]),
    ("RCVHWM", [0, 1, 2**31 - 1], [-1]),
    ("SNDTIMEO", [-1, 0, 5000], [-2]),
    ("RCVTIMEO", [-1, 0, 5000], [-2]),
    ("SNDBUF", [-1, 0, 12288], [-2]),
    ("RCVBUF", [-1, 0, 12288], [-2]),
    ("IPV6", [0, 1], [-1, 2]),
    ("IPV4ONLY", [0, 1], [-1, 2]),
    ("IMMEDIATE", [0, 1], [-1, 2]),
    ("CONFLATE", [0, 1], [-1, 2]),
    ("TCP_KEEPALIVE", [-1, 0, 1], [-2, 2]),
    ("TCP_KEEPALIVE_CNT", [-1, 0, 9], [-2]),
    ("TCP_KEEPALIVE_IDLE", [-1, 0, 60], [-2]),
    ("TCP_KEEPALIVE_INTVL", [-1, 0, 60], [-2]),
    ("TOS", [0, 0x28, 255], [-1]),
    ("HANDSHAKE_IVL", [0, 1000], [-1]),
    ("HEARTBEAT_IVL", [0, 1000], [-1]),
    ("HEARTBEAT_TTL", [0, 100, 6553500], [-100, 6553600]),
    ("HEARTBEAT_TIMEOUT", [0, 1000], [-1]),
    ("CONNECT_TIMEOUT", [0, 1000], [-1]),
    ("TCP_MAXRT", [0, 1000], [-1]),
    ("USE_FD", [-1, 0, 7], [-2]),
    ("AFFINITY", [0, 1, 2**63 - 1], []),
    ("MAXMSGSIZE", [-1, 0, 2**63 - 1], []),
]


@pytest.mark.parametrize("name", CLASSIC)
def test_values_and_bounds(zmq, make, name):
    made = make(name)
    for option, taken, refused in BOUNDS:
        number = getattr(zmq, option)
        for value in taken:
            made.setsockopt(number, value)
            assert made.getsockopt(number) == value, option
            for bad in refused:
                refuses(zmq, made.setsockopt, number, bad)
                assert made.getsockopt(number) == value, option


@pytest.mark.parametrize(
    "option,setters",
    [
        ("ROUTER_MANDATORY", "ROUTER REP"),
        ("ROUTER_HANDOVER", "ROUTER REP"),
        ("PROBE_ROUTER", "ROUTER REP DEALER REQ"),
        ("REQ_CORRELATE", "REQ"),
        ("REQ_RELAXED", "REQ"),
        ("XPUB_VERBOSE", "XPUB PUB"),
        ("XPUB_VERBOSER", "XPUB PUB"),
        ("XPUB_NODROP", "XPUB PUB"),
        ("XPUB_MANUAL", "XPUB PUB"),
        ("XPUB_MANUAL_LAST_VALUE", "XPUB PUB"),
        ("ONLY_FIRST_SUBSCRIBE", "XPUB PUB XSUB"),
    ],
)
def test_switches_belong_to_their_types(zmq, make, option, setters):
    for name in CLASSIC:
        made = make(name)
        if name in setters.split():
            made.setsockopt(getattr(zmq, option), 1)
            made.setsockopt(getattr(zmq, option), 0)
            refuses(zmq, made.setsockopt, getattr(zmq, option), -1)
        else:
            refuses(zmq, made.setsockopt, getattr(zmq, option), 1)


def test_read_only_options_cannot_be_set(zmq, make):
    made = make("PAIR")
    for option in ("RCVMORE", "FD", "EVENTS", "TYPE", "MECHANISM", "THREAD_SAFE", "TOPICS_COUNT"):
        refuses(zmq, made.setsockopt, getattr(zmq, option), 1)
    refuses(zmq, made.setsockopt, zmq.LAST_ENDPOINT, b"tcp://127.0.0.1:1")


@pytest.mark.parametrize("number", [0, 2, 3, 10, 20, 26, 29, 30, 67, 82, 83, 200, 2**31 - 1, -1])
def test_numbers_that_are_no_option(zmq, make, number):
    made = make("PAIR")
    refuses(zmq, made.getsockopt, number)
    refuses(zmq, made.setsockopt, number, 1)


def test_heartbeat_ttl_is_rounded_down(zmq, make):
    made = make("PAIR")
    for given, kept in [(99, 0), (100, 100), (1999, 1900), (6553599, 6553500)]:
        made.setsockopt(zmq.HEARTBEAT_TTL, given)
        assert made.getsockopt(zmq.HEARTBEAT_TTL) == kept


def test_any_int_switches_invert_matching(zmq, make):
    made = make("SUB")
    for given in (-5, 1, 7, 0):
        made.setsockopt(zmq.INVERT_MATCHING, given)
        assert made.getsockopt(zmq.INVERT_MATCHING) == (given != 0)


def test_ipv4only_is_the_inverse_of_ipv6(zmq, make):
    made = make("PAIR")
    made.setsockopt(zmq.IPV6, 1)
    assert made.getsockopt(zmq.IPV4ONLY) == 0
    made.setsockopt(zmq.IPV4ONLY, 1)
    assert made.getsockopt(zmq.IPV6) == 0


def test_octets_are_kept_as_they_are(zmq, make):
    made = make("DEALER")
    for value in (b"a", b"\0", b"\0\xff\0", b"x" * 255):
        made.setsockopt(zmq.ROUTING_ID, value)
        assert made.getsockopt(zmq.ROUTING_ID) == value
        assert made.getsockopt(zmq.IDENTITY) == value
    for bad in (b"", b"x" * 256):
        refuses(zmq, made.setsockopt, zmq.ROUTING_ID, bad)
    assert made.getsockopt(zmq.ROUTING_ID) == b"x" * 255
    made.setsockopt(zmq.BINDTODEVICE, b"lo")
    assert made.getsockopt(zmq.BINDTODEVICE) == b"lo"
    refuses(zmq, made.setsockopt, zmq.BINDTODEVICE, b"x" * 17)


def test_types_of_python_values(zmq, make):
    made = make("DEALER")
    for bad in ("text", None, 1.5):
        with pytest.raises(TypeError):
            made.setsockopt(zmq.LINGER, bad)
    for bad in ("text", 5):
        with pytest.raises(TypeError):
            made.setsockopt(zmq.ROUTING_ID, bad)
    assert made.getsockopt(zmq.LINGER) == 0
    assert made.getsockopt(zmq.ROUTING_ID) == b""


def test_text_is_encoded_by_the_string_calls_only(zmq, make):
    made = make("DEALER")
    made.setsockopt_string(zmq.ROUTING_ID, "zoë")
    assert made.getsockopt(zmq.ROUTING_ID) == "zoë".encode()
    assert made.getsockopt_string(zmq.ROUTING_ID) == "zoë"
    made.set_string(zmq.ROUTING_ID, "zoë", encoding="latin-1")
    assert made.getsockopt(zmq.ROUTING_ID) == b"zo\xeb"
    assert made.get_string(zmq.ROUTING_ID, encoding="latin-1") == "zoë"
    with pytest.raises(TypeError):
        made.setsockopt_string(zmq.ROUTING_ID, b"octets")
    with pytest.raises(TypeError):
        made.getsockopt_string(zmq.LINGER)


def test_options_are_attributes(zmq, make):
    made = make("DEALER")
    made.rcvtimeo = 7
    assert made.RCVTIMEO == 7 == made.getsockopt(zmq.RCVTIMEO)
    made.SNDTIMEO = 8
    assert made.sndtimeo == 8
    made.identity = b"me"
    assert made.routing_id == b"me"
    with pytest.raises(AttributeError):
        made.no_such_option  # noqa: B018
    with pytest.raises(zmq.ZMQError) as caught:
        made.linger = -5
    assert caught.value.errno == errno.EINVAL


def test_hwm_sets_both(zmq, make):
    made = make("DEALER")
    made.set_hwm(5)
    assert (made.sndhwm, made.rcvhwm, made.get_hwm()) == (5, 5, 5)
    made.hwm = 6
    assert (made.sndhwm, made.rcvhwm, made.hwm) == (6, 6, 6)


def test_last_endpoint_and_unicode(zmq, make):
    made = make("PULL")
    port = made.bind_to_random_port("tcp://127.0.0.1")
    assert made.getsockopt(zmq.LAST_ENDPOINT) == b"tcp://127.0.0.1:%d" % port
    assert made.getsockopt_string(zmq.LAST_ENDPOINT) == f"tcp://127.0.0.1:{port}"


def test_rcvmore_and_events_follow_the_messages(zmq, linked):
    server, client = linked("PULL", "PUSH")
    assert client.poll(SOON, zmq.POLLOUT)
    assert client.getsockopt(zmq.EVENTS) == zmq.POLLOUT
    assert server.getsockopt(zmq.EVENTS) == 0
    client.send_multipart([b"1", b"2"])
    assert server.poll(SOON)
    assert server.getsockopt(zmq.EVENTS) == zmq.POLLIN
    assert server.recv() == b"1"
    assert server.getsockopt(zmq.RCVMORE) == 1
    assert server.recv() == b"2"
    assert server.getsockopt(zmq.RCVMORE) == 0
    assert server.getsockopt(zmq.EVENTS) == 0


def test_options_of_a_closed_socket(zmq, make):
    made = make("PAIR")
    made.close()
    for action in (lambda: made.getsockopt(zmq.LINGER), lambda: made.setsockopt(zmq.LINGER, 0)):
        with pytest.raises(zmq.ZMQError) as caught:
            action()
        assert caught.value.errno == errno.ENOTSOCK


def test_options_after_term_began(zmq):
    context = zmq.Context()
    made = context.socket(zmq.PULL)
    ended = threading.Thread(target=context.term)
    ended.start()
    with pytest.raises(zmq.ContextTerminated):
        made.recv()
    with pytest.raises(zmq.ContextTerminated):
        made.getsockopt(zmq.LINGER)
    with pytest.raises(zmq.ContextTerminated):
        made.setsockopt(zmq.LINGER, 0)
    made.close(linger=0)
    ended.join(SOON / 1000)
    assert not ended.is_alive()


# ---- effects


def test_timeouts(zmq, make):
    made = make("DEALER", RCVTIMEO=20, SNDTIMEO=20)
    with pytest.raises(zmq.Again):
        made.recv()
    with pytest.raises(zmq.Again):
        made.send(b"nobody is there")


def test_routing_id_reaches_the_router(linked):
    server, client = linked("ROUTER", "DEALER", ROUTING_ID=b"\x01me")
    client.send(b"hello")
    assert server.poll(SOON)
    assert server.recv_multipart() == [b"\x01me", b"hello"]


def test_connect_routing_id_names_the_next_peer_only(zmq, make):
    router, first, second = make("ROUTER", ROUTER_MANDATORY=1, RCVTIMEO=SOON), make("DEALER", RCVTIMEO=SOON), make("DEALER", RCVTIMEO=SOON)
    for dealer in (first, second):
        dealer.bind("tcp://127.0.0.1:*")
    router.setsockopt(zmq.CONNECT_ROUTING_ID, b"first")
    router.connect(first.getsockopt_string(zmq.LAST_ENDPOINT))
    router.connect(second.getsockopt_string(zmq.LAST_ENDPOINT))
    router.send_multipart([b"first", b"hello"])
    assert first.recv() == b"hello"
    second.send(b"who am I")
    name, message = router.recv_multipart()
    assert message == b"who am I" and name != b"first"


def test_maxmsgsize_drops_the_connection(zmq, make):
    server, client = make("PULL", MAXMSGSIZE=1000), make("PUSH", RECONNECT_IVL=-1)
    server.bind("tcp://127.0.0.1:*")
    client.connect(server.getsockopt_string(zmq.LAST_ENDPOINT))
    client.send(b"x" * 1000)
    assert server.poll(SOON)
    assert server.recv() == b"x" * 1000
    events = Events(zmq, client)
    client.send(b"x" * 1001)
    try:
        client.send(b"behind it", zmq.DONTWAIT)
    except zmq.Again:
        pass  # the connection has ended already
    events.wait("DISCONNECTED")
    assert not server.poll(0)


def test_OPT_9_each_endpoint_keeps_what_it_was_made_with(zmq, make):
    """Also when many options were set since, and those that a set adds to."""
    server, names = make("ROUTER"), []
    for number in range(5):
        server.setsockopt(zmq.METADATA, b"X-number:%d" % number)
        server.setsockopt(zmq.METADATA, b"X-%d:there" % number)
        server.bind("tcp://127.0.0.1:*")
        names.append(endpoint(server))
    for option, value in (("MAXMSGSIZE", 1), ("METADATA", b"X-number:last"), ("TCP_ACCEPT_FILTER", b"127.0.0.2")):
        server.setsockopt(getattr(zmq, option), value)
    for number, name in enumerate(names):
        client = make("DEALER")
        client.connect(name)
        client.send(b"more than one byte")
        server.send_multipart(server.recv_multipart())
        frame = client.recv(copy=False)
        assert (frame.bytes, frame.get("X-number"), frame.get(f"X-{number}")) == (b"more than one byte", str(number), "there")
        if number < 4:
            with pytest.raises(zmq.ZMQError):
                frame.get(f"X-{number + 1}")


@pytest.mark.better  # options of zmqcore
def test_OPT_9_what_a_message_may_be_is_settled_by_bind(zmq, make):
    server, client = make("PULL"), make("PUSH")
    server.bind("tcp://127.0.0.1:*")
    server.max_message_frames, server.max_message_bytes = 1, 3
    client.connect(endpoint(server))
    client.send_multipart([b"three", b"frames", b"here"])
    assert server.recv_multipart() == [b"three", b"frames", b"here"]
    server.bind("tcp://127.0.0.1:*")
    limited = make("PUSH", RECONNECT_IVL=-1)
    events = Events(zmq, limited)
    limited.connect(endpoint(server))
    limited.send_multipart([b"1", b"2"])
    events.wait("DISCONNECTED")
    client.send_multipart([b"as", b"before"])
    assert server.recv_multipart() == [b"as", b"before"]


def test_metadata_can_be_read_by_the_peer(zmq, linked):
    server, client = linked("PULL", "PUSH", METADATA=b"X-hello:wor:ld")
    client.send(b"m")
    assert server.poll(SOON)
    frame = server.recv(copy=False)
    assert frame.get("X-hello") == "wor:ld"
    for bad in (b"", b"hello:world", b"X-hello", b"X-hello:", b":X-hello", b"X-" + b"n" * 254 + b":v"):
        refuses(zmq, client.setsockopt, zmq.METADATA, bad)


def test_accept_filter(zmq, make):
    strange, own = make("PULL", TCP_ACCEPT_FILTER=b"192.0.2.0/24"), make("PULL", TCP_ACCEPT_FILTER=b"192.0.2.0/24")
    own.setsockopt(zmq.TCP_ACCEPT_FILTER, b"127.0.0.1")
    for server, expected in ((strange, 0), (own, zmq.POLLIN)):
        server.bind("tcp://127.0.0.1:*")
        client = make("PUSH")
        events = Events(zmq, client)
        client.connect(endpoint(server))
        client.send(b"let me in")
        if not expected:
            events.wait("DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL")
        assert server.poll(SOON if expected else 0) == expected
    for bad in (b"", b"somewhere", b"1.2.3.4/33", b"1.2.3.4/x", b"1.2.3.4.5"):
        refuses(zmq, own.setsockopt, zmq.TCP_ACCEPT_FILTER, bad)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peer credentials of unix sockets")
def test_ipc_filter(zmq, make, tmp_path):
    for index, (option, value, expected) in enumerate(
        [("IPC_FILTER_UID", os.getuid(), 1), ("IPC_FILTER_UID", os.getuid() + 1, 0), ("IPC_FILTER_PID", os.getpid(), 1), ("IPC_FILTER_PID", os.getpid() + 1, 0)]
    ):
        server, client = make("PULL"), make("PUSH")
        server.setsockopt(getattr(zmq, option), value)
        server.bind(f"ipc://{tmp_path}/{index}")
        events = Events(zmq, client)
        client.connect(f"ipc://{tmp_path}/{index}")
        client.send(b"let me in")
        if not expected:
            events.wait("DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL")
        assert bool(server.poll(SOON if expected else 0)) == bool(expected), option


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peer credentials of unix sockets")
@pytest.mark.parametrize(("option", "value", "where"), [("TCP_ACCEPT_FILTER", b"192.0.2.1", "tcp"), ("IPC_FILTER_UID", os.getuid() + 1, "ipc")])
def test_END_40_and_END_42_a_filter_is_for_listeners_bound_afterwards(zmq, make, fresh, option, value, where):
    server, client = make("PULL"), make("PUSH")
    server.bind(fresh(where))
    before = endpoint(server)
    server.setsockopt(getattr(zmq, option), value)
    server.bind(fresh(where))
    stranger = make("PUSH")
    events = Events(zmq, stranger)
    stranger.connect(endpoint(server))
    events.wait("DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL")
    client.connect(before)
    client.send(b"m")
    assert server.recv() == b"m"


def test_use_fd(zmq, make):
    with system_socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        server, client = make("PULL"), make("PUSH")
        server.setsockopt(zmq.USE_FD, listening.detach())
        server.bind(f"tcp://127.0.0.1:{port}")
    client.connect(f"tcp://127.0.0.1:{port}")
    client.send(b"m")
    assert server.poll(SOON)
    assert server.recv() == b"m"


@pytest.mark.better
@pytest.mark.skipif(sys.platform != "linux", reason="what accept() says to a socket that was shut down is the system's choice")
def test_a_descriptor_that_listens_no_more_is_asked_now_and_then(zmq, make):
    """libzmq ends the process."""
    with system_socket.create_server(("127.0.0.1", 0)) as listening:
        server = make("PULL")
        server.setsockopt(zmq.USE_FD, os.dup(listening.fileno()))
        server.bind(f"tcp://127.0.0.1:{listening.getsockname()[1]}")
        events = Events(zmq, server)
        begun = time.monotonic()
        listening.shutdown(system_socket.SHUT_RDWR)
        assert events.wait("ACCEPT_FAILED")[1] == errno.EINVAL
        server.unbind(endpoint(server))
        asked = 1
        while events.next()[0] != "CLOSED":
            asked += 1
        assert asked <= 2 + (time.monotonic() - begun) / 0.1


@pytest.mark.parametrize(
    "options",
    [
        {"SNDBUF": 12288, "RCVBUF": 12288},
        {"TOS": 0x28},
        {"TCP_KEEPALIVE": 1, "TCP_KEEPALIVE_CNT": 3, "TCP_KEEPALIVE_IDLE": 30, "TCP_KEEPALIVE_INTVL": 5},
        {"TCP_MAXRT": 5000},
        {"CONNECT_TIMEOUT": 5000},
        {"HEARTBEAT_IVL": 50, "HEARTBEAT_TTL": 500, "HEARTBEAT_TIMEOUT": 500},
        {"HANDSHAKE_IVL": 0},
        {"BACKLOG": 1},
        {"IMMEDIATE": 1},
    ],
)
def test_large_transfer_with_transport_options(zmq, make, options):
    server, client = make("PAIR", **options), make("PAIR", **options)
    server.bind("tcp://127.0.0.1:*")
    client.connect(server.getsockopt_string(zmq.LAST_ENDPOINT))
    large = bytes(range(256)) * 8000
    client.send(large)
    assert server.poll(SOON)
    assert server.recv() == large
    assert {option: client.getsockopt(getattr(zmq, option)) for option in options} == options


def test_subscriptions_are_options(zmq, make):
    publisher, subscriber = make("XPUB"), make("SUB")
    publisher.bind("tcp://127.0.0.1:*")
    subscriber.setsockopt(zmq.SUBSCRIBE, b"a")
    subscriber.setsockopt(zmq.SUBSCRIBE, b"b")
    subscriber.setsockopt_string(zmq.UNSUBSCRIBE, "b")
    subscriber.connect(publisher.getsockopt_string(zmq.LAST_ENDPOINT))
    assert publisher.poll(SOON)
    assert publisher.recv() == b"\x01a"
    assert publisher.getsockopt(zmq.TOPICS_COUNT) == 1
    assert subscriber.getsockopt(zmq.TOPICS_COUNT) == 1
    subscriber.subscribe = b"c"
    assert publisher.poll(SOON)
    assert publisher.recv() == b"\x01c"
    subscriber.setsockopt(zmq.UNSUBSCRIBE, b"never subscribed")
    for name in ("PUB", "XPUB", "XSUB", "PULL"):
        refuses(zmq, make(name).setsockopt, zmq.SUBSCRIBE, b"a")


# ---- beyond a release libzmq, and what zmqcore does not have


@pytest.mark.parametrize("option", sorted(BEYOND_RELEASE))
def test_options_beyond_a_release(zmq, make, option):
    name, value = BEYOND_RELEASE[option]
    made = make(name)
    number = getattr(zmq, option)
    if is_libzmq(zmq) and not zmq.DRAFT_API:
        refuses(zmq, made.setsockopt, number, value)
        return
    made.setsockopt(number, value)
    if not (is_libzmq(zmq) and option == "BUSY_POLL"):
        assert made.getsockopt(number) == value


def test_io_strategy_is_an_option_of_zmqcore(zmq, make):
    made = make("PAIR")
    if is_libzmq(zmq):
        refuses(zmq, made.setsockopt, 9001, 1)
        return
    assert zmq.IO_STRATEGY == 9001 and made.getsockopt(zmq.IO_STRATEGY) == 1
    for value in (0, 2, 1):
        made.setsockopt(zmq.IO_STRATEGY, value)
        assert made.getsockopt(zmq.IO_STRATEGY) == value
    refuses(zmq, made.setsockopt, zmq.IO_STRATEGY, 3)


@pytest.mark.parametrize("option", ["VMCI_CONNECT_TIMEOUT", "NORM_MODE", "STREAM_NOTIFY", "BLOCKY"])
def test_options_neither_side_has_on_these_sockets(zmq, make, option):
    made = make("DEALER")
    refuses(zmq, made.setsockopt, getattr(zmq, option), 1)
    refuses(zmq, made.getsockopt, getattr(zmq, option))


# ---- contexts


def test_context_defaults(zmq, context):
    assert [context.get(getattr(zmq, name)) for name in ("IO_THREADS", "MAX_SOCKETS", "SOCKET_LIMIT", "MAX_MSGSZ", "MSG_T_SIZE", "IPV6", "BLOCKY")] == [
        1, 1023, 65535, 2**31 - 1, 64, 0, 1,
    ]  # fmt: skip


def test_context_values_and_bounds(zmq, context):
    for name, taken, refused in [
        ("IO_THREADS", [0, 2, 1], [-1]),
        ("MAX_SOCKETS", [1, 5000], [0, -1]),
        ("MAX_MSGSZ", [0, 1000, 2**31 - 1], [-1]),
        ("IPV6", [1, 0], [-1]),
        ("BLOCKY", [0, 1], [-1]),
    ]:
        number = getattr(zmq, name)
        for value in taken:
            context.set(number, value)
            assert context.get(number) == value
            for bad in refused:
                refuses(zmq, context.set, number, bad)
                assert context.get(number) == value
    for name in ("THREAD_PRIORITY", "THREAD_SCHED_POLICY"):
        refuses(zmq, context.set, getattr(zmq, name), -1)
    context.set(zmq.THREAD_AFFINITY_CPU_ADD, 0)
    context.set(zmq.THREAD_AFFINITY_CPU_REMOVE, 0)
    refuses(zmq, context.set, zmq.THREAD_AFFINITY_CPU_REMOVE, 0)
    refuses(zmq, context.set, zmq.MSG_T_SIZE, 1)


def test_context_options_reach_later_sockets(zmq, context):
    before = context.socket(zmq.PAIR)
    context.set(zmq.IPV6, 1)
    context.set(zmq.BLOCKY, 0)
    after = context.socket(zmq.PAIR)
    assert (before.getsockopt(zmq.IPV6), before.getsockopt(zmq.LINGER)) == (0, -1)
    assert (after.getsockopt(zmq.IPV6), after.getsockopt(zmq.LINGER)) == (1, 0)


def test_socket_options_of_a_context_are_defaults(zmq, context):
    context.setsockopt(zmq.LINGER, 17)
    context.rcvtimeo = 18
    made = context.socket(zmq.SUB)
    assert (made.linger, made.rcvtimeo) == (17, 18)
    assert context.getsockopt(zmq.LINGER) == 17
    # a default that a socket type does not take is left out
    context.setsockopt(zmq.SUBSCRIBE, b"topic")
    context.socket(zmq.PUSH).close()


def test_max_sockets(zmq):
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 3)
    made = [context.socket(zmq.PAIR) for _ in range(3)]
    with pytest.raises(zmq.ZMQError) as caught:
        context.socket(zmq.PAIR)
    assert caught.value.errno == errno.EMFILE
    for each in made:
        each.close()
    context.term()
