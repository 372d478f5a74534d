"""PGM: packets, and what stands in them."""

import random

import pytest
from pgm_network import DPORT, GROUP, MS, SECOND, TO_GROUP, TO_ONE, messages, v1
from platforms import errno

from zmqcore import _probe as probe

GSI = bytes.fromhex("010203040506")
NLA = bytes([10, 0, 0, 1])
TSI_PORT = 0x1234
HERE = dict(gsi=GSI, port=TSI_PORT, dport=DPORT, nla=NLA, group=GROUP)


def packet(hexadecimal):
    return probe.pgm_seal(bytes.fromhex(hexadecimal.replace(" ", "").replace("|", "")))


NAK = packet("15B3 1234 08 00 0000 010203040506 0000 | 00000007 0001 0000 0A000001 0001 0000 EF010101")
NAK_LIST = packet("15B3 1234 08 03 0000 010203040506 0000 | 00000007 0001 0000 0A000001 0001 0000 EF0101010004 0010 820C 0000 00000009 0000000A")
SPMR = packet("15B3 1234 0C 00 0000 010203040506 0000")
SPM = packet("1234 15B3 00 00 0000 010203040506 0000 | 00000000 00000000 FFFFFFFF 0001 0000 0A000001")
FIN = packet("1234 15B3 00 01 0000 010203040506 0000 | 00000003 00000000 FFFFFFFF 0001 0000 0A000001 0004 0008 8E04 0000")
HELLO = packet("1234 15B3 04 00 0000 010203040506 0009 | 00000000 00000000 | 0000 06 00 68656C6C6F")


def data(sqn, payload, kind=4, trail=0, gsi=GSI, flags=0, options=b""):
    head = TSI_PORT.to_bytes(2, "big") + DPORT.to_bytes(2, "big") + bytes([kind, flags, 0, 0]) + gsi
    head += len(payload).to_bytes(2, "big") + (sqn % 2**32).to_bytes(4, "big") + (trail % 2**32).to_bytes(4, "big")
    return probe.pgm_seal(head + options + payload)


def spm(sqn, trail, lead, gsi=GSI, nla=NLA):
    head = TSI_PORT.to_bytes(2, "big") + DPORT.to_bytes(2, "big") + bytes(4) + gsi + bytes(2)
    numbers = b"".join((n % 2**32).to_bytes(4, "big") for n in (sqn, trail, lead))
    return probe.pgm_seal(head + numbers + b"\0\1\0\0" + nla)


def want(kind, *sqns, nla=NLA, group=GROUP):
    ports = (DPORT, TSI_PORT) if kind == 8 else (TSI_PORT, DPORT)
    head = b"".join(p.to_bytes(2, "big") for p in ports) + bytes([kind, 3 if len(sqns) > 1 else 0, 0, 0]) + GSI + bytes(2)
    numbers = [(n % 2**32).to_bytes(4, "big") for n in sqns]
    body = numbers[0] + b"\0\1\0\0" + nla + b"\0\1\0\0" + group
    if len(sqns) > 1:
        size = 4 * len(sqns)
        body += b"\0\4" + (size + 4).to_bytes(2, "big") + bytes([0x82, size, 0, 0]) + b"".join(numbers[1:])
    return probe.pgm_seal(head + body)


def receiver(**more):
    return probe.pgm_Receiver(DPORT, GROUP, **more)


# ---- packets


def test_golden_packets_are_read():
    assert probe.pgm_get(NAK) == dict(
        type=8,
        sport=DPORT,
        dport=TSI_PORT,
        gsi=GSI,
        sqn=7,
        trail=0,
        lead=0,
        nla=NLA,
        group=GROUP,
        payload=b"",
        list=[],
        fin=False,
        rst=False,
        continues=False,
    )
    assert probe.pgm_get(NAK_LIST)["list"] == [9, 10]
    assert probe.pgm_get(SPMR)["type"] == 12
    assert probe.pgm_get(SPM)["lead"] == 0xFFFFFFFF and not probe.pgm_get(SPM)["fin"]
    assert probe.pgm_get(FIN)["fin"]
    assert probe.pgm_get(HELLO)["payload"] == b"\0\0\6\0hello"


