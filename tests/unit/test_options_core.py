"""The option stores of sockets and contexts, through the probe: every option, every classic socket type, every size.

What a release libzmq answers is a fact recorded in tests/data/sockopt_facts.json (by record_sockopts.py beside it). Every place where zmqcore answers
otherwise on purpose is written down here, in `expected()`; everything else must be equal.
"""

import ipaddress
import json
import random
import socket
import struct
import sys
from pathlib import Path

import pytest
from platforms import errno

from zmqcore import _core

_probe = pytest.importorskip("zmqcore._probe", reason="built without ZMQCORE_PROBE=1")

FACTS = json.loads((Path(__file__).parent.parent / "data" / "sockopt_facts.json").read_text())
PROBES = [None if p is None else bytes.fromhex(p) for p in FACTS["probes"]]
TYPES = {"PAIR": 0, "PUB": 1, "SUB": 2, "REQ": 3, "REP": 4, "DEALER": 5, "ROUTER": 6, "PULL": 7, "PUSH": 8, "XPUB": 9, "XSUB": 10}
# What the caller is asked to do or answer; tests/native shows the numbers of src/option/row.h.
SUBSCRIBE, CANCEL, MARKS, RCVMORE, FD, EVENTS, TOPICS_COUNT, LAST_ENDPOINT, THREAD_SAFE, EXACT, NOT_EXACT, EXCLUDE, INCLUDE = range(1, 14)
EINVAL = -errno.EINVAL
NULL = object()

OWN = (*range(9001, 9007), *range(9021, 9028), *range(9041, 9049), 9063, 9064)
WSS = range(103, 108)
GSSAPI = (62, 63, 64, 65, 90, 91)
# Options that a release libzmq, or the recorded one, refuses and zmqcore has, and zmqcore's own: in tests of their own below.
BEYOND_RELEASE = {97, 101, 102, 110, 111, 112, 113, 114, 115, *WSS, *GSSAPI, *OWN}
ANSWERED_BY_CALLER = {13: 0, 14: 7, 15: 2, 32: b"", 81: 0, 116: 0}

ALL = set(TYPES)


# Options that are numbers: what was recorded of them, and is set, are octets in the order of a little-endian machine.
NUMBERS = {row["number"] for row in _core.option_info()[0] if row["kind"] != "bytes"}


def native(option, value):
    """What was recorded, as this machine has it."""
    return value[::-1] if sys.byteorder == "big" and option in NUMBERS and value and len(value) in (4, 8) else value


def i(value):
    return struct.pack("=i", value)


def put(store, option, value):
    return _probe.options_set_raw(store, option, None if value is NULL else value)


def get(store, option, room):
    """(code, octets), as libzmq would answer: what the caller must answer is answered here."""
    code, size, value, _ = _probe.options_get_raw(store, option, room)
    if code > 0:
        code, size, value = _probe.options_answer(ANSWERED_BY_CALLER[option], room)
        value = value[:size]
    return code, value if code == 0 else None


def get_int(store, option):
    code, value = get(store, option, 4)
    assert code == 0
    return struct.unpack("=i", value)[0]


def read_back(store, option):
    """The octets as the recorder reads them."""
    for room in (320, 4, 8):
        code, value = get(store, option, room)
        if code == 0:
            return value
    return None


def expected(option, value, code, after):
    """What zmqcore answers where libzmq answered `code` (0 or -EINVAL) and read back `after`."""
    if option == 49:
        return code, None  # a secret key is not told
    if option == 61 and value and len(value) > 255:
        return EINVAL, None  # libzmq takes routing ids that no peer could have
    if option == 95 and value == b"X-:b":
        return 0, None  # libzmq takes four octets for an int
    return code, after


