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


def websocket(settings, *frames):
    """settings as in fuzz_engines.pyx; a frame is (first byte, payload), masked where a server reads it."""
    stream = b""
    for first, payload in frames:
        size = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
        if settings & 16:
            stream += bytes([first]) + size + payload
        else:
            stream += bytes([first, size[0] | 0x80]) + size[1:] + b"\1\2\3\4" + bytes(byte ^ b"\1\2\3\4"[i & 3] for i, byte in enumerate(payload))
    return bytes([DEALER, settings, 0, 6]) + stream


WHOLE, FIRST, MIDDLE, LAST, PING, CLOSE = 0x82, 0x02, 0x00, 0x80, 0x89, 0x88
REQUEST = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ZWS2.0/NULL,ZWS2.0\r\n\r\n")
WEBSOCKET = {
    f"{side}_{name}": websocket(settings, *frames)
    for side, settings in (("server", 8 | 2), ("client", 8 | 16 | 2))
    for name, frames in {
        "messages": [(WHOLE, b"\0hello"), (WHOLE, b"\1part"), (PING, b"ping"), (WHOLE, b"\0" + bytes(300)), (CLOSE, b"\3\xe8")],
        "pieces": [(FIRST, b"\1pa"), (MIDDLE, b"r"), (PING, b""), (LAST, b"t"), (FIRST, b""), (MIDDLE, b"\0"), (LAST, bytes(200)), (WHOLE, b"\0x")],
        "too_much": [(FIRST, b"\0" + bytes(400)), (LAST, bytes(400))],
        "command": [(FIRST, b"\2"), (MIDDLE, b"\4PI"), (LAST, b"NG\0\0x")],
    }.items()
} | {
    "request": bytes([DEALER, 8, 0, 6]) + REQUEST,
    "handshake_in_pieces": websocket(8 | 3, (FIRST, b"\2\5REA"), (PING, b"x"), (LAST, b"DY"), (WHOLE, b"\0x")),
}


def datagrams(settings, *pairs):
    return settings + b"".join(bytes([len(address)]) + struct.pack("<H", len(body)) + address + body for address, body in pairs)


DATAGRAM = {
    "groups": datagrams(b"\1\0\6", (b"", b"\6Moviesbody"), (b"10.0.0.1:5", b"\0"), (b"", b""), (b"", b"\xffshort"), (b"", b"\3abc")),
    "addressed": datagrams(b"\0\0\6", (b"10.0.0.1:5555", b"body"), (b"[fe80::1%25eth0]:1", b""), (b"", b"x")),
}


def certificates():
    """Those of the tests, and the one that run.sh has made."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "shared"))
    from certificates import authority, client, server
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    made = [x509.load_pem_x509_certificate(Path("build/fuzz/tls-cert.pem").read_bytes())]
    made += [one.certificate for one in (authority(), client(), server())]
    return {f"certificate_{i}": b"\xff" + one.public_bytes(Encoding.DER) for i, one in enumerate(made)}


def tls():
    relays = bytes([16, 0, 0, 8, 0, 0])
    traffic = bytes([6, 4, 0, 0, 0, 0, 15, 8, 7, 14, 64, 9, 8, 0, 0, 7, 255, 1])
    return {
        "undisturbed": relays + traffic * 4,
        "from_the_first_byte": bytes([0, 0, 0, 8, 0, 0]) * 6 + traffic,
        **{f"change_{what}": relays + traffic + bytes([6, 0, 200, what, 0, 30, 15, 0, 99]) for what in range(2, 6)},
        **{f"handshake_{what}": bytes([0, 0, 0, 8 | what, 0, 30, 0, 0, 0, what, 0, 9]) for what in range(2, 6)},
    }


SETS = {"zmtp": lambda: CASES, "websocket": lambda: WEBSOCKET, "datagram": lambda: DATAGRAM, "x509": certificates, "tls": tls}

if __name__ == "__main__":  # a set, unless it is that of the wire protocol, and a folder
    target = Path(sys.argv[-1])
    for name, octets in SETS[sys.argv[1] if len(sys.argv) > 2 else "zmtp"]().items():
        (target / name).write_bytes(octets)
