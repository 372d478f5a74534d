"""udp: RADIO and DISH, and DGRAM, with plain sockets as peers where bytes matter."""
import socket as plain
import struct
import sys

import pytest
from awaiting import Events, endpoint, until
from platforms import WINE, errno

pytestmark = pytest.mark.better  # a release of libzmq has none of these types

LARGEST = 65507
LOOPBACK = next(name for _, name in plain.if_nameindex() if name.startswith("lo"))
GROUP4 = "239.1.2.3"
GROUP6 = "ff02::1:2:3"


def refused(zmq, error, call, *args, **kwargs):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*args, **kwargs)
    assert caught.value.errno == error, caught.value
    return str(caught.value)


def port_of(where):
    return int(where.rsplit(":", 1)[1])


def told(dish):
    frame = dish.recv(copy=False)
    return frame.group, frame.bytes


@pytest.fixture
def peer():
    """A plain socket, on 127.0.0.1 and an unused port."""
    with plain.socket(plain.AF_INET, plain.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(15)
        yield made


@pytest.fixture
def dish(make):
    made = make("DISH")
    made.bind("udp://127.0.0.1:*")
    made.join("TV")
    return made


def radio_to(make, where, **options):
    radio = make("RADIO", **options)
    radio.connect(where)
    return radio


def address_of(socket):
    return ("127.0.0.1", port_of(endpoint(socket)))


# ---- RADIO and DISH

def test_DRAFT_12_bytes_of_a_radio(make, peer):
    radio = radio_to(make, f"udp://127.0.0.1:{peer.getsockname()[1]}")
    radio.send(b"Friends", group="TV")
    assert peer.recv(100) == bytes.fromhex("02545646 7269656e6473".replace(" ", ""))
    radio.send(b"nameless")
    radio.send(b"", group="x" * 255)
    assert peer.recv(100) == b"\0nameless"
    assert peer.recv(1000) == b"\xff" + b"x" * 255


def test_DRAFT_12_bytes_for_a_dish(make, dish, peer):
    dish.join("")
    for datagram in (b"\2TVone", b"\2TV", b"\0none", b"\2tvnot joined", b"\2TV" + b"x" * (LARGEST - 3)):
        peer.sendto(datagram, address_of(dish))
    assert [told(dish) for _ in range(4)] == [("TV", b"one"), ("TV", b""), ("", b"none"), ("TV", b"x" * (LARGEST - 3))]


def test_DRAFT_12_datagrams_that_are_no_messages_are_dropped(dish, peer):
    for datagram in (b"", b"\1", b"\3TV", b"\xff" + b"x" * 254, b"\x80" + b"y" * 100, b"\xff" * 60000, b"\2TVgood"):
        peer.sendto(datagram, address_of(dish))
    assert told(dish) == ("TV", b"good")


def test_DRAFT_12_sizes_up_to_the_largest_datagram(zmq, make, dish):
    radio = radio_to(make, endpoint(dish))
    for size in (0, 1, 48, 49, 1399, 1400, 1401, 8191, 8192, 8193, 32768, LARGEST - 3):
        body = bytes([size % 251]) * size
        radio.send(body, group="TV")
        assert told(dish) == ("TV", body)
    assert "too long" in refused(zmq, errno.EMSGSIZE, radio.send, b"x" * (LARGEST - 2), group="TV").lower()
    radio.send(b"behind", group="TV")
    assert told(dish) == ("TV", b"behind")


def test_DRAFT_12_bursts_of_mixed_sizes_stay_in_order(make, dish):
    """Datagrams of one size go to the system as one: nothing may be lost, doubled or taken for another at the seams."""
    radio = radio_to(make, endpoint(dish))
    for run in (1, 2, 63, 64, 65, 130):
        bodies = [b"%d" % number + b"." * (5 if number % 7 else number % 50) for number in range(run)]
        for body in bodies:
            radio.send(body, group="TV")
        assert [dish.recv() for _ in bodies] == bodies
    bodies = [bytes([number]) * 100 for number in range(100)]
    for body in bodies:
        radio.send(body, group="TV")
    assert [dish.recv() for _ in bodies] == bodies


def test_DRAFT_12_a_radio_sends_over_udp_and_tcp_at_once(zmq, make, dish):
    other = make("DISH")
    other.bind("tcp://127.0.0.1:*")
    other.join("TV")
    radio = radio_to(make, endpoint(dish))
    radio.connect(endpoint(other))
    until(lambda: radio.poll(0) or radio.getsockopt(zmq.TOPICS_COUNT) == 1)
    radio.send(b"both", group="TV")
    assert told(dish) == told(other) == ("TV", b"both")


def test_DRAFT_12_nobody_there_is_no_error(make, dish, peer):
    radio = radio_to(make, f"udp://127.0.0.1:{peer.getsockname()[1]}")
    peer.close()
    for _ in range(5):
        radio.send(b"into the void", group="TV")
    radio.connect(endpoint(dish))
    radio.send(b"heard", group="TV")
    assert told(dish) == ("TV", b"heard")


def test_DRAFT_12_ipv6(make):
    dish = make("DISH", IPV6=1)
    dish.bind("udp://[::1]:*")
    assert endpoint(dish).startswith("udp://[::1]:")
    dish.join("TV")
    radio = radio_to(make, endpoint(dish), IPV6=1)
    radio.send(b"six", group="TV")
    assert told(dish) == ("TV", b"six")
    both = make("DISH", IPV6=1)
    both.bind("udp://*:*")
    both.join("TV")
    port = port_of(endpoint(both))
    for where in (f"udp://127.0.0.1:{port}", f"udp://[::1]:{port}"):
        radio_to(make, where, IPV6=1).send(where.encode(), group="TV")
        assert both.recv() == where.encode()


def test_DRAFT_12_multicast_reaches_every_dish(make):
    dishes = [make("DISH") for _ in range(2)]
    dishes[0].bind(f"udp://127.0.0.1;{GROUP4}:*")
    where = endpoint(dishes[0])
    assert where == f"udp://127.0.0.1;{GROUP4}:{port_of(where)}"
    dishes[1].bind(f"udp://{LOOPBACK};{GROUP4}:{port_of(where)}")
    for dish in dishes:
        dish.join("TV")
    radio_to(make, where).send(b"to both", group="TV")
    assert [told(dish) for dish in dishes] == [("TV", b"to both")] * 2


def carries_multicast_6(index):
    """Whether plain sockets reach each other by a group over this interface; Linux's loopback interface has no route for one."""
    group = plain.inet_pton(plain.AF_INET6, GROUP6)
    with plain.socket(plain.AF_INET6, plain.SOCK_DGRAM) as one, plain.socket(plain.AF_INET6, plain.SOCK_DGRAM) as two:
        try:
            one.bind((GROUP6, 0, 0, index))
            one.setsockopt(plain.IPPROTO_IPV6, plain.IPV6_JOIN_GROUP, group + struct.pack("I", index))
            one.settimeout(1)
            two.sendto(b"x", (GROUP6, one.getsockname()[1], 0, index))
            return one.recv(1) == b"x"
        except OSError:
            return False


def test_DRAFT_12_multicast_ipv6(make):
    interface = next((name for index, name in plain.if_nameindex() if carries_multicast_6(index)), None)
    if interface is None:
        pytest.skip("no interface of this machine carries IPv6 multicast")
    dish = make("DISH", IPV6=1)
    dish.bind(f"udp://{interface};[{GROUP6}]:*")
    dish.join("TV")
    where = endpoint(dish)
    assert where.startswith(f"udp://{interface};[{GROUP6}")
    radio_to(make, where, IPV6=1).send(b"six", group="TV")
    assert told(dish) == ("TV", b"six")
    radio_to(make, f"udp://{interface};[{GROUP6}]:{port_of(where)}", IPV6=1).send(b"six", group="TV")
    assert told(dish) == ("TV", b"six")


@pytest.mark.parametrize("loop", [0, 1])
def test_DRAFT_12_MULTICAST_LOOP_is_what_the_system_is_told(zmq, make, loop):
    """The loopback interface, the only one that is always there, brings back what it is given whatever is said."""
    radio = make("RADIO", MULTICAST_LOOP=loop)
    events = Events(zmq, radio)
    radio.connect(f"udp://127.0.0.1;{GROUP4}:5555")
    name, descriptor, _ = events.next()
    assert name == "CONNECTED"
    with plain.fromfd(descriptor, plain.AF_INET, plain.SOCK_DGRAM) as same:
        assert same.getsockopt(plain.IPPROTO_IP, plain.IP_MULTICAST_LOOP) == loop


@pytest.mark.skipif(not hasattr(plain.socket, "recvmsg"), reason="no recvmsg() on this system")
@pytest.mark.parametrize("hops", [1, 7, 255, 100000])
def test_DRAFT_12_MULTICAST_HOPS_is_in_the_packets(make, hops):
    with plain.socket(plain.AF_INET, plain.SOCK_DGRAM) as peer:
        peer.bind((GROUP4, 0))
        peer.settimeout(15)
        member = struct.pack("4s4s", plain.inet_aton(GROUP4), plain.inet_aton("127.0.0.1"))
        peer.setsockopt(plain.IPPROTO_IP, plain.IP_ADD_MEMBERSHIP, member)
        peer.setsockopt(plain.IPPROTO_IP, getattr(plain, "IP_RECVTTL", 12), 1)
        radio = radio_to(make, f"udp://127.0.0.1;{GROUP4}:{peer.getsockname()[1]}", MULTICAST_HOPS=hops)
        radio.send(b"far", group="TV")
        data, ancillary, _, _ = peer.recvmsg(100, 100)
        assert data == b"\2TVfar"
        assert struct.unpack("i", ancillary[0][2])[0] == min(hops, 255)


@pytest.mark.skipif(WINE, reason="Wine's sockets hear the groups that others of the host have joined")
def test_DRAFT_12_a_dish_hears_only_the_multicast_groups_it_is_bound_to(make):
    """Not those that another socket of this host has joined at the same port."""
    one, two = make("DISH"), make("DISH")
    one.bind(f"udp://127.0.0.1;{GROUP4}:*")
    port = port_of(endpoint(one))
    two.bind(f"udp://127.0.0.1;239.1.2.4:{port}")
    for each in (one, two):
        each.join("TV")
    radio_to(make, f"udp://127.0.0.1;239.1.2.4:{port}").send(b"two", group="TV")
    radio_to(make, f"udp://127.0.0.1;{GROUP4}:{port}").send(b"one", group="TV")
    assert (told(one), told(two)) == (("TV", b"one"), ("TV", b"two"))


def test_DRAFT_12_a_full_dish_reads_on_when_there_is_room(zmq, make):
    dish = make("DISH", RCVHWM=10)
    dish.bind("udp://127.0.0.1:*")
    dish.join("TV")
    radio = radio_to(make, endpoint(dish))
    for number in range(100):
        radio.send(b"%d" % number, group="TV")
    assert [dish.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


def test_DRAFT_12_MAXMSGSIZE_drops_datagrams_and_keeps_the_endpoint(make, peer):
    dish = make("DISH", MAXMSGSIZE=10, MAX_MESSAGE_FRAMES=1)
    dish.bind("udp://127.0.0.1:*")
    dish.join("TV")
    for datagram in (b"\2TV" + b"x" * 8, b"\2TV" + b"y" * 60000, b"\2TV" + b"z" * 7):
        peer.sendto(datagram, address_of(dish))
    assert dish.recv() == b"zzzzzzz"


# ---- what comes to nothing is counted

def test_DRAFT_19_datagrams_that_are_no_messages(make, peer):
    dish = make("DISH", MAXMSGSIZE=10)
    dish.bind("udp://127.0.0.1:*")
    dish.join("TV")
    malformed = [b"", b"\1", b"\3TV", b"\x80" + b"y" * 9]
    oversized = [b"\2TV" + b"x" * 8, b"\2TV" + b"y" * 60000]
    elsewhere = [b"\0none", b"\2tvshort"]
    for datagram in [*malformed, *oversized, *elsewhere, b"\2TVgood"]:
        peer.sendto(datagram, address_of(dish))
    assert told(dish) == ("TV", b"good")
    found = dish.statistics()
    dropped = found.dropped
    assert (dropped.malformed, dropped.oversized, dropped.filtered, dropped.total) == (4, 2, 2, 8)
    assert (found.messages_in, found.queued_in) == (3, 0)
    assert found.peers[0].dropped == dropped
    dish.unbind(endpoint(dish))
    assert dish.statistics().dropped == dropped     # also when the endpoint is gone


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them")
def test_DRAFT_19_datagrams_that_find_no_room_in_the_system(make, peer):
    """A DISH that is full leaves them where they are, and there they are lost in the end."""
    dish = make("DISH", RCVHWM=5, RCVBUF=4096)
    dish.bind("udp://127.0.0.1:*")
    dish.join("TV")
    sent = 500
    for number in range(sent):
        peer.sendto(b"\2TV%03d" % number, address_of(dish))
    overrun = dish.statistics().dropped.overrun
    assert overrun > 0
    assert dish.statistics().dropped.total == overrun
    got = [dish.recv() for _ in range(sent - overrun)]
    assert got == sorted(set(got)) and got[0] == b"000"
    assert not dish.poll(0)
    dish.unbind(endpoint(dish))
    assert dish.statistics().dropped.overrun == overrun


@pytest.mark.skipif(WINE, reason="Wine's sockets send to everybody unasked")
def test_DRAFT_19_datagrams_that_the_system_refuses_to_send(make, dish):
    radio = radio_to(make, "udp://255.255.255.255:5555")    # EACCES: nobody has asked for SO_BROADCAST
    for _ in range(3):
        radio.send(b"to everybody", group="TV")
    until(lambda: radio.statistics().queued_out == 0)
    found = radio.statistics()
    assert (found.messages_out, found.messages_left, found.dropped.refused, found.dropped.total) == (3, 0, 3, 3)
    radio.connect(endpoint(dish))
    radio.send(b"heard", group="TV")
    assert told(dish) == ("TV", b"heard")
    socket = make("DGRAM")
    socket.bind("udp://127.0.0.1:*")
    here = endpoint(socket)[6:].encode()
    for address in (b"[::1]:5555", here, b"[::1]:5555", here):
        socket.send_multipart([address, address])
    assert [socket.recv_multipart() for _ in range(2)] == [[here, here]] * 2
    found = socket.statistics()
    assert (found.messages_out, found.messages_left, found.dropped.refused) == (4, 2, 2)


# ---- addresses

def test_END_2_and_END_3_who_binds_and_who_connects(zmq, make):
    for address in ("udp://127.0.0.1:5556", "udp://[::1]:5556"):
        refused(zmq, zmq.ENOCOMPATPROTO, make("RADIO", IPV6=1).bind, address)
        refused(zmq, zmq.ENOCOMPATPROTO, make("DISH", IPV6=1).connect, address)
        refused(zmq, zmq.ENOCOMPATPROTO, make("DGRAM", IPV6=1).connect, address)
        for kind in ("PUB", "SUB", "PUSH", "PAIR", "ROUTER"):
            refused(zmq, zmq.ENOCOMPATPROTO, make(kind).bind, address)
            refused(zmq, zmq.ENOCOMPATPROTO, make(kind).connect, address)
    for address in ("tcp://127.0.0.1:*", "inproc://dgram"):
        refused(zmq, zmq.ENOCOMPATPROTO, make("DGRAM").bind, address)


@pytest.mark.parametrize(
    "address, code",
    [
        ("127.0.0.1", "EINVAL"), ("127.0.0.1:", "EINVAL"), ("127.0.0.1:0", "EINVAL"), ("127.0.0.1:*", "EINVAL"),
        ("127.0.0.1:65536", "EINVAL"), ("127.0.0.1:5x", "EINVAL"), ("*:5555", "EINVAL"), (":5555", "EINVAL"),
        ("127.0.0.1;127.0.0.1:5555", "EINVAL"), ("lo;127.0.0.1:5555", "EINVAL"), (f"{GROUP4};{GROUP4}:5555", "EINVAL"),
        (f";{GROUP4}:5555", "EINVAL"), (f"nosuchinterface;{GROUP4}:5555", "ENODEV"), (f"::1;[{GROUP6}]:5555", "ENODEV"),
        (f"127.0.0.1;[{GROUP6}]:5555", "ENODEV"),
    ],
)  # fmt: skip
def test_END_12_wrong_addresses(zmq, make, address, code):
    refused(zmq, getattr(errno, code), make("RADIO", IPV6=1).connect, f"udp://{address}")
    if address not in ("127.0.0.1:0", "127.0.0.1:*", "*:5555"):
        dish = make("DISH", IPV6=1)
        with pytest.raises(zmq.ZMQError) as caught:
            dish.bind(f"udp://{address}")
        assert caught.value.errno in (getattr(errno, code), errno.ENODEV)


@pytest.mark.parametrize("first, last", [("223.255.255.255", "224.0.0.0"), ("240.0.0.0", "239.255.255.255"), ("[feff::1]", "[ff00::1]")])
def test_END_11_what_is_a_multicast_address(zmq, make, first, last):
    """An interface is for these only."""
    refused(zmq, zmq.EINVAL, make("RADIO", IPV6=1).connect, f"udp://{LOOPBACK};{first}:5555")
    make("RADIO", IPV6=1).connect(f"udp://{LOOPBACK};{last}:5555")


@pytest.mark.skipif(WINE, reason="Wine binds addresses of other hosts")
def test_END_12_bind_tells_what_is_wrong_at_once(zmq, make, dish):
    refused(zmq, zmq.EADDRINUSE, make("DISH").bind, endpoint(dish))
    refused(zmq, zmq.EADDRINUSE, make("DGRAM").bind, endpoint(dish))
    refused(zmq, zmq.EADDRNOTAVAIL, make("DISH").bind, "udp://192.0.2.1:5555")
    refused(zmq, errno.ENODEV, make("DISH").bind, "udp://[::1]:5555")
    where = endpoint(dish)
    dish.unbind(where)
    make("DISH").bind(where)


def test_END_12_unbind_and_disconnect(zmq, make, dish, peer):
    peer.sendto(b"\2TVbefore", address_of(dish))
    until(lambda: dish.poll(0))
    refused(zmq, errno.ENOENT, dish.unbind, "udp://127.0.0.1:*")
    where = endpoint(dish)
    radio = radio_to(make, where)
    radio.disconnect(where)
    refused(zmq, errno.ENOENT, radio.disconnect, where)
    dish.unbind(where)
    refused(zmq, errno.ENOENT, dish.unbind, where)
    assert dish.recv() == b"before"     # what had come can be received
    dish.bind("udp://127.0.0.1:*")
    peer.sendto(b"\2TVagain", address_of(dish))
    assert dish.recv() == b"again"


def test_END_12_names_are_looked_up(make, dish):
    radio = radio_to(make, f"udp://localhost:{port_of(endpoint(dish))}")

    def heard():
        radio.send(b"by name", group="TV")
        return dish.poll(10)

    until(heard)
    assert told(dish) == ("TV", b"by name")


@pytest.mark.skipif(WINE, reason="Wine binds addresses of other hosts")
def test_DRAFT_12_monitor_events(zmq, make):
    dish, radio = make("DISH"), make("RADIO")
    events = Events(zmq, dish)
    refused(zmq, zmq.EADDRNOTAVAIL, dish.bind, "udp://192.0.2.1:5555")
    dish.bind("udp://127.0.0.1:*")
    where = endpoint(dish)
    assert events.next()[0] == "BIND_FAILED"
    assert events.next()[::2] == ("LISTENING", where)
    told_by_radio = Events(zmq, radio)
    radio.connect(where)
    assert told_by_radio.next()[::2] == ("CONNECTED", where)
    dish.unbind(where)
    assert events.next()[::2] == ("CLOSED", where)


def test_DRAFT_12_nothing_secret_goes_over_udp(zmq, make):
    """There is no mechanism for datagrams, so a socket that was given one is refused."""
    for kind, call in (("RADIO", "connect"), ("DISH", "bind"), ("DGRAM", "bind")):
        refused(zmq, zmq.ENOCOMPATPROTO, getattr(make(kind, PLAIN_SERVER=1), call), "udp://127.0.0.1:5555")


def test_DRAFT_12_nobody_is_asked_about_datagrams(zmq, context, make, peer):
    """There is no handshake that could wait for an answer; libzmq asks nobody either."""
    with context.socket(zmq.ROUTER) as handler:
        handler.bind("inproc://zeromq.zap.01")
        dish = make("DISH", ZAP_DOMAIN=b"global", ZAP_ENFORCE_DOMAIN=1)
        dish.bind("udp://127.0.0.1:*")
        dish.join("TV")
        peer.sendto(b"\2TVunasked", address_of(dish))
        assert dish.recv() == b"unasked"
        assert not handler.poll(0)


def test_DRAFT_12_has(zmq):
    assert not zmq.has("udp")       # libzmq's zmq_has() does not know the word either


# ---- DGRAM

def test_DRAFT_15_and_END_46_there_and_back(make, peer):
    socket = make("DGRAM")
    socket.bind("udp://127.0.0.1:*")
    peer.sendto(b"question", address_of(socket))
    address, body = socket.recv_multipart()
    assert (address, body) == (b"127.0.0.1:%d" % peer.getsockname()[1], b"question")
    for form in (address, address + b"\0"):     # libzmq's have a byte of 0 at the end
        socket.send_multipart([form, b"answer"])
        assert peer.recvfrom(100) == (b"answer", address_of(socket))
    for body in (b"", b"x" * LARGEST):
        socket.send_multipart([address, body])
        assert peer.recv(LARGEST + 1) == body
        peer.sendto(body, address_of(socket))
        assert socket.recv_multipart() == [address, body]


def test_DRAFT_15_between_two(make):
    one, two = make("DGRAM"), make("DGRAM")
    for socket in (one, two):
        socket.bind("udp://127.0.0.1:*")
    to_two = endpoint(two)[6:].encode()
    for number in range(200):
        one.send_multipart([to_two, b"%d" % number])
    for number in range(200):
        address, body = two.recv_multipart()
        assert (address, body) == (endpoint(one)[6:].encode(), b"%d" % number)


def test_DRAFT_15_a_send_in_the_middle_of_what_is_read(make, peer):
    """What has been read and not handed on keeps the address it came from."""
    socket = make("DGRAM")
    socket.bind("udp://127.0.0.1:*")
    here = ("127.0.0.1", port_of(endpoint(socket)))
    at = b"127.0.0.1:%d" % peer.getsockname()[1]
    for _ in range(20):
        for number in range(2):
            peer.sendto(b"%d" % number + b"\xff" * 60000, here)
        for number in range(2):
            assert socket.recv_multipart() == [at, b"%d" % number + b"\xff" * 60000]
            socket.send_multipart([b"127.0.0.1:9", b"an address of another length"])


def test_DRAFT_15_ipv6_and_ipv4_by_one_socket(make, peer):
    socket = make("DGRAM", IPV6=1)
    socket.bind("udp://*:*")
    port = port_of(endpoint(socket))
    peer.sendto(b"four", ("127.0.0.1", port))
    address, body = socket.recv_multipart()
    assert (address, body) == (b"127.0.0.1:%d" % peer.getsockname()[1], b"four")
    socket.send_multipart([address, b"back"])
    assert peer.recv(100) == b"back"
    with plain.socket(plain.AF_INET6, plain.SOCK_DGRAM) as six:
        six.bind(("::1", 0))
        six.settimeout(15)
        six.sendto(b"six", ("::1", port))
        address, body = socket.recv_multipart()
        assert (address, body) == (b"[::1]:%d" % six.getsockname()[1], b"six")
        socket.send_multipart([address, b"back"])
        assert six.recv(100) == b"back"


def test_DRAFT_15_what_is_refused(zmq, make, peer):
    socket = make("DGRAM")
    socket.bind("udp://127.0.0.1:*")
    good = b"127.0.0.1:%d" % peer.getsockname()[1]
    for address in (b"", b"127.0.0.1", b"127.0.0.1:0", b"localhost:5555", b"127.0.0.1:70000", b"x" * 300, b"1.2.3.4:5:6"):
        refused(zmq, zmq.EINVAL, socket.send_multipart, [address, b"body"])
    refused(zmq, zmq.EINVAL, socket.send, b"alone")
    refused(zmq, zmq.EINVAL, socket.send_multipart, [good, b"a", b"b"])
    refused(zmq, zmq.EMSGSIZE, socket.send_multipart, [good, b"x" * (LARGEST + 1)])
    refused(zmq, zmq.EINVAL, socket.bind, "udp://127.0.0.1:*")
    socket.send(good, zmq.SNDMORE)
    socket.send(b"good")
    assert peer.recv(100) == b"good"
    unbound = make("DGRAM")
    refused(zmq, zmq.EAGAIN, unbound.send_multipart, [good, b"x"], zmq.DONTWAIT)