@pytest.mark.parametrize("option", [int(o) for o in FACTS["options"] if int(o) not in BEYOND_RELEASE])
def test_option_against_recorded_libzmq(option):
    groups = FACTS["options"][str(option)]
    assert sum(len(group["types"]) for group in groups) == len(TYPES)
    for group in groups:
        for name in group["types"]:
            store = _probe.options_new(TYPES[name])
            default = read_back(store, option)
            for room, (number, size, value) in zip(FACTS["get_sizes"], group["get"], strict=True):
                got = get(store, option, room)
                if option == 49:
                    assert got == (EINVAL, None)
                    continue
                if option == 15 and number == 0:
                    assert got[0] == 0 and len(got[1]) == size  # the value depends on a live socket
                elif value is None and number == 0:
                    assert got[0] == 0 and len(got[1]) == size
                else:
                    assert got == (-number, None if value is None else native(option, bytes.fromhex(value))), (name, room)
            after = None
            for value, answer in zip(PROBES, group["set"], strict=True):
                number, changed = answer[0], answer[1:]
                if changed:
                    after = None if changed[0] is None else native(option, bytes.fromhex(changed[0]))
                given = native(option, value)
                before = _probe.options_fingerprint(store)
                code = put(store, option, NULL if value is None else given)
                if option == 55 and not value:
                    number, after = 0, default  # libzmq cannot unset ZAP_DOMAIN
                if option in (45, 46) and value is None:
                    after = default  # libzmq forgets the mechanism, but keeps the text
                want, want_after = expected(option, value, -number, after)
                assert (code if code < 0 else 0) == want, (name, value)
                if code < 0:
                    assert _probe.options_fingerprint(store) == before, (name, value)
                if option not in ANSWERED_BY_CALLER:
                    assert read_back(store, option) == want_after, (name, value)


# option, types that set, types that get, default, taken, refused, what set returns
DRAFT_INTS = [
    (65, ALL, ALL, 0, [0, 1], [-1, 2], 0),
    (90, ALL, ALL, 0, [0, 1, 2], [-1, 3], 0),
    (91, ALL, ALL, 0, [0, 1, 2], [-1, 3], 0),
    (97, {"ROUTER"}, ALL, 0, [0, 1, 2, 3], [-1, 4, 100], 0),
    (101, ALL, ALL, 65536, [1, 8192, 65536], [0, -1], 0),
    (102, ALL, ALL, 262144, [1, 8192, 262144], [0, -1], 0),
    (112, ALL, ALL, 0, [0, 1, 6, 2**31 - 1], [-1], 0),
    (113, ALL, ALL, 0, [0, 1, 50, -1], [], 0),
    (115, {"XSUB"}, set(), None, [0, 1, -5], [], 0),
    (9001, ALL, ALL, 1, [0, 1, 2], [-1, 3], 0),
    (9002, ALL, ALL, 0, [0, 1, 2**31 - 1], [-1], 0),
    (9003, ALL, ALL, 0, [0, 1, 2**31 - 1], [-1], 0),
    (9004, ALL, ALL, 0, [0, 1, 2**31 - 1], [-1], 0),
    (9061, ALL, ALL, 0, [0, 1], [-1, 2], 0),
    (9006, {"PUB", "XPUB"}, {"PUB", "XPUB"}, 0, [0, 1, 2**31 - 1], [-1], 0),
]


@pytest.mark.parametrize("option,setters,getters,default,taken,refused,result", DRAFT_INTS)
def test_int_options_beyond_a_release(option, setters, getters, default, taken, refused, result):
    for name, number in TYPES.items():
        store = _probe.options_new(number)
        for room in (0, 3, 4, 5, 8):
            want = 0 if name in getters and room == 4 else EINVAL
            assert _probe.options_get_raw(store, option, room)[0] == want, (name, room)
        if name in getters:
            assert get_int(store, option) == default
        if name not in setters:
            assert put(store, option, i(taken[0])) == EINVAL
            continue
        for value in taken:
            assert put(store, option, i(value)) == result, (name, value)
            if name in getters:
                assert get_int(store, option) == value
            before = _probe.options_fingerprint(store)
            for bad in [i(v) for v in refused] + [b"", b"\0" * 3, b"\0" * 5, b"\0" * 8, NULL]:
                assert put(store, option, bad) == EINVAL, (name, bad)
            assert _probe.options_fingerprint(store) == before


