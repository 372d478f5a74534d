"""Z85, the text form of binary keys (ZeroMQ RFC 32): five characters for four bytes."""

from __future__ import annotations

import struct

Z85CHARS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
Z85MAP = {char: value for value, char in enumerate(Z85CHARS)}

_PLACES = tuple(85**place for place in range(4, -1, -1))


def encode(rawbytes: bytes) -> bytes:
    """Return bytes as Z85: five characters for four bytes.

    Args:
        rawbytes (bytes): a multiple of four bytes.

    Returns:
        bytes: the text.

    Raises:
        ValueError: another length.

    Source: RFC 32 (Z85).
    """
    if len(rawbytes) % 4:
        raise ValueError(f"length must be multiple of 4, not {len(rawbytes)}")
    return bytes(
        Z85CHARS[word // place % 85] for (word,) in struct.iter_unpack(">I", rawbytes) for place in _PLACES
    )


def decode(z85bytes: bytes | str) -> bytes:
    """Return the bytes that a Z85 text stands for.

    Args:
        z85bytes (bytes | str): a multiple of five characters.

    Returns:
        bytes: the bytes.

    Raises:
        ValueError: another length, or not Z85.

    Source: RFC 32 (Z85).
    """
    if len(z85bytes) % 5:
        raise ValueError(f"Z85 length must be multiple of 5, not {len(z85bytes)}")
    text = z85bytes.encode("utf-8", "surrogatepass") if isinstance(z85bytes, str) else bytes(z85bytes)
    decoded = bytearray()
    for start in range(0, len(text), 5):
        group = text[start : start + 5]
        try:
            word = sum(Z85MAP[char] * place for char, place in zip(group, _PLACES, strict=True))
            decoded += word.to_bytes(4, "big")
        except (KeyError, OverflowError):
            raise ValueError(f"not Z85 at character {start}") from None  # and no more: it may be a secret key
    return bytes(decoded)
