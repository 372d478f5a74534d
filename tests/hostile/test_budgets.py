"""What strangers can make a listener hold, and what it costs the others: the table in docs/limits.md, attacked.

Memory is what malloc has given out (glibc counts it), so a few hundred bytes for each connection show. An honest peer is served in every test while
the attack stands. Where the limit is an option there is one test with it and the offender's end is seen by a monitor."""

import errno
import resource
import socket
import sys

import attacks
import pytest
import rawpeer
from attacks import IGNORED, READY_OF_250_KIB, allocated, cancel, descriptors, header, subscribe
from awaiting import Events, endpoint, until
from rawpeer import COMMAND, MORE, command, frame, greeting, message, ready

pytestmark = [
    pytest.mark.better,  # the limits are zmqcore's own
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc"),
    pytest.mark.timeout(120),
]
CROWD = 100  # above RX_KEEP_CHUNKS
SHAKEN = greeting() + ready("PUSH")


@pytest.fixture
def listener(zmq, context):
    """listener("PULL", MAX_PEERS=3) -> a bound socket."""

    def bound(kind, **options):
        made = context.socket(getattr(zmq, kind))
        made.linger = 0
        made.rcvtimeo = made.sndtimeo = 5000
        for name, value in {"BACKLOG": 4096, **options}.items():
            made.setsockopt(getattr(zmq, name), value)
        made.bind("tcp://127.0.0.1:*")
        return made

    return bound


@pytest.fixture
def stranger(raws):
    """stranger(socket, octets) -> a raw connection that has sent them."""

    def come(bound, octets=b""):
        raw = rawpeer.connect(endpoint(bound))
        raws(raw)
        raw.send(octets)
        return raw

    return come


@pytest.fixture
def honest(stranger):
    """honest(pull) -> a function that sends a message and sees it received."""

    def peer(pull):
        raw = stranger(pull, SHAKEN)
        count = iter(range(1 << 30))

        def served():
            body = b"honest %d" % next(count)
            raw.send(message(body))
            while pull.recv() != body:
                pass

        served()
        return served

    return peer


def held(bound, stranger, served, octets, count=CROWD):
    """Bytes that each of `count` strangers makes the socket hold with these octets."""
    fds = descriptors()
    before = allocated()
    for _ in range(count):
        stranger(bound, octets)
    until(lambda: descriptors() >= fds + 2 * count)  # accepted: both ends are in this process
    # The strangers' octets were sent before these messages, so they have been read when some have been received.
    for _ in range(5):
        served()
    return (allocated() - before) / count


# state, what each of many connections sends, bytes it may make us hold
COSTS = {
    "silent": (b"", 2304),
    "part of a greeting": (greeting()[:37], 2304),
    "READY announced": (greeting() + header(262000, COMMAND) + b"\5READY", 2304),
    "READY of 250 KiB": (greeting() + READY_OF_250_KIB, len(READY_OF_250_KIB) + 5120),
    "READY, half of it": (greeting() + READY_OF_250_KIB[:131072], 2 * 131072 + 4096),
    "ready": (SHAKEN, 3072),
    "part of a frame": (SHAKEN + b"\0\x20abc", 16384),
    "part of a frame behind others": (SHAKEN + IGNORED * 40 + b"\0\x20abc", 16384),
    "large frame announced": (SHAKEN + header(1 << 40), 16384),
    "large command announced": (SHAKEN + header(1 << 40, COMMAND), 16384),
    "half of a frame": (SHAKEN + header(1 << 18) + bytes(1 << 17), 3 * (1 << 17)),
    "unfinished message": (SHAKEN + frame(b"", MORE) * 5000, 72 * 5000),
    "PINGs, no PONG read": (SHAKEN + command(b"PING", bytes(18)) * 1000, 16384),
}


@pytest.mark.parametrize("state", COSTS)
def test_a_connection_costs_little_more_than_it_sends(listener, stranger, honest, state):
    octets, most = COSTS[state]
    pull = listener("PULL")
    served = honest(pull)
    stranger(pull, octets)  # what the first one costs is not the cost of one more
    served()
    # A table that doubles and a chunk for a pool are paid once, by whichever crowd comes first; what a connection costs is paid by all of them.
    crowds = []
    while len(crowds) < 3 and not any(cost <= most for cost in crowds):
        crowds.append(held(pull, stranger, served, octets))
    assert min(crowds) <= most, f"{min(crowds):.0f} bytes for {len(octets)} octets"


