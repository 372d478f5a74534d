"""Writes the starting corpus of the fuzzer: one well-formed or nearly well-formed conversation per file."""

import struct
import sys
from pathlib import Path

SIGNATURE = bytes.fromhex("FF 0000000000000001 7F")
GREETING = SIGNATURE + b"\x03\x01NULL" + bytes(48)
NOTHING, GREETED, GREETED_2_0, READY_3_0 = range(4)
DEALER, PUB, PULL = 5, 1, 7


def prop(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def frame(body, flags=0):
    return bytes([flags, len(body)]) + body if len(body) < 256 else bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


def case(type, before, stream, limit=0, steps=b"\x00\x06"):
    return bytes([type, before | limit << 3]) + steps + stream


ready = frame(b"\x05READY" + prop(b"Socket-Type", b"ROUTER") + prop(b"Identity", b"id") + prop(b"X-a", b"b"), 4)
messages = frame(b"hi") + frame(b"", 1) + frame(b"\x04PING\x00\x0aabc", 4) + frame(bytes(300)) + frame(b"\x04PONG", 4)

CASES = {
    "null": case(DEALER, NOTHING, GREETING + ready + messages),
    "null_limit": case(DEALER, GREETED, ready + messages, limit=2),
    "error": case(DEALER, GREETED, frame(b"\x05ERROR\x03400", 4)),
    "curve": case(DEALER, NOTHING, SIGNATURE + b"\x03\x01CURVE" + bytes(47)),
    "subscriptions": case(PUB, READY_3_0, frame(b"\x09SUBSCRIBEA", 4) + frame(b"\x06CANCELA", 4) + frame(b"\x01A") + frame(b"\x00A")),
    "groups": case(14, READY_3_0, frame(b"\x04JOINMovies", 4) + frame(b"\x05LEAVEMovies", 4), steps=b"\x01\x01"),
    "zmtp_2_0": case(PULL, NOTHING, SIGNATURE + b"\x01\x08" + frame(b"id") + frame(b"abc")),
    "zmtp_2_0_long_identity": case(PULL, GREETED_2_0, frame(bytes(300))),
    "zmtp_1_0": case(PULL, NOTHING, SIGNATURE + b"\x00\x08" + b"\x03\x00id" + b"\x04\x00abc"),
    "zmtp_1_0_unversioned": case(PULL, NOTHING, b"\x03\x00id" + b"\x04\x00abc" + b"\xff" + struct.pack(">Q", 4) + b"\x01abc"),
    "zmtp_1_0_long_identity": case(PULL, NOTHING, b"\xff" + struct.pack(">Q", 3) + b"\x00id" + b"\x04\x00abc"),
    "huge": case(DEALER, READY_3_0, b"\x02" + struct.pack(">Q", 2**62) + b"abc"),
    "http": case(DEALER, NOTHING, b"GET / HTTP/1.1\r\nHost: example\r\n\r\n" * 3),
}

if __name__ == "__main__":
    target = Path(sys.argv[1])
    for name, octets in CASES.items():
        (target / name).write_bytes(octets)
