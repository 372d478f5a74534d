"""Conversations for fuzz_pgm to begin with: python pgm_seeds.py FOLDER."""

import sys
from pathlib import Path

SOURCE, SESSION, GSI = (4660).to_bytes(2, "big"), (5555).to_bytes(2, "big"), b"\1" * 6
NLA, GROUP = b"\0\1\0\0\x0a\0\0\1", b"\0\1\0\0\x0a\0\0\x64"
RIGHT = 7  # a packet; ports, identifier and checksum are put right


def number(n):
    return (n % 2**32).to_bytes(4, "big")


def packet(kind, body, payload=b"", flags=0):
    return SOURCE + SESSION + bytes([kind, flags, 0, 0]) + GSI + len(payload).to_bytes(2, "big") + body + payload


def spm(sqn, trail, lead):
    return packet(0, number(sqn) + number(trail) + number(lead) + NLA)


def data(sqn, payload, kind=4, trail=0):
    return packet(kind, number(sqn) + number(trail), payload)


def want(kind, sqn, *more):
    options = b"\0\4" + (8 + 4 * len(more)).to_bytes(2, "big") + bytes([0x82, 4 + 4 * len(more), 0, 0]) + b"".join(map(number, more))
    return packet(kind, number(sqn) + NLA + GROUP, flags=3 if more else 0) + (options if more else b"")


def conversation(settings, *steps):
    return bytes([settings]) + b"".join(bytes([op, len(octets)]) + octets for op, octets in steps)


SEEDS = [
    conversation(0, (RIGHT, spm(0, 0, -1)), (RIGHT, data(0, b"\0\0\6\0hello"))),
    conversation(4, (RIGHT, spm(0, 0, -1)), (RIGHT, data(1, b"\0\0\2\0x")), (RIGHT | 0x20, want(10, 0)), (RIGHT, data(0, b"\0\0\2\0y", 5))),
    conversation(2, (RIGHT, data(3, b"\xff\xffxyz")), (RIGHT, data(4, b"\0\1x\2\1a\2\0b")), (RIGHT | 0xF0, data(9, b"\0\0", trail=8)), (0xF0, b"")),
    conversation(0, (RIGHT, spm(0, 0, 5)), (RIGHT, spm(1, 2, 9)), (RIGHT, want(10, 20, 22, 30)), (0xF0, b""), (RIGHT, want(8, 21))),
    conversation(1, (0, b"\6\0hello"), (RIGHT, want(8, 0)), (RIGHT, packet(12, b"")), (0x20, b"\2\1a\2\0b")),
    conversation(7, *[(0x10, b"\6\0hello")] * 5, (RIGHT, want(8, 1, 2, 3, 4)), (0xF0, b"")),
]

if __name__ == "__main__":
    for n, seed in enumerate(SEEDS):
        Path(sys.argv[1], f"seed-{n}").write_bytes(seed)
