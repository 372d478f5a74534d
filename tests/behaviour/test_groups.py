"""pgm and epgm: publishers and subscribers of a multicast group, over the loopback. tests/unit/test_pgm.py has the protocol, tests/network libzmq."""

import os
import random
import socket as system_socket
import struct
import subprocess
import sys
import threading

import pytest
from awaiting import Events
from transports import unused_port

from zmqcore import _probe

pytestmark = pytest.mark.better  # pyzmq's wheels are built without OpenPGM

GROUP = "239.192.77.1"
ROOT_ONLY = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="pgm:// needs raw sockets")
SCHEMES = ["epgm", pytest.param("pgm", marks=ROOT_ONLY)]
SPM, ODATA, RDATA, NAK, NCF, SPMR = 0, 4, 5, 8, 10, 12


@pytest.fixture
def endpoint():
    """Of a group and port that nobody else uses."""
    return lambda scheme="epgm", port=None: f"{scheme}://127.0.0.1;{GROUP}:{port or unused_port()}"


@pytest.fixture
def joined(make):
    """Publisher and subscriber of an endpoint, fast enough for tests."""

    def joined(address, publisher="PUB", subscriber="SUB", **options):
        reader = make(subscriber, RATE=100_000, RCVTIMEO=10_000, **options)
        reader.connect(address)
        if subscriber == "SUB":
            reader.subscribe(b"")
        else:
            reader.send(b"\x01")
        sender = make(publisher, RATE=100_000, SNDHWM=0, **options)
        sender.bind(address)
        return sender, reader

    return joined