@pytest.mark.parametrize("option,most", [(101, 65536), (102, 262144)])
def test_a_batch_is_no_larger_than_the_buffers(option, most):
    store = _probe.options_new(0)
    for value in (most + 1, 2**31 - 1):
        assert put(store, option, i(1)) == 0
        assert put(store, option, i(value)) == 0
        assert get_int(store, option) == most


OWN_MESSAGES = [(110, "hello_msg", {"ROUTER", "DEALER"}), (111, "disconnect_msg", {"ROUTER"}), (114, "hiccup_msg", {"DEALER"})]


@pytest.mark.parametrize("option,field,setters", OWN_MESSAGES)
def test_messages_sent_by_the_socket(option, field, setters):
    for name, number in TYPES.items():
        store = _probe.options_new(number)
        assert _probe.options_get_raw(store, option, 64)[0] == EINVAL
        if name not in setters:
            assert put(store, option, b"hello") == EINVAL
            continue
        for value in (b"h", b"hello\0world", b"x" * 100000):
            assert put(store, option, value) == 0
            assert _probe.options_show(store)[field] == value
        for nothing in (b"", NULL):
            assert put(store, option, b"again") == 0
            assert put(store, option, nothing) == 0
            assert _probe.options_show(store)[field] == b""


def test_welcome_message():
    store = _probe.options_new(TYPES["XPUB"])
    assert put(store, 72, b"W\0") == 0
    assert _probe.options_show(store)["xpub_welcome_msg"] == b"W\0"
    assert put(store, 72, NULL) == 0
    assert _probe.options_show(store)["xpub_welcome_msg"] == b""


def test_a_null_pointer_with_a_size_is_refused_everywhere():
    for name, number in TYPES.items():
        store = _probe.options_new(number)
        before = _probe.options_fingerprint(store)
        for option in list(range(130)) + list(OWN):
            for size in (1, 4, 8, 32):
                assert _probe.options_set_raw(store, option, None, size) == EINVAL, (name, option, size)
        assert _probe.options_fingerprint(store) == before


def test_socket_type_out_of_range_is_refused():
    for number in (-1, 31, 32, 1000):
        store = _probe.options_new(number)
        assert put(store, 17, i(0)) == EINVAL
        assert _probe.options_get_raw(store, 17, 4)[0] == EINVAL


def test_defaults_from_the_context():
    assert get_int(_probe.options_new(0, 1, 1), 42) == 1
    assert get_int(_probe.options_new(0, 1, 1), 31) == 0
    assert get_int(_probe.options_new(0, 0, 1), 17) == -1
    assert get_int(_probe.options_new(0, 0, 0), 17) == 0


def test_numbers_of_the_caller_fill_a_larger_buffer_with_zeros():
    assert _probe.options_answer(5, 16) == (0, 4, i(5) + b"\0" * 12)
    assert _probe.options_answer(5, 3)[0] == EINVAL


def test_texts_of_the_caller_count_their_nul():
    assert _probe.options_answer(b"tcp://x", 8) == (0, 8, b"tcp://x\0")
    assert _probe.options_answer(b"tcp://x", 10) == (0, 8, b"tcp://x\0\0\0")
    assert _probe.options_answer(b"tcp://x", 7)[0] == EINVAL