def test_golden_packets_are_written():
    source = probe.pgm_Source(**HERE)
    assert [p for _, _, p in source.out] == [SPM, *(spm(n, 0, -1) for n in (1, 2))]
    source.out.clear()
    assert source.write(v1(b"hello"), 1) == 7
    assert source.out == [(TO_GROUP, GROUP, HELLO)]
    source.out.clear()
    source.end(2)
    assert [p for _, _, p in source.out] == [probe.pgm_seal(FIN[:16] + n.to_bytes(4, "big") + b"\0\0\0\0\0\0\0\0" + FIN[28:]) for n in (3, 4, 5)]


def test_golden_packets_ask():
    end = receiver()
    end.packet(spm(0, 7, 6), NLA, 1)
    end.packet(data(11, b"\0\0\1\0"), NLA, 1)
    end.packet(want(10, 8), NLA, 1)  # 8 is under way
    assert end.due() <= 1 + 50 * MS
    end.out.clear()
    end.tick(end.due())
    assert end.out == [(TO_ONE, NLA, probe.pgm_seal(NAK_LIST))]


@pytest.mark.parametrize("nla", [NLA, bytes(range(16))])
def test_ipv6_addresses(nla):
    source = probe.pgm_Source(GSI, TSI_PORT, DPORT, nla, nla)
    got = probe.pgm_get(source.out[0][2])
    assert got["nla"] == nla and len(source.out[0][2]) == 32 + len(nla)


@pytest.mark.parametrize("whole", [NAK, NAK_LIST, SPMR, SPM, FIN, HELLO])
def test_no_part_of_a_packet_passes_for_one(whole):
    for n in range(len(whole)):
        part = whole[:n]
        got = probe.pgm_get(probe.pgm_seal(part)) if n >= 16 else probe.pgm_get(part)
        # An SPM without its options would be one, if it did not say that it has some.
        assert got == -errno.EPROTO, n


def test_checksums():
    assert probe.pgm_get(NAK[:6] + b"\0\0" + NAK[8:])["sqn"] == 7, "none"
    assert probe.pgm_get(HELLO[:6] + b"\0\0" + HELLO[8:]) == -errno.EPROTO, "data has to have one"
    for at in range(len(NAK)):
        wrong = bytearray(NAK)
        wrong[at] ^= 0x20
        assert probe.pgm_get(bytes(wrong)) == -errno.EPROTO
    assert probe.pgm_seal(b"\xff" * 16)[6:8] == b"\xff\xff"  # a sum of 0 is written as FFFF


def options(*each):
    body = b"".join(each)
    return b"\0\4" + (4 + len(body)).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    "given, right",
    [
        (options(b"\x83\x08\0\0\0\0\0\1"), True),  # JOIN
        (options(b"\x03\x08\0\0\0\0\0\1", b"\x8d\4\0\0"), True),
        (options(b"\x03\x08\0\0\0\0\0\1"), True),  # no last one
        (options(b"\xa0\4\1\0"), True),  # unknown, may be ignored
        (options(b"\xa0\4\2\0"), False),  # unknown, and the packet means nothing without it
        (options(b"\x83\x03\0"), False),
        (options(b"\x83\x0c\0\0\0\0\0\1"), False),  # longer than all options
        (options(*[b"\x0d\4\0\0"] * 15, b"\x8d\4\0\0"), True),
        (options(*[b"\x0d\4\0\0"] * 16, b"\x8d\4\0\0"), False),
        (b"\0\4\0\3", False),
        (b"\0\4\xff\xff", False),
        (b"\3\4\0\4", False),
        (options(b"\x82\x04\0\0"), False),
        (options(b"\x82\x07\0\0\0\0\0"), False),
        (options(b"\x81\x0c\0\0" + bytes(8)), False),  # a fragment has three numbers
    ],
)
def test_options(given, right):
    got = probe.pgm_get(data(1, b"x", flags=1, options=given))
    assert got["payload"] == b"x" if right else got == -errno.EPROTO


