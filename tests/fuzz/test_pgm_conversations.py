"""The conversations that the fuzzer of PGM begins with, and random changes of them, without libFuzzer. What an input is: fuzz_pgm.pyx."""

import random
import struct

from pgm_seeds import SEEDS, SESSION, SOURCE

from zmqcore import _probe

STEP, SECOND, NLA, GROUP = 30_000_000, 1_000_000_000, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 100])
ROUNDS = 3000


def put_right(op, packet):
    if len(packet) >= 16 and op & 2:
        ports = SESSION + SOURCE if packet[4] & 15 in (8, 12) else SOURCE + SESSION
        packet = ports + packet[4:8] + bytes([1 + (packet[8] & 1)]) * 6 + packet[14:]
    return _probe.pgm_seal(packet) if len(packet) >= 16 and op & 4 else packet


def steps(octets):
    at = 1
    while at + 2 <= len(octets):
        op, size = octets[at], octets[at + 1]
        yield op, octets[at + 2 : at + 2 + size]
        at += 2 + size


def converse(octets):
    settings = octets[0]
    (session,), (port,) = struct.unpack("!H", SESSION), struct.unpack("!H", SOURCE)
    small = bool(settings & 4)
    now = SECOND
    if settings & 1:
        end = _probe.pgm_Source(b"\1" * 6, port, session, NLA, GROUP, apdu=5 if settings & 2 else 100, rate=100_000, window=3 if small else 100)
    else:
        limits = {"frame_max": 20, "bytes_max": 30, "frames_max": 3} if settings & 2 else {}
        end = _probe.pgm_Receiver(session, GROUP, window=40 if small else 5000, recovery=2 * SECOND, held_max=2000 if small else 10**6, **limits)
    for op, part in steps(octets):
        now += (op >> 4) * STEP
        if end.due() <= now:
            end.tick(now)
        if not settings & 1:
            if op & 1:
                end.packet(put_right(op, part), NLA[:3] + bytes([2 if op & 8 else 1]), now)
            assert end.counts()["held"] <= (2000 if small else 10**6)
        elif op & 1:
            end.packet(put_right(op, part), now)
        elif end.write(part, now) < -11:
            return
    if not settings & 1:
        end.tick(now + 1000 * SECOND)
        assert end.counts()["sources"] == 0 and end.end() == 0


def test_conversations():
    for octets in SEEDS:
        converse(octets)


def test_random_conversations():
    chance = random.Random(20261126)
    for _ in range(ROUNDS):
        octets = bytearray(chance.choice(SEEDS) + chance.choice(SEEDS)[1:])
        for _ in range(chance.randint(0, 6)):
            octets[chance.randrange(len(octets))] = chance.getrandbits(8)
        converse(bytes(octets[: chance.randint(1, len(octets))] if chance.random() < 0.3 else octets))