def test_what_the_caller_must_apply_or_do():
    for name, number in TYPES.items():
        asked = {}
        for option in [*range(125), *OWN]:
            store = _probe.options_new(number)
            for value in (b"", i(0), i(1)):
                code = put(store, option, value)
                if code > 0:
                    asked[option] = code
        topics = {6: SUBSCRIBE, 7: CANCEL, 9044: EXACT, 9045: NOT_EXACT, 9046: EXCLUDE, 9047: INCLUDE} if name == "SUB" else {}
        assert asked == {23: MARKS, 24: MARKS, **topics}, name
    sub, xpub = _probe.options_new(TYPES["SUB"]), _probe.options_new(TYPES["XPUB"])
    for option, action in ((6, SUBSCRIBE), (7, CANCEL)):
        assert put(sub, option, b"topic") == action
        assert put(sub, option, NULL) == action
        assert put(xpub, option, b"topic") == EINVAL
    assert put(xpub, 71, i(1)) == 0
    for option, action in ((6, SUBSCRIBE), (7, CANCEL)):
        assert put(xpub, option, b"topic") == action
    assert put(xpub, 71, i(0)) == 0
    assert put(xpub, 6, b"topic") == EINVAL


def test_what_the_caller_must_answer():
    want = {13: RCVMORE, 14: FD, 15: EVENTS, 32: LAST_ENDPOINT, 81: THREAD_SAFE, 116: TOPICS_COUNT}
    for name, number in TYPES.items():
        store = _probe.options_new(number)
        asked = {o: code for o in [*range(125), *OWN] if (code := _probe.options_get_raw(store, o, 4)[0]) > 0}
        assert asked == {o: c for o, c in want.items() if o != 116 or name in {"PUB", "SUB", "XPUB", "XSUB"}}, name


def test_xpub_verbosity_is_one_setting():
    store = _probe.options_new(TYPES["XPUB"])

    def state():
        shown = _probe.options_show(store)
        return shown["xpub_verbose"], shown["xpub_verboser"]

    assert state() == (0, 0)
    put(store, 40, i(1))
    assert state() == (1, 0)
    put(store, 78, i(5))
    assert state() == (1, 1)
    put(store, 40, i(1))
    assert state() == (1, 0)
    put(store, 78, i(0))
    assert state() == (0, 0)


def test_xpub_manual_last_value_implies_manual():
    store = _probe.options_new(TYPES["XPUB"])

    def state():
        shown = _probe.options_show(store)
        return shown["xpub_manual"], shown["xpub_manual_last_value"]

    put(store, 98, i(1))
    assert state() == (1, 1)
    put(store, 71, i(1))
    assert state() == (1, 1)
    put(store, 71, i(0))
    assert state() == (0, 0)
    put(store, 71, i(1))
    assert state() == (1, 0)
    put(store, 98, i(0))
    assert state() == (0, 0)


SWITCHES = [
    (33, "ROUTER", "router_mandatory"),
    (56, "ROUTER", "router_handover"),
    (51, "DEALER", "probe_router"),
    (52, "REQ", "req_correlate"),
    (53, "REQ", "req_relaxed"),
    (69, "PUB", "xpub_nodrop"),
    (108, "XSUB", "only_first_subscribe"),
    (115, "XSUB", "xsub_verbose_unsubscribe"),
]


@pytest.mark.parametrize("option,name,field", SWITCHES)
def test_switches_are_kept_as_zero_or_one(option, name, field):
    store = _probe.options_new(TYPES[name])
    for value in (1, 7, 0):
        assert put(store, option, i(value)) == 0
        assert _probe.options_show(store)[field] == (value != 0)


def test_heartbeat_ttl_in_both_units_and_timeout_default():
    store = _probe.options_new(0)
    assert put(store, 76, i(1999)) == 0
    assert get_int(store, 76) == 1900
    assert _probe.options_show(store)["heartbeat_ttl_ds"] == 19
    assert put(store, 75, i(250)) == 0
    assert _probe.options_show(store)["heartbeat_timeout"] == 250
    assert put(store, 77, i(0)) == 0
    assert _probe.options_show(store)["heartbeat_timeout"] == 0


def test_connect_routing_id_is_taken_once():
    store = _probe.options_new(TYPES["ROUTER"])
    assert _probe.options_take_routing_id(store) == b""
    assert put(store, 61, b"one") == 0
    assert put(store, 61, b"two\0") == 0
    assert _probe.options_take_routing_id(store) == b"two\0"
    assert _probe.options_take_routing_id(store) == b""