def test_the_length_of_data_is_compared():
    for told in (0, 8, 10):
        wrong = bytearray(HELLO)
        wrong[14:16] = told.to_bytes(2, "big")
        assert probe.pgm_get(probe.pgm_seal(bytes(wrong))) == -errno.EPROTO


@pytest.mark.parametrize("kind", [1, 2, 3, 6, 7, 9, 11, 13, 15, 0x44, 0x84])
def test_other_packets_are_not_read(kind):
    assert probe.pgm_get(data(1, b"x", kind=kind)) == -errno.EPROTO


def test_any_octets_at_all():
    chance = random.Random(1)
    whole = [NAK, NAK_LIST, SPMR, SPM, FIN, HELLO]
    for _ in range(20000):
        one = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 4)):
            one[chance.randrange(len(one))] = chance.getrandbits(8)
        one = bytes(one[: chance.randint(0, len(one))])
        probe.pgm_get(probe.pgm_seal(one) if len(one) >= 16 else one)


# ---- APDUs


def test_messages_are_joined_and_cut():
    """Whatever their sizes, they come out as they went in, and each offset tells the first that begins."""
    chance = random.Random(2)
    for _ in range(200):
        sent = [tuple(bytes(chance.choice((0, 1, 5, 60, 252, 253, 254, 255, 1000))) for _ in range(chance.randint(1, 3))) for _ in range(chance.randint(1, 30))]
        stream = b"".join(v1(*m) for m in sent)
        source = probe.pgm_Source(**HERE, apdu=chance.choice((3, 5, 40, 300, 1420)), rate=10**12, window=10**6)
        end = receiver(near=chance.choice((0, 10, 10**6)), window=10**6)
        at, now = 0, 1
        while at < len(stream):
            n = source.write(stream[at : at + chance.randint(1, 700)], now, push=chance.random() < 0.3)
            at += max(n, 0)
            now += MS
        source.tick(now)
        got = b"".join(end.packet(p, NLA, now) for _, _, p in source.out)
        assert messages(got) == sent
        assert end.counts()["malformed"] == 0 and end.end() == 0


def test_who_joins_late_begins_with_a_message():
    end = receiver()
    assert end.packet(data(5, b"\xff\xffmiddle"), NLA, 1) == b""
    assert end.packet(data(6, b"\0\3end" + v1(b"first")), NLA, 1) == v1(b"first")


@pytest.mark.parametrize(
    "wrong",
    [b"", b"\0", b"\0\1", b"\xff\xfe", b"\0\5abc", b"\0\1" + v1(b"x"), b"\xff\xff" + v1(b"x"), b"\0\0\0\0", b"\0\0\xff" + bytes(9)],
)
def test_a_wrong_apdu_costs_only_itself(wrong):
    end = receiver()
    assert end.packet(data(0, b"\0\0" + v1(b"before")), NLA, 1) == v1(b"before")
    end.packet(data(1, wrong), NLA, 1)
    assert end.packet(data(2, b"\0\0" + v1(b"after")), NLA, 1) == v1(b"after")
    assert end.counts()["malformed"] == 1


def test_limits_of_messages():
    end = receiver(frame_max=10, bytes_max=15, frames_max=3)
    good = [(b"x" * 10,), (b"x" * 7, b"y" * 8), (b"", b"", b"")]
    bad = [(b"x" * 11,), (b"x" * 8, b"y" * 8), (b"",) * 4, (b"x" * 2**20,)]
    for n, (right, wrong) in enumerate(zip(good * 2, bad * 2)):
        assert messages(end.packet(data(2 * n, b"\0\0" + v1(*right)), NLA, 1)) == [right]
        assert end.packet(data(2 * n + 1, (b"\0\0" + v1(*wrong))[:1400]), NLA, 1) == b""
    assert end.counts()["held"] == 0


