"""lz4+tcp and zstd+tcp: beside pyomq in a process of its own, both ways, and beside peers that are played by hand."""

import errno
import os
import random
import socket
import struct
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import rawpeer
from awaiting import Events, endpoint, until
from rawpeer import Listener, frame, greeting, ready

pytest.importorskip("lz4", reason="a free-threaded Python may have no wheels of them")
zstandard = pytest.importorskip("zstandard")

pytestmark = pytest.mark.better

SCHEMES = ["lz4+tcp", "zstd+tcp"]
PACKED = {"lz4+tcp": b"LZ4B", "zstd+tcp": b"\x28\xb5\x2f\xfd"}
TEXT = b"a sentence that compresses; " * 400
RECORDS = [b'{"user": %d, "status": "active", "tags": ["a", "b"]}' % number * (number % 40) for number in range(1500)]
CHANCE = random.Random(5)
BODIES = [b"", b"x", TEXT[:511], TEXT[:512], TEXT, CHANCE.randbytes(600), CHANCE.randbytes(70000), bytes(3 << 20), CHANCE.randbytes(1 << 20), TEXT * 90]

# Echoes: a ROUTER that returns what it gets, or a SUB that repeats it on a PUB.
PEER = """
import sys, pyomq as zmq
scheme, dictionary = sys.argv[1], bytes.fromhex(sys.argv[2])
context = zmq.Context()
def bound(kind):
    socket = context.socket(kind)
    socket.linger = 0
    if dictionary:
        socket.setsockopt(zmq.OMQ_COMPRESSION_DICT, dictionary)
    socket.bind(scheme + "://127.0.0.1:0")
    name = socket.getsockopt(zmq.LAST_ENDPOINT)
    print((name if isinstance(name, str) else name.rstrip(b"\\0").decode()), flush=True)
    return socket
router = bound(zmq.ROUTER)
pub = bound(zmq.PUB)
dealer = context.socket(zmq.DEALER)
dealer.linger = 0
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "echo":
        for _ in range(int(rest)):
            router.send_multipart(router.recv_multipart())
    elif word == "publish":
        for number in range(int(rest)):
            pub.send_multipart([b"topic", b"body " * 200, b"%d" % number])
    elif word == "connect":
        dealer.connect(rest)
        dealer.send(b"hello")
        while True:
            message = dealer.recv_multipart()
            if message == [b"over"]:
                break
            dealer.send_multipart(message)
    print("done", flush=True)
"""