class Member:
    """A plain socket in the group: it hears what everybody does, and says what the test wants."""

    def __init__(self, address):
        self.port = int(address.rpartition(":")[2])
        self.socket = system_socket.socket(system_socket.AF_INET, system_socket.SOCK_DGRAM)
        self.socket.setsockopt(system_socket.SOL_SOCKET, system_socket.SO_REUSEADDR, 1)
        self.socket.settimeout(10)
        self.socket.bind((GROUP if sys.platform == "linux" else "", self.port))
        request = system_socket.inet_aton(GROUP) + system_socket.inet_aton("127.0.0.1")
        self.socket.setsockopt(system_socket.IPPROTO_IP, system_socket.IP_ADD_MEMBERSHIP, request)
        self.socket.setsockopt(system_socket.IPPROTO_IP, system_socket.IP_MULTICAST_IF, request[4:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def packet(self, *kinds, gsi=None):
        """The next packet of these kinds, taken apart."""
        while True:
            octets = self.socket.recv(65536)
            packet = _probe.pgm_get(octets)
            if packet["type"] in kinds and gsi in (None, packet["gsi"]):
                return packet

    def to_group(self, octets):
        self.socket.sendto(octets, (GROUP, self.port))

    def to_host(self, octets):
        self.socket.sendto(octets, ("127.0.0.1", self.port))

    def nak(self, data):
        """Of a receiver that lacks this packet."""
        head = struct.pack("!HHBBH6sH", self.port, data["sport"], NAK, 0, 0, data["gsi"], 0)
        nla = b"\0\1\0\0" + system_socket.inet_aton("127.0.0.1") + b"\0\1\0\0" + system_socket.inet_aton(GROUP)
        return _probe.pgm_seal(head + struct.pack("!I", data["sqn"]) + nla)

    def data(self, sqn, payload, trail=0, gsi=b"abcdef"):
        """Of a source that the test plays."""
        head = struct.pack("!HHBBH6sH", 4660, self.port, ODATA, 0, 0, gsi, len(payload))
        return _probe.pgm_seal(head + struct.pack("!II", sqn, trail) + payload)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("types", [("PUB", "SUB"), ("XPUB", "XSUB")])
def test_GRP_1_messages_arrive_whole_and_in_order(endpoint, joined, scheme, types):
    sender, reader = joined(endpoint(scheme), *types)
    sent = [[b"%d" % n, b"x" * (n * n % 7000), b""][: 1 + n % 3] for n in range(300)] + [[b"large", bytes(500_000)], [b""]]
    for message in sent:
        sender.send_multipart(message)
    assert [reader.recv_multipart() for _ in sent] == sent


def test_GRP_2_every_member_hears_all_and_filters_by_itself(endpoint, make, joined):
    address = endpoint()
    sender, reader = joined(address)
    others = [make("SUB", RCVTIMEO=10_000) for _ in range(3)]
    for n, other in enumerate(others):
        other.subscribe(b"%d" % n)
        other.bind(address)
    for n in range(30):
        sender.send(b"%d" % (n % 3))
    assert [reader.recv() for _ in range(30)] == [b"0", b"1", b"2"] * 10
    for n, other in enumerate(others):
        assert [other.recv() for _ in range(10)] == [b"%d" % n] * 10


def test_GRP_3_several_publishers_share_a_port(endpoint, make, joined):
    """Each finds the NAKs that are meant for it, though the system hands them to one of the sockets only."""
    address = endpoint()
    with Member(address) as member:
        sender, reader = joined(address)
        senders = [sender, *(make("PUB", RATE=100_000) for _ in range(2))]
        for other in senders[1:]:
            other.connect(address)
        data = []
        for n, one in enumerate(senders):
            one.send(b"%d" % n)
            data.append(member.packet(ODATA))
        assert sorted(reader.recv() for _ in senders) == [b"0", b"1", b"2"]
        assert len({packet["gsi"] for packet in data}) == 3
        for packet in data:
            member.to_host(member.nak(packet))
            assert member.packet(NCF, gsi=packet["gsi"])["sqn"] == packet["sqn"]
            assert member.packet(RDATA, gsi=packet["gsi"])["payload"] == packet["payload"]


def test_GRP_4_what_is_lost_for_good_is_reported_and_counted(zmq, context, endpoint, make):
    address = endpoint()
    reader = make("SUB", RCVTIMEO=10_000)
    reader.subscribe(b"")
    monitor = reader.get_monitor_socket(zmq.EVENT_ALL_V2 | zmq.EVENT_PACKETS_LOST, version=2)
    events = Events(zmq, reader, monitor=monitor)
    reader.connect(address)
    with Member(address) as member:
        member.to_group(member.data(0, b"\0\0\2\0a" + b"\2\1b"))  # the second message goes on in a packet that never comes
        member.to_group(member.data(4, b"\0\0\2\0d", trail=3))
        assert reader.recv_multipart() == [b"a"]
        assert events.wait("PACKETS_LOST")[1] == reader.statistics().packets_lost == 2  # 1 and 2
        assert reader.poll(0) == 0  # 3 can still be had
        member.to_group(member.data(3, b"\0\0\2\0c", trail=3))
        assert [reader.recv(), reader.recv()] == [b"c", b"d"]


def test_GRP_5_other_types_and_secrets_do_not_go_together_with_a_group(zmq, endpoint, make):
    for name in ("PUSH", "PULL", "REQ", "DEALER", "ROUTER", "PAIR", "STREAM", "RADIO", "DISH"):
        made = make(name)
        for call in (made.bind, made.connect):
            with pytest.raises(zmq.ZMQError, match=r"is for PUB, XPUB, SUB and XSUB") as caught:
                call(endpoint())
            assert caught.value.errno == zmq.ENOCOMPATPROTO
    with pytest.raises(zmq.ZMQError, match="without a security mechanism"):
        make("PUB", PLAIN_USERNAME=b"me").bind(endpoint())


@pytest.mark.parametrize("scheme", ["pgm", "epgm"])
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("127.0.0.1;239.192.77.1", "EINVAL"), ("127.0.0.1;239.192.77.1:0", "EINVAL"), ("127.0.0.1;239.192.77.1:x", "EINVAL"),
        ("127.0.0.1;10.0.0.1:5555", "EINVAL"), ("127.0.0.1;239.192.77.1;10.0.0.1:5555", "EINVAL"), ("239.192.77.1:5555", "ENODEV"),
        ("127.0.0.1;239.192.77.1,:5555", "EINVAL"), ("127.0.0.1;[ff02::1]:5555", "EINVAL"), ("a;239.0.0.1;239.0.0.1;b:5555", "EINVAL"),
        ("no-such-device;239.192.77.1:5555", "ENODEV"), ("10.9.8.7;239.192.77.1:5555", "ENODEV"), ("127.0.0.1/33;239.192.77.1:1", "EINVAL"),
        ("127.0.0.1;" + ",".join(["239.192.77.1"] * 9) + ":5555", "EINVAL"), (";" + "1" * 300 + ":5555", "EINVAL"),
    ],
)  # fmt: skip
def test_END_47_wrong_addresses(zmq, make, scheme, text, number):
    made = make("SUB")
    for call in (made.bind, made.connect):
        with pytest.raises(zmq.ZMQError) as caught:
            call(f"{scheme}://{text}")
        assert caught.value.errno == (getattr(zmq, number, None) or getattr(__import__("errno"), number))


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "127.0.0.1;", "127.0.0.0/8;239.192.77.1", "127.0.0.1;239.192.77.1;239.192.77.2", ";239.192.77.1,239.192.77.2", ""]
)
def test_END_47_right_addresses(make, text):
    made = make("PUB")
    address = f"epgm://{text}:{unused_port()}"
    made.bind(address)
    assert made.last_endpoint == address.encode()
    made.unbind(address)