def test_an_announced_length_is_not_reserved():
    end = receiver()
    end.packet(data(0, b"\0\0\xff" + (2**62).to_bytes(8, "big") + b"\0some"), NLA, 1)
    assert end.counts()["held"] < 2000
    for n in range(1, 100):
        end.packet(data(n, b"\xff\xff" + bytes(1000)), NLA, 1)
    assert 99000 < end.counts()["held"] < 101000
    assert end.packet(data(101, b"\0\0" + v1(b"x")), NLA, 1) == b""  # 100 is missing
    assert end.end() == 0


def test_what_all_sources_hold_is_bounded():
    end = receiver(held_max=50000)
    for source in range(20):
        gsi = GSI[:5] + bytes([source])
        end.packet(data(0, b"\0\0\xff" + (2**40).to_bytes(8, "big") + b"\0", gsi=gsi), NLA, 1)
        for n in range(1, 20):
            end.packet(data(n + n % 2 * 10, b"\xff\xff" + bytes(1000), gsi=gsi), NLA, 1)
            assert end.counts()["held"] <= 50000
    assert end.end() == 0


def test_fragments_are_put_together():
    def fragment(at, whole):
        return options(b"\x81\x10\0\0" + bytes(4) + at.to_bytes(4, "big") + whole.to_bytes(4, "big"))

    end = receiver()
    apdu = b"\0\0" + v1(b"x" * 100)
    assert end.packet(data(0, apdu[:50], flags=1, options=fragment(0, len(apdu))), NLA, 1) == b""
    assert end.packet(data(1, apdu[50:], flags=1, options=fragment(50, len(apdu))), NLA, 1) == apdu[2:]


# ---- a source


def test_the_rate_is_kept():
    source = probe.pgm_Source(**HERE, rate=100_000, window=1000)
    now, octets, stream = SECOND, 0, v1(b"x" * 200) * 4000
    at = 0
    while now < 3 * SECOND:
        at += max(source.write(stream[at : at + 5000], now), 0)
        assert source.due() > now
        now = source.due()
        source.tick(now)
    octets = sum(len(p) + 28 for _, _, p in source.out if p[4] == 4)
    assert 0.98 < octets / 200_000 < 1.02


def test_a_socket_that_takes_nothing_is_tried_again():
    source = probe.pgm_Source(**HERE)
    source.out.clear()
    source.refuses = errno.EAGAIN
    assert source.write(v1(b"hello"), SECOND) == 7 and source.due() == SECOND + MS
    source.refuses = 0
    source.tick(source.due())
    assert [p for _, _, p in source.out] == [HELLO]