def metadata(*pairs):
    return b"".join(bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in pairs)


def test_metadata_is_kept_as_ready_carries_it():
    store = _probe.options_new(0)
    assert put(store, 95, b"X-a:1") == 0
    assert put(store, 95, b"X-bee:two:2") == 0
    assert put(store, 95, b"X-" + b"n" * 253 + b":" + b"v" * 300) == 0
    long_name = b"X-" + b"n" * 253
    assert _probe.options_show(store)["metadata"] == metadata((b"X-a", b"1"), (b"X-bee", b"two:2"), (long_name, b"v" * 300))
    # names are compared without regard to case; the new value stands at the end
    assert put(store, 95, b"X-BEE:three") == 0
    assert put(store, 95, b"X-A:4") == 0
    assert put(store, 95, b"X-b:5") == 0
    assert _probe.options_show(store)["metadata"] == metadata((long_name, b"v" * 300), (b"X-BEE", b"three"), (b"X-A", b"4"), (b"X-b", b"5"))


def test_metadata_is_bounded():
    store = _probe.options_new(0)
    assert put(store, 95, b"X-a:" + b"v" * 80000) == 0
    before = _probe.options_fingerprint(store)
    assert put(store, 95, b"X-b:" + b"v" * 80000) == EINVAL
    assert put(store, 95, b"X-c:" + b"v" * 200000) == EINVAL
    assert _probe.options_fingerprint(store) == before


@pytest.mark.parametrize("name,option", [("ipc_pid", 58), ("ipc_uid", 59), ("ipc_gid", 60)])
def test_ipc_filters(name, option):
    store = _probe.options_new(0)
    others = {"ipc_pid", "ipc_uid", "ipc_gid"} - {name}
    for value in (0, 1000, -1):
        assert put(store, option, i(value)) == 0
    assert _probe.options_show(store)[name] == [0, 1000, 2**32 - 1]
    assert all(_probe.options_show(store)[other] == [] for other in others)
    assert put(store, option, b"") == EINVAL
    assert put(store, option, NULL) == 0
    assert _probe.options_show(store)[name] == []


