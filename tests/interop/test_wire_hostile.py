"""Hostile bytes: whatever a peer sends, only its own connection suffers."""

import pytest
import rawpeer
from awaiting import endpoint
from rawpeer import MORE, SIGNATURE, frame, greeting, message, ready

# Hostile bytes. Whatever a peer sends, only its own connection suffers.

STATES = {
    "before anything": b"",
    "inside the signature": SIGNATURE[:5],
    "after the signature": SIGNATURE,
    "after the major": SIGNATURE + b"\3",
    "inside the greeting": greeting()[:40],
    "after the greeting": greeting(),
    "inside READY": greeting() + ready("PUSH")[:20],
    "after READY": greeting() + ready("PUSH"),
    "inside a frame": greeting() + ready("PUSH") + b"\0\x20abc",
    "inside a multipart": greeting() + ready("PUSH") + frame(b"a", MORE),
    "inside a long length": greeting() + ready("PUSH") + b"\2\0\0\0",
}
POISON = {
    "nothing": b"",
    "zeros": bytes(300),
    "ones": b"\xff" * 300,
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "huge length": b"\2" + (1 << 62).to_bytes(8, "big") + b"x" * 100,
    "negative length": b"\2" + b"\xff" * 8 + b"x" * 100,
    "ramp": bytes(range(256)) * 3,
}


@pytest.mark.parametrize("state", STATES)
def test_hostile_bytes_never_hurt_a_good_peer(zmq, make, raws, state):
    socket = make("PULL")
    socket.bind("tcp://127.0.0.1:*")
    good = rawpeer.connect(endpoint(socket))
    raws(good)
    good.shake("PUSH")
    for number, poison in enumerate(POISON.values()):
        raw = rawpeer.connect(endpoint(socket))
        try:
            raw.send(STATES[state] + poison)
        except ConnectionError:
            pass  # refused before all of it was written: as good as closed
        raw.close()
        good.send(message(b"good %d" % number))
        deadline_reads = 0
        # Poison that happens to be a well-formed message may be delivered before ours.
        while socket.recv_multipart() != [b"good %d" % number]:
            deadline_reads += 1
            assert deadline_reads < 2000


@pytest.mark.parametrize("state", STATES)
def test_hostile_listener_delivers_nothing(zmq, make, raws, state):
    """A connecting socket never delivers a message before a valid handshake, and a good peer of the same socket works on."""
    if "READY" in state or "frame" in state or "multipart" in state or "long" in state:
        first = STATES[state].replace(ready("PUSH"), ready("PULL"))  # a wrong type: dropped in the handshake
    else:
        first = STATES[state]
    socket = make("PULL", RECONNECT_IVL=20)
    socket.bind("tcp://127.0.0.1:*")
    good = rawpeer.connect(endpoint(socket))
    raws(good)
    good.shake("PUSH")
    for poison in (POISON["http"], POISON["huge length"]):
        listener = rawpeer.Listener()
        socket.connect(listener.endpoint)
        raw = listener.accept()
        try:
            raw.send(first + poison)
        except ConnectionError:
            pass
        raw.close()
        listener.close()
        socket.disconnect(listener.endpoint)
    good.send(message(b"good"))
    assert socket.recv() == b"good"


def test_announced_length_costs_nothing(bound, raws):
    """2^62 octets are announced by many connections; memory grows with what has arrived, not with what was promised."""
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    before = rawpeer.resident_kib()
    for _connection in range(20):
        liar = rawpeer.connect(endpoint(socket))
        raws(liar)
        liar.send(greeting() + ready("PUSH") + b"\2" + (1 << 62).to_bytes(8, "big"))
    raw.send(message(b"still served"))
    assert socket.recv() == b"still served"
    assert rawpeer.resident_kib() - before < 8 * 1024


@pytest.mark.better
def test_announced_gigabytes_cost_what_has_arrived(zmq, bound, raws):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    with open("/proc/self/statm") as statm:
        before = int(statm.read().split()[0])
    liars = []
    for _connection in range(20):
        liar = rawpeer.connect(endpoint(socket))
        raws(liar)
        liar.send(greeting() + ready("PUSH") + b"\2" + (1 << 32).to_bytes(8, "big") + bytes(1000))
        liars.append(liar)
    raw.send(message(b"still served"))
    assert socket.recv() == b"still served"
    with open("/proc/self/statm") as statm:
        grown = (int(statm.read().split()[0]) - before) * 4096
    assert grown < 256 << 20, f"{grown >> 20} MiB of address space for 80 GiB of promises"


def test_a_long_frame_in_many_pieces_arrives(bound):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    body = bytes(range(256)) * 4096
    octets = frame(body)
    for start in range(0, len(octets), 70001):
        raw.send(octets[start:start + 70001])
    assert socket.recv() == body


def test_thousand_short_lived_connections(bound, raws):
    socket, raw = bound("PULL")
    raw.shake("PUSH")
    for _connection in range(1000):
        visitor = rawpeer.connect(endpoint(socket))
        visitor.send(SIGNATURE)
        visitor.close()
    raw.send(message(b"survived"))
    assert socket.recv() == b"survived"