def test_an_announcement_is_trusted_as_far_as_the_same_peer_has_kept_its_word(listener, stranger, honest):
    """A frame of 256 KiB has come from each of them; then the next one of 1 GiB may have a block of that size at once, not a larger one."""
    pull = listener("PULL")
    served = honest(pull)
    octets = SHAKEN + frame(bytes(1 << 18)) + header(1 << 30)
    before = allocated()
    for _ in range(20):
        stranger(pull, octets)
        while len(pull.recv()) != 1 << 18:
            pass
    served()
    assert (allocated() - before) / 20 < 1.25 * (1 << 18)


def test_topics_cost_little_more_than_their_octets(zmq, listener, stranger):
    """5,000 topics from each of 20 peers; another subscriber gets its messages meanwhile."""
    pub = listener("XPUB")
    good = stranger(pub, greeting() + ready("SUB") + subscribe(b"good"))
    good.read(64)
    good.read_frame()
    assert pub.recv() == b"\1good"
    before = allocated()
    sent = 0
    for number in range(20):
        octets = b"".join(subscribe(b"%d.%d" % (number, n)) for n in range(5000))
        stranger(pub, greeting() + ready("SUB") + octets)
        sent += len(octets)
        for _ in range(5000):
            pub.recv()
        pub.send(b"good %d" % number)
        assert good.read_message() == [b"good %d" % number]
    assert allocated() - before < 4 * sent


def test_who_reads_slowly_but_never_all_does_not_make_the_output_grow(zmq, listener, stranger):
    """PINGs without end; enough PONGs are read to make room, never so many that our buffer is empty."""
    pull = listener("PULL", SNDBUF=4096)
    raw = stranger(pull)
    raw.shake("PUSH")
    pings = command(b"PING", b"\0\0" + bytes(16)) * 2000

    def flood(octets):
        for _ in range(octets // len(pings)):
            raw.send(pings)

    raw.socket.setblocking(True)
    flood(8 << 20)  # by now nothing more goes into the kernel, and further PONGs are dropped
    before = allocated()
    for _ in range(40):
        raw.read(200_000)
        flood(1 << 20)
    raw.send(message(b"still there"))
    assert pull.recv() == b"still there"
    assert allocated() - before < 2 << 20


def test_a_publisher_that_reads_no_subscriptions_is_cut_and_gets_them_afresh(zmq, context):
    """Of 100 MiB of subscriptions and cancellations no more than 64 MiB wait for it; what counts comes with the next connection."""
    sub = context.socket(zmq.SUB)
    sub.linger = 0
    sub.reconnect_ivl = 10
    events = Events(zmq, sub)
    deaf = rawpeer.Listener()
    sub.connect(deaf.endpoint)
    raw = deaf.accept()
    raw.shake("PUB")
    sub.subscribe(b"kept")
    events.wait("HANDSHAKE_SUCCEEDED")
    before = allocated()
    topic = bytes(1 << 20)
    for number in range(50):
        sub.subscribe(topic + bytes([number]))
        sub.unsubscribe(topic + bytes([number]))
    events.wait("DISCONNECTED")
    again = deaf.accept()
    again.send(greeting() + ready("PUB"))
    again.read(64)
    again.read_frame()
    assert again.read_frame() == (COMMAND, b"\x09SUBSCRIBEkept")
    assert allocated() - before < 8 << 20
    raw.close()
    again.close()
    deaf.close()


# ---- the options


def test_max_pending_handshakes_ends_the_oldest(zmq, listener, stranger, honest):
    pull = listener("PULL", MAX_PENDING_HANDSHAKES=5)
    served = honest(pull)
    events = Events(zmq, pull, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    silent = [stranger(pull, b"\xff" if number % 2 else b"") for number in range(20)]
    for _ in range(15):
        name, value, _ = events.next()
        assert (name, value) == ("HANDSHAKE_FAILED_NO_DETAIL", zmq.ENOBUFS)
    for raw in silent[:15]:
        raw.wait_closed()
    served()
    honest(pull)()  # one more honest peer takes the place of the oldest of the five
    silent[15].wait_closed()
    for raw in silent[16:]:
        raw.send(SHAKEN if raw in silent[16::2] else SHAKEN[1:])  # they are still welcome


def test_honest_peers_come_in_through_a_flood_of_silent_ones(zmq, listener, stranger, honest):
    pull = listener("PULL", MAX_PENDING_HANDSHAKES=50)
    for _ in range(30):
        for _ in range(30):
            stranger(pull).close() if _ % 3 == 0 else stranger(pull)
        honest(pull)()


def test_max_peers(zmq, listener, stranger, honest):
    pull = listener("PULL", MAX_PEERS=3)
    served = honest(pull)
    events = Events(zmq, pull, zmq.EVENT_ACCEPT_FAILED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_DISCONNECTED)
    silent = [stranger(pull), stranger(pull)]
    also = honest(pull)  # who is within its handshake makes way
    assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] == zmq.ENOBUFS
    silent[0].wait_closed()
    third = stranger(pull, SHAKEN)
    third.read(64)
    assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] == zmq.ENOBUFS
    silent[1].wait_closed()
    third.read_frame()
    for _ in range(20):
        stranger(pull, SHAKEN[:20]).wait_closed()
        assert events.wait("ACCEPT_FAILED")[1] == zmq.ENOBUFS
        served()
        also()
    third.close()
    events.wait("DISCONNECTED")
    honest(pull)()