FILTERS = [
    (b"127.0.0.1", b"127.0.0.1/32"),
    (b"10.1.2.3/8", b"10.1.2.3/8"),
    (b"0.0.0.0/0", b"0.0.0.0/0"),
    (b"127.1", b"127.0.0.1/32"),
    (b"10", b"0.0.0.10/32"),
    (b"0x7f.1/8", b"127.0.0.1/8"),
    (b"010.0.0.1", b"8.0.0.1/32"),
    (b"1.2.3", b"1.2.0.3/32"),
    (b"1.2.65535", b"1.2.255.255/32"),
    (b"1.16777215", b"1.255.255.255/32"),
    (b"4294967295", b"255.255.255.255/32"),
    (b"127.0.0.1\0junk", b"127.0.0.1/32"),
    (b"127.0.0.1/ 8x", b"127.0.0.1/8"),
]
FILTERS_V6 = [
    (b"::1", b"0000:0000:0000:0000:0000:0000:0000:0001/128"),
    (b"::", b"0000:0000:0000:0000:0000:0000:0000:0000/128"),
    (b"::/0", b"0000:0000:0000:0000:0000:0000:0000:0000/0"),
    (b"[::1]/64", b"0000:0000:0000:0000:0000:0000:0000:0001/64"),
    (b"fe80::aB", b"fe80:0000:0000:0000:0000:0000:0000:00ab/128"),
    (b"1:2:3:4:5:6:7:8", b"0001:0002:0003:0004:0005:0006:0007:0008/128"),
    (b"1:2:3:4:5:6:7::", b"0001:0002:0003:0004:0005:0006:0007:0000/128"),
    (b"::2:3:4:5:6:7:8", b"0000:0002:0003:0004:0005:0006:0007:0008/128"),
    (b"1::3:4:5:6:7:8", b"0001:0000:0003:0004:0005:0006:0007:0008/128"),
    (b"1:2::", b"0001:0002:0000:0000:0000:0000:0000:0000/128"),
    (b"::1.2.3.4", b"0000:0000:0000:0000:0000:0000:0102:0304/128"),
    (b"::ffff:1.2.3.4/95", b"0000:0000:0000:0000:0000:ffff:0102:0304/95"),
    (b"::ffff:1.2.3.4/96", b"1.2.3.4/0"),  # the IPv4 addresses that these are
    (b"::ffff:1.2.3.4", b"1.2.3.4/32"),
    (b"1:2:3:4:5:6:1.2.3.4", b"0001:0002:0003:0004:0005:0006:0102:0304/128"),
]
# fmt: off
NO_FILTERS = [
    b"", b"/8", b"127.0.0.1/", b"127.0.0.1/33", b"127.0.0.1/-1", b"127.0.0.1/00", b"127.0.0.1/a", b"127.0.0.1/99999999999", b"127.0.0.1/4294967304",
    b"1.2.3.4.", b"1.2.3.4.5", b"1..2", b".1", b"0x.1", b"08.1.1.1", b"256.1.1.1", b"1.256.1", b"1.16777216", b"1.2.65536", b"4294967296",
    b" 127.0.0.1", b"127.0.0.1 ", b"localhost", b"*", b"127.0.0.1:80", b"1.2.3.4/5/6", b"\0", b"1.2.3.4/" + b"8" * 300,
    b":::", b":1", b"1:", b"::1:", b"1:::2", b"1::2::3", b"12345::1", b"1:2:3:4:5:6:7", b"1:2:3:4:5:6:7:8:9", b"1:2:3:4:5:6:7:8::", b"::g", b"::1.2.3",
    b"::1.2.3.4.5", b"::1.2.3.256", b"::01.2.3.4", b"1.2.3.4::", b"1:2:3:4:5:6:7:1.2.3.4", b"::1/129", b"[::1", b"::1]", b"[]", b"[:]", b"fe80::1%lo",
]
# fmt: on


@pytest.mark.parametrize("text,kept", FILTERS + FILTERS_V6)
def test_accept_filters_are_kept_in_one_form(text, kept):
    v4_only, both = _probe.options_new(0, 0), _probe.options_new(0, 1)
    assert put(both, 38, text) == 0
    assert _probe.options_show(both)["tcp_accept_filters"] == [kept]
    assert put(v4_only, 38, text) == (EINVAL if (text, kept) in FILTERS_V6 else 0)


@pytest.mark.parametrize("text", NO_FILTERS)
def test_what_is_no_accept_filter(text):
    for store in (_probe.options_new(0, 0), _probe.options_new(0, 1)):
        assert put(store, 38, b"1.2.3.4") == 0
        assert put(store, 38, text) == EINVAL
        assert _probe.options_show(store)["tcp_accept_filters"] == [b"1.2.3.4/32"]


def disturbed(rng, text, alphabet):
    text = list(text)
    for _ in range(rng.choice([0, 0, 1, 2])):
        at = rng.randrange(len(text) + 1)
        text[at : at + rng.randrange(2)] = rng.choice(alphabet) if rng.random() < 0.7 else ""
    return "".join(text)


def normal_form(text):
    """By the standard library: what is kept for `text`, or None for no address."""
    try:
        return socket.inet_ntoa(socket.inet_aton(text)) + "/32"
    except OSError:
        pass
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    if address.ipv4_mapped:
        return f"{address.ipv4_mapped}/32"
    return address.packed.hex(":", 2) + "/128"  # str() and exploded differ between versions of Python


