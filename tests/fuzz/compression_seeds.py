"""Inputs for fuzz_compression to begin with: `python compression_seeds.py FOLDER`."""

import struct
import sys
from pathlib import Path

import lz4.block
import zstandard

TEXT = b"a sentence that compresses; " * 30


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


def seeds():
    inside = frame(TEXT[:300], 1) + frame(b"end") + frame(b"one")
    plain = frame(bytes(4) + b"plain", 1) + frame(bytes(4)) + frame(b"\x04PING\0\0", 4)
    block, batch = (lz4.block.compress(part, store_size=False) for part in (TEXT, inside))
    yield 0, plain + frame(b"LZ4B" + struct.pack("<Q", len(TEXT)) + block)
    yield 0, frame(b"LZ4M" + struct.pack("<QI", len(TEXT), len(block)) + block, 1) + plain
    yield 0, frame(b"LZ4A" + struct.pack("<III", 1, len(inside), 2) + batch) + plain
    yield 0, frame(b"LZ4A" + struct.pack("<III", 0, len(inside), 2) + inside)
    yield 2, frame(b"LZ4D" + TEXT[:100]) + frame(b"LZ4B" + struct.pack("<Q", len(TEXT)) + lz4.block.compress(TEXT, store_size=False, dict=TEXT[:100]))
    packer = zstandard.ZstdCompressor(level=1)
    yield 1, plain + frame(packer.compress(TEXT))
    yield 1, frame(b"ZSTA" + struct.pack("<III", 1, len(inside), 2) + packer.compress(inside)) + plain
    yield 1, frame(b"\x37\xa4\x30\xec" + bytes(60))


if __name__ == "__main__":
    for number, (settings, stream) in enumerate(seeds()):
        for most in (0, 4, 12):
            (Path(sys.argv[1]) / f"seed-{number}-{most}").write_bytes(bytes([settings | most, 17 * number % 256]) + stream)
