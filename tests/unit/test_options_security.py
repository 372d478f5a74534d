"""Security options: which mechanism they choose, keys, texts, and that they are forgotten."""

import re
from pathlib import Path

import pytest
from test_options_core import EINVAL, NULL, TYPES, get, get_int, i, put

from zmqcore import _probe

NULL_MECHANISM, PLAIN, CURVE, KERBEROS = range(4)
ROOT = Path(__file__).resolve().parents[2]
KEY, KEY_TEXT = bytes(range(32)), b"009c61o!#m2NH?C3>iWS5d]J*6CRx17-skh9337x"


# What bind() and connect() make contexts, keys and tickets of: user, password, the keys of CURVE, principals, the texts of TLS and WSS.
MADE_OF = {45, 46, 48, 49, 50, 63, 64, *range(103, 107), *range(9021, 9025)}


def chosen(store):
    """(MECHANISM, PLAIN_SERVER, CURVE_SERVER)"""
    return tuple(get_int(store, option) for option in (43, 44, 47))


@pytest.mark.parametrize(("first", "second", "after"), [
    ((62, i(1)), (63, b"us"), (KERBEROS, 1)), ((63, b"us"), (62, i(1)), (KERBEROS, 1)), ((62, i(1)), (64, b"them"), (KERBEROS, 0)),
    ((62, i(1)), (62, i(0)), (0, 0)), ((62, i(1)), (44, i(1)), (PLAIN, 0)), ((44, i(1)), (64, b"them"), (KERBEROS, 0)), ((63, b"us"), (63, NULL), (0, 0)),
])  # fmt: skip
def test_who_is_the_server_of_gssapi(first, second, after):
    store = _probe.options_new(0)
    assert put(store, *first) == 0 and put(store, *second) == 0
    assert (get_int(store, 43), get_int(store, 62)) == after


@pytest.mark.parametrize("option", [63, 64])
def test_principals_are_texts(option):
    store = _probe.options_new(0)
    assert get(store, option, 1) == (0, b"\0")
    for name in (b"u", b"u" * 255):
        assert put(store, option, name) == 0
        assert get(store, option, 256) == (0, name + b"\0")
    for bad in (b"", b"u" * 256):
        assert put(store, option, bad) == EINVAL


@pytest.mark.parametrize(
    ("option", "value", "after"),
    [
        (44, i(1), (PLAIN, 1, 0)), (44, i(0), (0, 0, 0)), (45, b"user", (PLAIN, 0, 0)), (46, b"password", (PLAIN, 0, 0)),
        (45, NULL, (0, 0, 0)), (46, NULL, (0, 0, 0)), (47, i(1), (CURVE, 0, 1)), (47, i(0), (0, 0, 0)), (50, KEY, (CURVE, 0, 0)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [None, (44, i(1)), (45, b"other"), (47, i(1)), (50, KEY), (48, KEY)])
def test_the_security_option_set_last_chooses_the_mechanism(before, option, value, after):
    store = _probe.options_new(0)
    if before:
        assert put(store, *before) == 0
    assert put(store, option, value) == 0
    assert chosen(store) == after


@pytest.mark.parametrize("option", [48, 49])
def test_a_key_of_ones_own_chooses_curve_for_either_side(option):
    store = _probe.options_new(0)
    assert put(store, option, KEY) == 0 and chosen(store) == (CURVE, 0, 0)
    assert put(store, 47, i(1)) == 0
    assert put(store, option, KEY) == 0 and chosen(store) == (CURVE, 0, 1)


@pytest.mark.parametrize("form", [KEY, KEY_TEXT, KEY_TEXT + b"\0"])
@pytest.mark.parametrize("option", [48, 50])
def test_a_key_in_each_of_its_forms(option, form):
    store = _probe.options_new(0)
    assert put(store, option, form) == 0
    assert get(store, option, 32) == (0, KEY)
    assert get(store, option, 41) == (0, KEY_TEXT + b"\0")
    for room in (31, 33, 40, 42, 320):
        assert get(store, option, room)[0] == EINVAL
    before = _probe.options_fingerprint(store)
    for bad in (b"", NULL, KEY[1:], KEY + b"\0", KEY_TEXT[1:], KEY_TEXT + b"0", b"#" * 40, b" " * 40, b"\xff" * 40, b"0" * 39 + b"\0", b"0" * 80):
        assert put(store, option, bad) == EINVAL
    assert _probe.options_fingerprint(store) == before
    assert get(store, option, 32) == (0, KEY)


def test_an_endpoint_keeps_no_second_copy_of_keys_passwords_and_pem_texts():
    store = _probe.options_new(TYPES["DEALER"])
    wanted = {option: b"" for option in _probe.options_of_bytes()}
    for option in wanted:
        if put(store, option, KEY if option in (48, 49, 50) else b"text") == 0:
            wanted[option] = _probe.options_owned(store, option)
    assert MADE_OF <= {option for option, value in wanted.items() if value}
    copy = _probe.options_copied(store)
    assert {option: _probe.options_owned(copy, option) for option in wanted} == {o: b"" if o in MADE_OF else v for o, v in wanted.items()}
    assert {option: _probe.options_owned(store, option) for option in wanted} == wanted


def forgotten_texts(struct, copying):
    """Texts of security_t that an endpoint would borrow from options which may be set again: of the socket's, and gone."""
    fields = struct.split("cdef struct security_t:", 1)[1]
    take = copying.split("int credentials_take(", 1)[1].split("\ncdef inline ", 1)[0]
    total, copies = take.split("c.size = size", 1)
    texts = re.findall(r"(?m)^    const unsigned char \*(\w+)", fields)
    sized = {name for name in texts if re.search(rf"(?m)^    size_t {name}_size$", fields)}
    keys = len(texts) - len(sized)
    found = [name for name in texts if f"credentials_keep(&c.security.{name}, {f't.{name}_size' if name in sized else 'CURVE_KEY_SIZE'}, &at)" not in copies]
    found += [f"{name}_size" for name in sorted(sized) if f"+ t.{name}_size" not in total]
    return found + ([] if f"+ {keys} * CURVE_KEY_SIZE" in total else ["keys"])


def test_an_endpoint_copies_every_text_that_a_mechanism_is_told():
    struct, copying = (ROOT / "src" / "mechanism" / "security.pxd").read_text(), (ROOT / "src" / "socket" / "security.pxd").read_text()
    assert forgotten_texts(struct, copying) == []
    assert forgotten_texts(struct + "    const unsigned char *token\n    size_t token_size\n", copying) == ["token", "token_size"]
    assert forgotten_texts(struct + "    const unsigned char *other_key\n", copying) == ["other_key", "keys"]