@ROOT_ONLY
def test_GRP_6_raw_sockets_need_a_right(endpoint):
    program = f"""
import os, zmqcore as zmq
os.setuid(65534)
try:
    zmq.Context().socket(zmq.PUB).bind({endpoint("pgm")!r})
except zmq.ZMQError as error:
    print(error.errno == 1, error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.startswith("True") and "epgm:// needs none" in run.stdout


def test_GRP_7_packets_and_how_far_they_go(endpoint, make):
    address = endpoint()
    with Member(address) as member:
        member.socket.setsockopt(system_socket.IPPROTO_IP, {"linux": 12, "darwin": 24}[sys.platform], 1)  # IP_RECVTTL
        sender = make("PUB", MULTICAST_MAXTPDU=300, MULTICAST_HOPS=7, RATE=100_000)
        sender.bind(address)
        sender.send(bytes(5000))
        sizes, hops = [], set()
        while sum(sizes) < 5000:
            octets, ancillary, _, _ = member.socket.recvmsg(65536, 100)
            if octets[4] == ODATA:
                sizes.append(len(octets) - 24)
                hops |= {struct.unpack("i", value)[0] for _, _, value in ancillary}
        assert max(sizes) == 300 - 28 - 44 and hops == {7}


def test_GRP_8_a_group_is_left(endpoint, joined):
    address = endpoint()
    with Member(address) as member:
        sender, reader = joined(address)
        sender.send(b"1")
        assert reader.recv() == b"1"
        member.packet(ODATA)
        reader.disconnect(address)
        sender.send(b"2")
        member.packet(ODATA)
        reader.connect(address)
        sender.send(b"3")
        assert reader.recv() == b"3"


def test_GRP_9_the_last_packets_survive_the_close(zmq, endpoint, make):
    """Whoever finds out only now that it lacks the last packet still gets it."""
    address = endpoint()
    own = zmq.Context()
    with Member(address) as member:
        sender = own.socket(zmq.PUB)
        sender.bind(address)
        sender.send(b"last")
        data = member.packet(ODATA)
        sender.close()
        member.to_host(member.nak(data))
        assert member.packet(RDATA)["payload"] == data["payload"]
        closing = threading.Thread(target=own.term)
        closing.start()
        while not member.packet(SPM)["fin"]:
            pass
        closing.join()


def test_GRP_10_hostile_datagrams_cost_nothing_else(endpoint, joined):
    address = endpoint()
    chance = random.Random(7)
    sender, reader = joined(address)
    with Member(address) as member:
        sender.send(b"before")
        data = member.packet(ODATA)
        seeds = [member.nak(data), member.data(0, b"\0\0\6\0false"), member.data(2**31, b"\xff\xffx"), b"", b"\0" * 16]
        for n in range(3000):
            octets = bytearray(chance.choice(seeds))
            for _ in range(chance.randint(0, 3) if octets else 0):
                octets[chance.randrange(len(octets))] = chance.getrandbits(8)
            octets = bytes(octets[: chance.randint(0, len(octets))]) if n % 3 == 0 else bytes(octets)
            if n % 2 and len(octets) >= 16:
                octets = _probe.pgm_seal(octets)
            (member.to_group if n % 4 < 2 else member.to_host)(octets)
        # Spoofed data of the real source, from here: the address is right, so only the number tells that it is not new.
        member.to_group(data_again(member, data))
    sender.send(b"after")
    got = []
    while got[-1:] != [b"after"]:
        got.append(reader.recv_multipart()[-1])
    assert got.count(b"before") == 1


def data_again(member, data):
    head = struct.pack("!HHBBH6sH", data["sport"], member.port, ODATA, 0, 0, data["gsi"], len(data["payload"]))
    return _probe.pgm_seal(head + struct.pack("!II", data["sqn"], data["trail"]) + data["payload"])


def test_GRP_11_a_storm_of_naks_does_not_hold_up_the_data(endpoint, joined):
    address = endpoint()
    sender, reader = joined(address)
    with Member(address) as member:
        sender.send(b"first")
        storm = member.nak(member.packet(ODATA))
        for n in range(50):
            for _ in range(100):
                member.to_host(storm)
            sender.send(b"%d" % n)
        assert [reader.recv() for _ in range(51)] == [b"first", *(b"%d" % n for n in range(50))]


def test_GRP_12_a_publisher_that_waits_for_its_rate(endpoint, make):
    """RATE is what holds it up: with XPUB_NODROP it waits, as asked by poll or by send."""
    address = endpoint()
    reader = make("SUB", RATE=4000, RCVTIMEO=10_000)
    reader.subscribe(b"")
    reader.connect(address)
    sender = make("XPUB", RATE=4000, SNDHWM=5, XPUB_NODROP=1, SNDTIMEO=10_000)
    sender.bind(address)
    for n in range(300):
        if n % 2:
            assert sender.poll(10_000, 2)  # POLLOUT
        sender.send(b"%03d" % n + bytes(900))
    assert [int(reader.recv()[:3]) for _ in range(300)] == list(range(300))


def test_GRP_13_beyond_its_rate_a_publisher_drops(endpoint, make):
    slow = make("PUB", RATE=8, SNDHWM=10)
    slow.bind(endpoint())
    for _ in range(1000):
        slow.send(bytes(1000))
    dropped = slow.statistics().dropped.full
    assert 0 < dropped < 1000