class Peer:
    def __init__(self, scheme, dictionary=b""):
        python = os.environ.get("PYOMQ_PYTHON", sys.executable)
        self.process = subprocess.Popen([python, "-c", PEER, scheme, dictionary.hex()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.router, self.pub = (self.process.stdout.readline().strip() for _ in range(2))

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def done(self):
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture
def peer():
    if "PYOMQ_PYTHON" not in os.environ and (sys.version_info < (3, 12) or sysconfig.get_config_var("Py_GIL_DISABLED")):
        pytest.skip("pyomq's releases of today are for Python 3.12 and later, with the GIL")
    made = []

    def peer(*arguments):
        made.append(Peer(*arguments))
        return made[-1]

    yield peer
    for each in made:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_1_pyomq_binds(make, peer, scheme):
    other = peer(scheme)
    dealer = make("DEALER", RCVHWM=0, SNDHWM=0)
    dealer.connect(other.router)
    other.tell("echo", len(BODIES) + 1 + len(RECORDS))
    for body in BODIES:
        dealer.send(body)
        assert dealer.recv() == body
    dealer.send_multipart(BODIES)
    assert dealer.recv_multipart() == BODIES
    for record in RECORDS:  # many together: it sends batches
        dealer.send(record)
    assert [dealer.recv() for _ in RECORDS] == RECORDS
    other.done()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_1_pyomq_connects(make, peer, scheme):
    router = make("ROUTER")
    router.bind(f"{scheme}://127.0.0.1:*")
    other = peer(scheme)
    other.tell("connect", endpoint(router))
    who, hello = router.recv_multipart()
    assert hello == b"hello"
    for body in BODIES:
        router.send_multipart([who, body, b"behind"])
        assert router.recv_multipart() == [who, body, b"behind"]
    router.send_multipart([who, b"over"])
    other.done()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_1_pyomq_publishes(make, peer, scheme):
    other = peer(scheme)
    sub = make("SUB", RCVHWM=0)
    sub.subscribe(b"topic")
    sub.connect(other.pub)
    got = []
    while not got:  # its PUB may take the subscription a moment later
        other.tell("publish", 50)
        other.done()
        if sub.poll(200):
            got = [sub.recv_multipart()]
    assert got[0][:2] == [b"topic", b"body " * 200]
    while got[-1][2] != b"49":
        got.append(sub.recv_multipart())
    assert [int(message[2]) for message in got][-50:] == list(range(50))


def test_ZIP_2_dictionaries_both_ways(make, peer):
    """Of LZ4: pyomq 0.27 takes no dictionary for Zstandard."""
    dictionary = TEXT[:300]
    other = peer("lz4+tcp", dictionary)
    dealer = make("DEALER", COMPRESSION_DICT=dictionary[::-1])
    dealer.connect(other.router)
    other.tell("echo", 100)
    for number in range(100):
        body = TEXT[number : number + 200] + TEXT[:200][::-1]
        dealer.send(body)
        assert dealer.recv() == body
    other.done()


# ---- peers by hand


def shake_hands(raw, kind):
    raw.send(greeting() + ready(kind))
    raw.read(64)
    raw.read_frame()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_3_bytes_on_the_wire(bound, scheme):
    push, raw = bound("PUSH", f"{scheme}://127.0.0.1:*")
    shake_hands(raw, "PULL")
    push.send_multipart([b"short", TEXT])
    assert raw.read_frame() == (1, bytes(4) + b"short")
    flags, body = raw.read_frame()
    assert flags == 0 and body.startswith(PACKED[scheme]) and len(body) < len(TEXT) // 10
    if scheme == "zstd+tcp":
        assert zstandard.ZstdDecompressor().decompress(body) == TEXT
    else:
        import lz4.block

        assert struct.unpack("<Q", body[4:12]) == (len(TEXT),)
        assert lz4.block.decompress(body[12:], uncompressed_size=len(TEXT)) == TEXT


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_4_a_bomb_costs_its_connection(zmq, bound, make, scheme):
    pull, raw = bound("PULL", f"{scheme}://127.0.0.1:*", MAXMSGSIZE=100000)
    events = Events(zmq, pull)
    shake_hands(raw, "PUSH")
    if scheme == "zstd+tcp":
        bomb = zstandard.ZstdCompressor().compress(bytes(100001))
    else:
        import lz4.block

        bomb = b"LZ4B" + struct.pack("<Q", 100001) + lz4.block.compress(bytes(100001), store_size=False)
    raw.send(frame(bytes(4) + b"before") + frame(bomb) + frame(bytes(4) + b"after"))
    assert pull.recv() == b"before"
    events.wait("DISCONNECTED")
    # What is as large as it may be comes in, compressed or not.
    push = make("PUSH")
    push.connect(endpoint(pull))
    for body in (bytes(100000), CHANCE.randbytes(100000)):
        push.send(body)
        assert pull.recv() == body


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("body", [b"plain", b"", b"LZ4C" + bytes(20), b"LZ4B", b"ZSTA" + bytes(9)])
def test_ZIP_5_what_has_no_sentinel_ends_the_connection(zmq, bound, scheme, body):
    pull, raw = bound("PULL", f"{scheme}://127.0.0.1:*")
    events = Events(zmq, pull)
    shake_hands(raw, "PUSH")
    raw.send(frame(bytes(4) + b"good") + frame(body))
    assert pull.recv() == b"good"
    events.wait("DISCONNECTED")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_6_what_is_not_carried(make, zmq, scheme):
    public, secret = zmq.curve_keypair()
    for kind, options in (("PULL", {"CURVE_SERVER": 1, "CURVE_SECRETKEY": secret}), ("STREAM", {})):
        socket = make(kind, **options)
        for call in (socket.bind, socket.connect):
            with pytest.raises(zmq.ZMQError) as caught:
                call(f"{scheme}://127.0.0.1:9999")
            assert caught.value.errno in (errno.ENOTSUP, zmq.ENOCOMPATPROTO)
    with pytest.raises(zmq.ZMQError, match="COMPRESSION_DICT"):
        make("PUSH", COMPRESSION_DICT=b"no dictionary").connect("zstd+tcp://127.0.0.1:9999")


def test_ZIP_7_without_a_library():
    program = """
import zmqcore._codecs, zmqcore as zmq
zmqcore._codecs._PLACES = {name: (("no_such_package", "no_such_package.module"), ()) for name in ("lz4", "zstd")}
for name in ("lz4", "zstd"):
    assert not zmq.has(name) and not zmq.has(name + "+tcp")
    try:
        zmq.Context().socket(zmq.PUSH).connect(name + "+tcp://127.0.0.1:9999")
    except zmq.ZMQError as error:
        assert error.errno == zmq.ENOTSUP and f"pip install zmqcore[{name}]" in str(error), error
    else:
        raise AssertionError
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_ZIP_7_the_packages_are_of_no_use_on_windows():
    """An extension exports nothing there but what Python calls."""
    program = """
import types, zmqcore._codecs, zmqcore as zmq
zmqcore._codecs.sys = types.SimpleNamespace(platform="win32")
zmqcore._codecs._PLACES = {name: (places[0], ()) for name, places in zmqcore._codecs._PLACES.items()}
for name in ("lz4", "zstd"):
    assert not zmq.has(name)
    try:
        zmq.Context().socket(zmq.PUSH).connect(name + "+tcp://127.0.0.1:9999")
    except zmq.ZMQError as error:
        assert error.errno == zmq.ENOTSUP and f"lib{name}.dll" in str(error), error
    else:
        raise AssertionError
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_8_what_has_left_is_not_sent_again(make, raws, scheme):
    """Connections that end in the middle of what was compressed together: nothing arrives twice."""
    listener = Listener()
    raws(listener)
    listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    push = make("PUSH", SNDHWM=0, SNDBUF=4096, RECONNECT_IVL=1)
    push.connect(listener.endpoint.replace("tcp", scheme))
    for number in range(6000):
        push.send(b"%08d" % number + bytes(92))
    got = []
    for amount in (20_000, 35_000, 50_000, 65_000, 80_000):
        raw = listener.accept()
        raws(raw)
        shake_hands(raw, "PULL")
        stream = raw.read(amount)
        while len(stream) >= 106:
            assert stream[:6] == bytes([0, 104, 0, 0, 0, 0])
            got.append(int(stream[6:14]))
            stream = stream[106:]
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
    assert got == sorted(set(got))


def packed_by(scheme, body):
    if scheme == "zstd+tcp":
        return zstandard.ZstdCompressor(level=1).compress(body)
    import lz4.block

    return b"LZ4B" + struct.pack("<Q", len(body)) + lz4.block.compress(body, store_size=False)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_9_a_part_that_is_large_when_compressed(bound, scheme):
    pull, raw = bound("PULL", f"{scheme}://127.0.0.1:*", RCVBUF=1 << 20)
    shake_hands(raw, "PUSH")
    body = CHANCE.randbytes(3 << 20).hex().encode()
    whole = frame(packed_by(scheme, body)) + frame(bytes(4) + b"behind")
    with ThreadPoolExecutor(1) as pool:  # what the kernel does not take is taken when the socket reads
        for _ in range(3):
            sent = pool.submit(raw.send, whole)
            assert pull.recv() == body
            assert pull.recv() == b"behind"
            sent.result()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_9_a_part_that_takes_its_time_shows_that_the_peer_is_there(bound, raws, scheme):
    pull, raw = bound("PULL", f"{scheme}://127.0.0.1:*", HEARTBEAT_IVL=20, HEARTBEAT_TIMEOUT=400)
    body = CHANCE.randbytes(1000).hex().encode() * 4
    stream = frame(packed_by(scheme, body))
    while True:
        shake_hands(raw, "PUSH")
        longest, last = 0.0, time.monotonic()
        try:
            for at in range(0, len(stream), len(stream) // 16):
                raw.send(stream[at : at + len(stream) // 16])
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
                time.sleep(0.05)
            assert pull.recv(timeout=10000) == body
            return
        except Exception:
            if longest < 0.3:
                raise
        raw = rawpeer.connect(endpoint(pull))  # we were late ourselves
        raws(raw)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_9_what_has_been_received_does_not_count_twice(bound, scheme):
    """A peer that falls silent behind a message gets as many PINGs as over tcp."""
    pull, raw = bound("PULL", f"{scheme}://127.0.0.1:*", HEARTBEAT_IVL=40, HEARTBEAT_TIMEOUT=60)
    shake_hands(raw, "PUSH")
    raw.send(frame(bytes(4) + b"x"))
    assert pull.recv() == b"x"
    said = b""
    while more := raw.socket.recv(4096):
        said += more
    assert said.count(b"\x04PING") <= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ZIP_10_what_came_before_the_end_is_read(zmq, bound, scheme):
    """Writing to a peer that has gone fails; what it had said before is there."""
    dealer, raw = bound("DEALER", f"{scheme}://127.0.0.1:*", RCVHWM=1, RCVBUF=1 << 20)
    shake_hands(raw, "DEALER")
    bodies = [CHANCE.randbytes(4000) for _ in range(25)]  # some are decoded, some wait in the kernel
    raw.send(b"".join(frame(bytes(4) + body) for body in bodies))
    raw.close()
    until(lambda: dealer.statistics().full_in)
    for _ in range(10):
        dealer.send(b"more")
        time.sleep(0.01)  # for the kernel to find out
    assert [dealer.recv(timeout=10000) for _ in bodies] == bodies