def test_addresses_against_the_standard_library():
    rng = random.Random("addresses")
    outcomes = {"refused": 0, "IPv4": 0, "IPv6": 0}
    for _ in range(20000):
        if rng.random() < 0.5:
            numbers = [rng.choice([0, 1, 255, 256, rng.randrange(2 ** rng.randrange(1, 33))]) for _ in range(rng.randrange(1, 6))]
            text = disturbed(rng, ".".join(rng.choice([str(n), f"0x{n:x}", f"0{n:o}"]) for n in numbers), "0189afxX.:-")
        else:
            groups = [f"{rng.choice([0, 1, 0xFFFF, rng.randrange(65536)]):x}" for _ in range(rng.randrange(1, 9))]
            if rng.random() < 0.3:
                groups[-1] = f"1.2.3.{rng.randrange(300)}"
            if rng.random() < 0.6:
                groups.insert(rng.randrange(len(groups) + 1), "")
            text = disturbed(rng, ":".join(groups), "0123fF:.g")
        want = normal_form(text)
        store = _probe.options_new(0, 1)
        assert put(store, 38, text.encode()) == (0 if want else EINVAL), text
        assert _probe.options_show(store)["tcp_accept_filters"] == ([want.encode()] if want else []), text
        outcomes["refused" if want is None else "IPv6" if ":" in want else "IPv4"] += 1
    assert min(outcomes.values()) > 1000, outcomes


def test_accept_filters_add_up_and_are_cleared():
    store = _probe.options_new(0)
    for number in range(300):
        assert put(store, 38, b"10.0.%d.%d/24" % (number // 256, number % 256)) == 0
    shown = _probe.options_show(store)["tcp_accept_filters"]
    assert len(shown) == 300 and shown[299] == b"10.0.1.43/24"
    assert put(store, 38, NULL) == 0
    assert _probe.options_show(store)["tcp_accept_filters"] == []


KINDS_BYTES = {*range(9021, 9025), *range(9044, 9048), 9064, 5, 6, 7, 38, 61, 72, 95, 103, 104, 105, 106, 110, 111, 114}
KINDS_TEXT = {32, 45, 46, 55, 63, 64, 68, 92, 99, 100}
KINDS_INT64 = {4, 22, 85, 86, 87, 9005}
KINDS_KEY = {48, 49, 50}
NO_OPTION = {-1, 0, 2, 3, 10, 20, 26, 29, 30, 67, 82, 83, 125, 126, 200, 9000, 9007, 2**31 - 1}


def kind_of(option):
    if option in NO_OPTION:
        return 0
    for kind, options in ((2, KINDS_INT64), (3, KINDS_BYTES), (4, KINDS_TEXT), (5, KINDS_KEY)):
        if option in options:
            return kind
    return 1


def test_kinds():
    for option in list(range(-1, 127)) + [200, 9000, *OWN, 9007, 2**31 - 1]:
        want = kind_of(option)
        assert _probe.options_kind(option) == want, option


def test_the_record_is_small():
    assert _probe.options_sizeof() <= 808


# What a successful set may change, besides the option's own read-back.
ALSO = {
    **{wss: {tls} for wss, tls in zip(WSS, (9022, 9021, 9023, 9024, 9025), strict=True)},  # two names of one setting
    31: {42},
    **dict.fromkeys((44, 45, 46, 47, 48, 49, 50, 62, 63, 64), {43, 44, 47, 62}),  # MECHANISM, and who is a server of what
    33: {"router_mandatory"},
    38: {"tcp_accept_filters"},
    40: {"xpub_verbose", "xpub_verboser"},
    42: {31},
    51: {"probe_router"},
    52: {"req_correlate"},
    53: {"req_relaxed"},
    56: {"router_handover"},
    58: {"ipc_pid"},
    59: {"ipc_uid"},
    60: {"ipc_gid"},
    61: {"connect_routing_id"},
    69: {"xpub_nodrop"},
    71: {"xpub_manual", "xpub_manual_last_value"},
    72: {"xpub_welcome_msg"},
    75: {"heartbeat_timeout"},
    76: {"heartbeat_ttl_ds"},
    77: {"heartbeat_timeout"},
    78: {"xpub_verbose", "xpub_verboser"},
    95: {"metadata"},
    98: {"xpub_manual", "xpub_manual_last_value"},
    108: {"only_first_subscribe"},
    110: {"hello_msg"},
    111: {"disconnect_msg"},
    114: {"hiccup_msg"},
    115: {"xsub_verbose_unsubscribe"},
}
READABLE = [o for o in list(range(1, 125)) + list(OWN) if o not in ANSWERED_BY_CALLER]


def observe(store):
    seen = {option: read_back(store, option) for option in READABLE}
    seen.update(_probe.options_show(store))
    return seen


def random_value(rng):
    choice = rng.randrange(8)
    if choice < 3:
        return i(rng.choice([rng.randrange(-3, 4), rng.randrange(-(2**31), 2**31)]))
    if choice == 3:
        return struct.pack("=q", rng.randrange(-(2**63), 2**63))
    if choice == 4:
        return rng.choice([p for p in PROBES if p is not None])
    if choice == 5:
        return NULL
    return bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 16, 17, 32, 41, 255, 256, 300])))


