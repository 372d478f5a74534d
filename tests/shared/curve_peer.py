"""Peers of CURVE played by hand with PyNaCl: they keep to RFC 25 and RFC 26, except where they are told not to."""

import struct

from nacl import bindings
from zap import CLIENTS, SERVERS

from zmqcore.utils import z85

seal, unseal = bindings.crypto_box, bindings.crypto_box_open

GREETING = bytes.fromhex("FF 00 00 00 00 00 00 00 01 7F 03 01") + b"CURVE".ljust(20, b"\0") + bytes(32)
DEALERS = bytes.fromhex("0B 536F636B65742D54797065 00000006 4445414C4552 08 4964656E74697479 00000000")
ROUTERS = bytes.fromhex("0B 536F636B65742D54797065 00000006 524F55544552 08 4964656E74697479 00000000")

# Pairs that libzmq's own tests use, so that a mistake in the making of keys cannot hide.
C, c, S = (z85.decode(CLIENTS["CURVE"][f"CURVE_{name}"]) for name in ("PUBLICKEY", "SECRETKEY", "SERVERKEY"))
s = z85.decode(SERVERS["CURVE"]["CURVE_SECRETKEY"])


# Octets of the cookie in WELCOME and INITIATE.
CURVE_COOKIE_SIZE = 96


def number(n):
    return struct.pack(">Q", n)


def command(body):
    return bytes([4, len(body)]) + body if len(body) < 256 else b"\x06" + number(len(body)) + body


def parts(octets):
    """The bodies of the command frames that stand there one after the other."""
    found = []
    while octets:
        assert octets[0] in (4, 6)
        header = 2 if octets[0] == 4 else 9
        size = int.from_bytes(octets[1:header], "big")
        found.append(octets[header : header + size])
        octets = octets[header + size :]
    return found


def altered(body, at, octet=None):
    return body[:at] + bytes([body[at] ^ 1 if octet is None else octet]) + body[at + 1 :]


class Client:
    """A client that keeps to the RFC, except where it is told not to."""

    def __init__(self, public=C, secret=c, server_key=S):
        self.public, self.secret, self.server_key = public, secret, server_key
        self.brief_public, self.brief_secret = bindings.crypto_box_keypair()

    def hello(self, n=1, version=b"\x01\0", zeros=bytes(64), padding=bytes(72), key=None):
        box = seal(zeros, b"CurveZMQHELLO---" + number(n), key or self.server_key, self.brief_secret)
        return b"\x05HELLO" + version + padding + self.brief_public + number(n) + box

    def welcomed(self, body):
        assert len(body) == 168 and body[:8] == b"\x07WELCOME"
        plain = unseal(body[24:], b"WELCOME-" + body[8:24], self.server_key, self.brief_secret)
        self.peer, self.cookie = plain[:32], plain[32:]
        assert len(self.cookie) == 96

    def vouch(self, brief=None, server_key=None):
        nonce = b"n" * 16
        both = (brief or self.brief_public) + (server_key or self.server_key)
        return nonce + seal(both, b"VOUCH---" + nonce, self.peer, self.secret)

    def initiate(self, n=2, cookie=None, metadata=DEALERS, vouch=None, public=None):
        plain = (public or self.public) + (vouch or self.vouch()) + metadata
        box = seal(plain, b"CurveZMQINITIATE" + number(n), self.peer, self.brief_secret)
        return b"\x08INITIATE" + (cookie or self.cookie) + number(n) + box


class Server:
    """A server that keeps to the RFC, except where it is told not to."""

    cookie = b"cookie" * 16

    def __init__(self, hs, secret=s):
        self.secret = secret
        self.brief_public, self.brief_secret = bindings.crypto_box_keypair()
        (body,) = parts(hs.take()[54:])
        assert len(body) == 200 and body[:80] == b"\x05HELLO\x01" + bytes(73)
        self.peer, self.n = body[80:112], body[112:120]
        self.hello = body

    def welcome(self, public=None, cookie=None):
        nonce = b"w" * 16
        return b"\x07WELCOME" + nonce + seal((public or self.brief_public) + (cookie or self.cookie), b"WELCOME-" + nonce, self.peer, self.secret)

    def initiated(self, body):
        assert body[:9] == b"\x08INITIATE" and body[9:105] == self.cookie
        plain = unseal(body[113:], b"CurveZMQINITIATE" + body[105:113], self.peer, self.brief_secret)
        vouch = unseal(plain[48:128], b"VOUCH---" + plain[32:48], plain[:32], self.brief_secret)
        return plain[:32], vouch, plain[128:], body[105:113]

    def ready(self, n=1, metadata=ROUTERS):
        return b"\x05READY" + number(n) + seal(metadata, b"CurveZMQREADY---" + number(n), self.peer, self.brief_secret)
