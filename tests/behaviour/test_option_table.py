"""Every option on every classic type of socket, by the core's table: default, bounds, wrong kinds, wrong types of socket, get after set.

The same expectations hold for pyzmq (ZMQ_MODULE=zmq). Left out there: what a release of libzmq does not have, and features that zmqcore lacks.
"""

import pytest
from platforms import errno

from zmqcore import _core

CLASSIC = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"]
ROWS = [row for row in _core.option_info()[0] if row["name"] != "HWM"]
INT = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)
# What a release of libzmq does not have.
BEYOND_RELEASE = {97, 101, 102, 110, 111, 112, 113, 114, 115, *range(9001, 9010)}
# XPUB: SUBSCRIBE needs XPUB_MANUAL. METADATA and TCP_ACCEPT_FILTER are texts of a form of their own.
MANUAL = {"SUBSCRIBE", "UNSUBSCRIBE", "XPUB_ANSWER"}
# Keys read back as Z85, which pyzmq cannot do.
KEYS = {"CURVE_PUBLICKEY", "CURVE_SECRETKEY", "CURVE_SERVERKEY"}
GIVEN = {"METADATA": b"X-name:value", "TCP_ACCEPT_FILTER": b"127.0.0.1/8", **{name: b"v" * 40 for name in KEYS}}
CLIPPED = {"IN_BATCH_SIZE", "OUT_BATCH_SIZE"}


def refused(zmq, action, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        action(*arguments)
    assert caught.value.errno == errno.EINVAL


def allows(types, number):
    return types is None or number in types


@pytest.fixture(params=CLASSIC)
def kind(request):
    return request.param


@pytest.fixture
def new(zmq, context, kind):
    """new() -> a socket on which nothing has been set."""
    return lambda: context.socket(getattr(zmq, kind))


def rows_of(zmq):
    """The rows that the module under test has."""
    if zmq.__name__ != "zmq":
        return ROWS
    rows = [dict(row) for row in ROWS if row["number"] not in BEYOND_RELEASE and not row["absent"]]
    for row in rows:
        if row["name"] in KEYS:
            row["get_on"] = ()
        if row["name"] == "PLAIN_PASSWORD":
            row["lowest"] = 1
    return rows


def values(row):
    """Numbers that are taken, with what they are read back as, and numbers that are not."""
    lowest, highest = row["lowest"], row["highest"]
    least, most = INT64 if row["kind"] == "int64" else INT
    taken = {n: n for n in (lowest, lowest + 1, 0, 1, highest - 1, highest) if lowest <= n <= highest}
    if row["switch"]:
        taken = {n: int(n != 0) for n in taken}
    if row["name"] == "HEARTBEAT_TTL":
        taken = {n: n // 100 * 100 if n > 0 else 0 for n in taken}
    outside = {n for n in (lowest - 1, highest + 1, least, most) if least <= n <= most and not lowest <= n <= highest}
    if row["name"] in CLIPPED:
        taken |= {n: highest for n in outside if n > highest}
        outside = {n for n in outside if n < lowest}
    return taken, outside


def test_defaults(zmq, new, kind):
    made = new()
    number = getattr(zmq, kind)
    for row in rows_of(zmq):
        option = row["number"]
        if not allows(row["get_on"], number):
            refused(zmq, made.get, option)
        elif row["default"] is not None:
            assert made.get(option) == (0 if number in (row["zero_on"] or ()) else row["default"]), row["name"]


def test_numbers(zmq, new, kind):
    made, number = new(), getattr(zmq, kind)
    for row in rows_of(zmq):
        if row["kind"] == "bytes" or row["adds"] or row["name"] == "OVERFLOW":  # which values depends on the type: test_overflow
            continue
        option = row["number"]
        if not allows(row["set_on"], number):
            for value in (-1, 0, 1):
                refused(zmq, made.set, option, value)
            continue
        readable = allows(row["get_on"], number)
        taken, outside = values(row)
        for value, kept in taken.items():
            made.set(option, value)
            if readable:
                assert made.get(option) == kept, (row["name"], value)
            for bad in outside:
                refused(zmq, made.set, option, bad)
            for wrong in (b"1", b"\0\0\0\0", "1", None, 1.5):
                with pytest.raises(TypeError):
                    made.set(option, wrong)
            if readable:
                assert made.get(option) == kept, row["name"]


def test_bytes(zmq, new, kind):
    made, number = new(), getattr(zmq, kind)
    for row in rows_of(zmq):
        if row["kind"] != "bytes":
            continue
        option = row["number"]
        value = GIVEN.get(row["name"], b"v" * max(row["lowest"], 1))
        if not allows(row["set_on"], number) or (row["name"] in MANUAL and kind == "XPUB"):
            refused(zmq, made.set, option, value)
            continue
        for wrong in (1, "v", None, 1.5):
            with pytest.raises(TypeError):
                made.set(option, wrong)
        if row["absent"]:
            refused(zmq, made.set, option, value)
            continue
        lengths = {row["lowest"], min(row["highest"], 300)} if row["name"] not in GIVEN else set()
        for text in [b"v" * length for length in sorted(lengths)] or [value]:
            made.set(option, text)
            if allows(row["get_on"], number):
                assert made.get(option) == text, row["name"]
        if zmq.__name__ == "zmq" and row["name"] == "CONNECT_ROUTING_ID":
            continue  # libzmq takes ids that no peer could have
        for bad in (row["lowest"] - 1, row["highest"] + 1):
            if 0 <= bad < 2**20:
                refused(zmq, made.set, option, b"v" * bad)


def test_lists_of_numbers(zmq, new, kind):
    for row in rows_of(zmq):
        if row["adds"] and row["kind"] != "bytes":
            made = new()
            for value in (0, 1, 2**31 - 1):
                made.set(row["number"], value)
            refused(zmq, made.get, row["number"])
            for wrong in ("1", None, 1.5):
                with pytest.raises(TypeError):
                    made.set(row["number"], wrong)