@pytest.mark.parametrize("kind", ["PULL", "REP", "XPUB", "DEALER"])
@pytest.mark.parametrize(
    ("option", "limit", "good", "bad"),
    [
        ("MAX_MESSAGE_FRAMES", 3, message(b"", b"2", b"3"), frame(b"", MORE) * 4),
        ("MAX_MESSAGE_BYTES", 1000, message(b"", b"x" * 999), message(b"", b"x" * 999, b"ab")),
        ("MAX_MESSAGE_BYTES", 1000, message(b"", b"x" * 999), frame(b"x" * 999, MORE) + header(1 << 40)),
        ("MAX_MESSAGE_BYTES", 1000, message(b"", b"x" * 999), header(1001)),
        ("MAX_MESSAGE_BYTES", 100_000, message(b"", b"x" * 99_999), frame(b"x" * 99_999, MORE) + header(9000)),
    ],
)
def test_limits_of_a_whole_message(zmq, listener, stranger, kind, option, limit, good, bad):
    """At the limit it arrives, beyond it the connection ends as soon as that is known; other peers are served."""
    bound = listener(kind, **{option: limit})
    events = Events(zmq, bound, zmq.EVENT_DISCONNECTED)
    hello = greeting() + ready({"PULL": "PUSH", "REP": "REQ", "XPUB": "XSUB", "DEALER": "ROUTER"}[kind])
    fair = stranger(bound, hello)
    for _ in range(3):
        offender = stranger(bound, hello + bad)
        events.wait("DISCONNECTED")
        offender.wait_closed()
        fair.send(good)
        bound.recv_multipart()
        if kind == "REP":
            bound.send(b"")
    assert not bound.poll(0)


@pytest.mark.parametrize("kind", ["PUB", "XPUB"])
@pytest.mark.parametrize("manual", [0, 1])
@pytest.mark.parametrize("old", [False, True])
def test_max_subscriptions(zmq, listener, stranger, kind, manual, old):
    pub = listener(kind, MAX_SUBSCRIPTIONS=2, **({"XPUB_MANUAL": 1} if manual and kind == "XPUB" else {}))
    ask = (lambda topic: message(b"\1" + topic)) if old else subscribe
    events = Events(zmq, pub, zmq.EVENT_DISCONNECTED)
    fair = stranger(pub)
    fair.shake("SUB", 0 if old else 1)
    fair.send(ask(b"a") + ask(b"b") + ask(b"a"))  # a topic held already is none more
    for _ in range(3):
        offender = stranger(pub)
        offender.shake("SUB", 0 if old else 1)
        offender.send(b"".join(ask(b"%d" % number) for number in range(3)))
        events.wait("DISCONNECTED")
        offender.wait_closed()
    if manual and kind == "XPUB":
        while pub.recv() != b"\1b":
            pass
        pub.subscribe(b"b")
    pub.send(b"b is served")
    assert fair.read_message() == [b"b is served"]