def test_spms_follow_data_and_come_in_silence():
    source = probe.pgm_Source(**HERE, now=SECOND)
    source.out.clear()
    times, start = [], 100 * SECOND
    source.tick(start)
    source.out.clear()
    source.write(v1(b"x"), start)
    while source.due() < start + 200 * SECOND:
        now = source.due()
        source.tick(now)
        times.append((now - start) // MS)
    assert times == [100, 200, 300, 400, 1700, 8700, 24700, 49700, 79700, 109700, 139700, 169700, 199700]


def test_repairs_are_sent_once_and_within_the_window():
    source = probe.pgm_Source(**HERE, rate=10**9, window=10)
    for _ in range(30):
        source.write(v1(b"x"), SECOND)
    source.out.clear()
    assert source.packet(want(8, 25, 3, 26), SECOND) and source.packet(want(8, 25), SECOND)
    assert [(p[4], probe.pgm_get(p)["sqn"]) for _, _, p in source.out] == [(10, 25), (5, 25), (5, 26)]
    assert probe.pgm_get(source.out[0][2])["list"] == [26]
    assert probe.pgm_get(source.out[1][2])["trail"] == 20
    source.packet(want(8, 25), SECOND + 100 * MS)
    assert source.counts()["resent"] == 3


def test_naks_for_others_are_ignored():
    source = probe.pgm_Source(**HERE)
    source.write(v1(b"x"), SECOND)
    source.out.clear()
    source.packet(want(8, 0, nla=bytes(4)), SECOND)
    source.packet(want(8, 0, group=bytes(4)), SECOND)
    assert not source.packet(HELLO, SECOND) and not source.packet(b"", SECOND)
    assert source.out == []
    assert source.packet(want(8, 0), SECOND) and len(source.out) == 2


def test_a_storm_of_naks_stays_within_its_budget():
    source = probe.pgm_Source(**HERE, rate=10**6, window=10000)
    stream = v1(b"x" * 1000) * 1000
    at, now = 0, SECOND
    while at < len(stream):
        at += max(source.write(stream[at : at + 10000], now), 0)
        now += MS
    source.out.clear()
    end = now + SECOND
    while now < end:
        for first in range(0, 630, 63):
            source.packet(want(8, *range(first, first + 63)), now)
        source.tick(now)
        now += MS
    assert sum(len(p) + 28 for _, _, p in source.out if p[4] == 5) < 1_100_000
    assert sum(p[4] == 10 for _, _, p in source.out) < 1100
    assert source.counts()["refused"] > 1000
    assert source.write(v1(b"x"), now) == 3 and source.out[-1][2][4] == 4  # original data is not held up


def test_requests_for_an_spm_are_answered_not_too_often():
    source = probe.pgm_Source(**HERE, now=SECOND)
    source.out.clear()
    for now in range(SECOND, 2 * SECOND, MS):
        source.packet(SPMR, now)
        source.tick(now)
    assert 8 <= len(source.out) <= 10


# ---- a receiver


def test_a_missing_packet_is_asked_for_after_a_request_for_the_path():
    end = receiver()
    end.packet(data(0, b"\0\0" + v1(b"0")), NLA, SECOND)
    assert end.packet(data(2, b"\0\0" + v1(b"2")), NLA, SECOND) == b""
    while not end.out:
        end.tick(end.due())
    assert [(way, p) for way, _, p in end.out] == [(1, SPMR), (TO_ONE, SPMR)]
    end.out.clear()
    now = SECOND + 300 * MS
    end.packet(spm(0, 0, 2), NLA, now)
    while not end.out:
        now = end.due()
        end.tick(now)
    assert end.out == [(TO_ONE, NLA, want(8, 1))]
    assert end.packet(data(1, b"\0\0" + v1(b"1"), kind=5), NLA, now) == v1(b"1") + v1(b"2")
    assert end.counts()["recovered"] == 1 and end.counts()["lost"] == 0


def test_what_is_never_repaired_is_lost_and_reported():
    end = receiver(recovery=2 * SECOND)
    end.packet(spm(0, 0, -1), NLA, SECOND)
    end.packet(data(0, b"\0\0" + v1(b"0", b"0") + v1(b"x" * 50)[:20]), NLA, SECOND)
    end.packet(data(2, b"\0\4xxxx" + v1(b"2")), NLA, SECOND)
    got = b""
    while not got:
        assert end.due() < 10 * SECOND
        now = end.due()
        got = end.tick(now)
    assert got == v1(b"2") and end.counts()["lost"] == 1
    assert 2.9 * SECOND < now < 3.6 * SECOND and end.counts()["naks"] >= 5


def test_what_has_left_the_window_of_the_source_is_lost_at_once():
    end = receiver()
    end.packet(spm(0, 0, -1), NLA, SECOND)
    for sqn in (1, 3):
        end.packet(data(sqn, b"\0\0" + v1(b"%d" % sqn)), NLA, SECOND)
    assert end.packet(data(4, b"\0\0" + v1(b"4"), trail=3), NLA, SECOND) == v1(b"1") + v1(b"3") + v1(b"4")
    assert end.counts()["lost"] == 2


def test_windows_that_jump():
    end = receiver(window=100)
    end.packet(spm(0, 0, -1), NLA, SECOND)
    end.packet(data(0, b"\0\0" + v1(b"0")), NLA, SECOND)
    end.packet(data(2, b"\0\0" + v1(b"2")), NLA, SECOND)
    got = end.packet(data(2**31 - 10, b"\0\0" + v1(b"far")), NLA, SECOND)
    assert got == v1(b"2") and end.counts()["lost"] == 2**31 - 111
    assert end.packet(spm(1, 2**31 - 10, 2**31 - 10), NLA, SECOND) == v1(b"far")
    assert end.packet(data(2**31 + 2**30, b"\0\0" + v1(b"new"), trail=2**31 + 2**30), NLA, SECOND) == v1(b"new")
    assert end.counts()["held"] < 100000


def test_who_is_not_the_source_moves_nothing_on():
    end = receiver(window=1000)
    end.packet(spm(0, 0, -1), NLA, SECOND)
    end.packet(data(0, b"\0\0" + v1(b"0")), NLA, SECOND)
    for sqn in (500, 999, 2**31 - 2):
        end.packet(want(10, sqn), bytes([10, 0, 0, 77]), SECOND)
    before = end.counts()
    assert end.packet(data(1, b"\0\0" + v1(b"1")), NLA, SECOND) == v1(b"1")
    end.tick(2 * SECOND)
    assert end.counts()["naks"] == before["naks"] == 0


def test_absurd_announcements_cost_no_more_than_the_window():
    for packet in (spm(5, 0, 2**31 - 2), want(10, 2**31 - 2), want(10, *range(0, 2**31 - 63, 2**26))):
        end = receiver(window=1000)
        end.packet(spm(0, 0, -1), NLA, SECOND)
        end.packet(packet, NLA, SECOND)
        assert end.counts()["held"] < 100000
        # An NCF beyond the window is not believed: whoever could move it on could make the receiver deaf.
        assert (end.counts()["lost"] > 0) is (packet[4] == 0)
        if packet[4]:
            assert end.packet(data(0, b"\0\0" + v1(b"heard")), NLA, SECOND) == v1(b"heard")
    end = receiver()
    end.packet(spm(0, 5, 3), NLA, SECOND)
    end.packet(spm(1, 10, 3), NLA, SECOND)
    end.packet(data(3, b"\0\0", trail=5), NLA, SECOND)
    assert end.counts()["malformed"] >= 2


def test_made_up_sources_do_not_displace_known_ones():
    end = receiver()
    end.packet(data(0, b"\0\0" + v1(b"0")), NLA, SECOND)
    for n in range(2000):
        end.packet(data(0, b"\0\0" + v1(b"x"), gsi=b"\xff\xff" + n.to_bytes(4, "big")), NLA, SECOND + n)
    assert end.counts()["sources"] == 256 and end.counts()["turned_away"] == 2000 - 255
    assert end.packet(data(1, b"\0\0" + v1(b"1")), NLA, SECOND) == v1(b"1")
    later = 80 * SECOND
    assert end.packet(data(0, b"\0\0" + v1(b"n"), gsi=b"newone"), NLA, later) == v1(b"n")
    while end.counts()["sources"]:
        end.tick(end.due())
    assert end.end() == 0


def test_a_source_keeps_to_its_address():
    end = receiver()
    end.packet(data(0, b"\0\0" + v1(b"0")), NLA, SECOND)
    assert end.packet(data(1, b"\0\0" + v1(b"false")), bytes([10, 0, 0, 2]), SECOND) == b""
    assert end.packet(data(1, b"\0\0" + v1(b"1")), NLA, SECOND) == v1(b"1")
    assert end.counts()["strange"] == 1


def test_what_comes_from_the_past_of_an_unknown_source_begins_nothing():
    end = receiver()
    for past in (data(5, b"\0\0" + v1(b"5"), kind=5), want(10, 5), want(8, 5), SPMR, FIN):
        assert end.packet(past, NLA, SECOND) == b""
    assert end.counts()["sources"] == 0 and end.counts()["strange"] == 5


def test_many_naks_at_once_take_their_time():
    end = receiver(window=100_000)
    end.packet(spm(0, 0, -1), NLA, SECOND)
    end.packet(spm(1, 0, 49_999), NLA, SECOND)
    now, most = SECOND, 0
    for _ in range(50):
        now = end.due()
        end.tick(now)
        most = max(most, len(end.out))
        end.out.clear()
    assert most <= 8 and end.counts()["naks"] > 300