@pytest.mark.parametrize("name", sorted(TYPES))
def test_fuzz_no_option_changes_another(name):
    rng = random.Random("options " + name)
    store = _probe.options_new(TYPES[name])
    seen = observe(store)
    accepted = 0
    for _ in range(4000):
        option = rng.choice(READABLE) if rng.random() < 0.95 else rng.randrange(-(2**31), 2**31)
        value = random_value(rng)
        before = _probe.options_fingerprint(store)
        code = put(store, option, value)
        topical = (SUBSCRIBE, CANCEL, EXACT, NOT_EXACT, EXCLUDE, INCLUDE)
        assert code in (0, *topical, MARKS, EINVAL)
        if code in (EINVAL, *topical):
            assert _probe.options_fingerprint(store) == before
            continue
        accepted += 1
        now = observe(store)
        changed = {key for key in now if now[key] != seen[key]}
        assert changed <= {option} | ALSO.get(option, set()), (option, value)
        seen = now
        _probe.options_get_raw(store, rng.choice(READABLE), rng.randrange(0, 300))
    assert accepted > 100


# ---- contexts


@pytest.mark.parametrize("option", [int(o) for o in FACTS["context"]])
def test_context_option_against_recorded_libzmq(option):
    facts = FACTS["context"][str(option)]
    store = _probe.options_context_new()

    def read():
        code, value = _probe.options_context_get(store, option)
        return [-code, value if code == 0 else -1]

    assert read() == facts["default"]
    for value, number, after in facts["set"]:
        assert _probe.options_context_set(store, option, value) == -number, value
        assert read() == after, value


def test_context_affinity_is_a_set():
    store = _probe.options_context_new()
    assert _probe.options_context_set(store, 8, 1) == EINVAL
    for cpu in (1, 5, 1, 0, 2**31 - 1):
        assert _probe.options_context_set(store, 7, cpu) == 0
    assert _probe.options_context_cpus(store) == [0, 1, 5, 2**31 - 1]
    assert _probe.options_context_set(store, 8, 1) == 0
    assert _probe.options_context_set(store, 8, 1) == EINVAL
    assert _probe.options_context_set(store, 8, 2) == EINVAL
    assert _probe.options_context_cpus(store) == [0, 5, 2**31 - 1]


def test_context_thread_name_prefix():
    store = _probe.options_context_new()
    assert _probe.options_context_text(store) == b""
    for bad in (b"", b"x" * 17):
        assert _probe.options_context_set_text(store, 9, bad) == EINVAL
    for good in (b"a", b"name", b"x" * 16):
        assert _probe.options_context_set_text(store, 9, good) == 0
        assert _probe.options_context_text(store) == good
        assert _probe.options_context_get(store, 9) == (0, 0)
    assert _probe.options_context_set(store, 9, 1234) == 0
    assert _probe.options_context_text(store) == b"1234"
    assert _probe.options_context_get(store, 9) == (0, 1234)
    for number in (-1, 1, 42, 99):
        assert _probe.options_context_set_text(store, number, b"text") == EINVAL