@pytest.mark.parametrize("what", [subscribe(b"x") + cancel(b"x"), message(b"user data") * 2])
def test_max_subscriptions_also_bounds_what_an_xpub_has_not_read(zmq, listener, stranger, what):
    pub = listener("XPUB", MAX_SUBSCRIPTIONS=10)
    events = Events(zmq, pub, zmq.EVENT_DISCONNECTED)
    patient = stranger(pub)
    patient.shake("XSUB")
    for _ in range(100):
        patient.send(what)
        for _ in range(2):
            pub.recv()
    before = allocated()
    offender = stranger(pub, greeting() + ready("XSUB") + what * 100_000)
    events.wait("DISCONNECTED")
    offender.wait_closed()
    assert allocated() - before < 2 << 20
    patient.send(subscribe(b"served"))
    while pub.recv() != b"\1served":
        pass


def test_without_the_options_nothing_of_this_is_refused(zmq, listener, stranger):
    """Defaults hurt no honest program: as many frames, topics and silent connections as the system bears."""
    pub = listener("XPUB")
    raw = stranger(pub)
    raw.shake("XSUB")
    silent = [stranger(pub) for _ in range(300)]
    raw.send(b"".join(subscribe(b"%d" % number) for number in range(20_000)) + frame(b"", MORE) * 50_000 + frame(b"x" * 100_000))
    for number in range(20_000):
        assert pub.recv() == b"\1%d" % number
    assert len(pub.recv_multipart()) == 50_001
    for late in silent:
        late.shake("XSUB")


def test_silent_strangers_do_not_keep_a_full_table_for_long(zmq, listener, honest, raws):
    """They fill the table and the backlog; a peer behind them is served long before HANDSHAKE_IVL (30 s) has thrown them out."""
    pull = listener("PULL")
    served = honest(pull)
    events = Events(zmq, pull, zmq.EVENT_ACCEPT_FAILED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    late = socket.socket()  # no descriptor can be had later,
    assert events.monitor.fileno() >= 0  # nor those of a monitor that has to wait for the first time
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with attacks.attacker(zmq.__name__, pull, "silent", 1):
        pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (attacks.descriptors() + 30, limits[1]))
    try:
        with attacks.attacker(zmq.__name__, pull, "silent", 60):
            assert events.wait("ACCEPT_FAILED")[1] == errno.EMFILE
            late.connect(("127.0.0.1", int(endpoint(pull).rpartition(":")[2])))
            raw = rawpeer.Raw(late)
            raws(raw)
            raw.socket.settimeout(20)
            raw.shake("PUSH")
            raw.send(message(b"late"))
            assert pull.recv() == b"late"
            events.wait("HANDSHAKE_FAILED_NO_DETAIL")
            served()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_ten_thousand_strangers(zmq, listener, honest):
    """As many as the descriptor table allows, from another process, silent; those there are served, new ones come in, and it costs no processor time."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 10_000 if hard == resource.RLIM_INFINITY else min(10_000, hard - 500)
    attacks.allow_descriptors(count + 400)
    pull = listener("PULL")
    served = honest(pull)
    before, used = allocated(), attacks.seconds_used()
    with attacks.attacker(zmq.__name__, pull, "part of a greeting", count):
        until(lambda: attacks.descriptors() > count, 60)
        served()
        assert attacks.seconds_used() - used < 30
        cost = (allocated() - before) / count
        assert cost < 2048, f"{cost:.0f} bytes for each"
        for _ in range(20):
            honest(pull)()
        used = attacks.seconds_used()
        assert pull.poll(1000) == 0  # a second of waiting
        assert attacks.seconds_used() - used < 0.5
    until(lambda: attacks.descriptors() < 200, 60)
    served()
