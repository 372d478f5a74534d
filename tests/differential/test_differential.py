"""Programs of API calls do the same on zmqcore and on libzmq, except where docs/differences.md says otherwise.

The seeds are fixed: libzmq's own timing differs from run to run, and a fresh program that finds something new should not fail somebody else's
change. `differential.py` looks for new ones.
"""
import importlib.util
import os
import sys

import differential
import programs
import pytest

SEEDS = range(0, 240)

pytestmark = [
    pytest.mark.skipif(os.environ.get("ZMQ_MODULE", "zmqcore") != "zmqcore", reason="compares both libraries by itself"),
    pytest.mark.skipif(importlib.util.find_spec("zmq") is None, reason="pyzmq is the other side"),
    pytest.mark.skipif(sys.platform == "win32", reason="waits for a child's answer with select()"),
]


@pytest.mark.timeout(400)
def test_random_programs_do_the_same_on_both():
    run, unknown, _known, _table = differential.search(SEEDS, workers=8, out=lambda text: None)
    assert run == len(SEEDS)
    assert not unknown, "\n".join(str(report) for _count, report in unknown.values())


def test_a_difference_is_found_shrunk_and_told():
    """The machine itself: an ipc address bound twice is taken over by libzmq and refused here."""
    program = {"sockets": [{"type": "PULL", "options": []}, {"type": "PULL", "options": [["RCVHWM", 5]]}], "endpoints": ["ipc"],
               "calls": [["bind", 0, 0], ["events", 0], ["recv", 0], ["bind", 1, 0], ["poll_in", 1]]}
    pair = differential.Pair()
    try:
        found = pair.confirmed(program)
        assert found[0] == "bind PULL network: done / EADDRINUSE"
        assert differential.Table().decided(found[0])
        program = differential.shrunk(pair, program, found[0])
        assert program["calls"] == [["bind", 0, 0], ["bind", 1, 0]] and program["sockets"][1]["options"] == []
        assert "s1.bind(0)" in differential.told(program, pair.compare(program), 7)
        assert pair.compare({**program, "calls": program["calls"][:1]}) is None
    finally:
        pair.close()


def test_the_option_events_is_the_attribute():
    """libzmq counts a message without an envelope; differences.md decides it by one name."""
    pair = differential.Pair()
    calls = [["bind", 0, 0], ["connect", 1, 0], ["send", 1, ["x"]], ["get", 0, "EVENTS"]]
    try:
        found = pair.compare({"sockets": [{"type": kind, "options": []} for kind in ("REP", "DEALER")], "endpoints": ["inproc"], "calls": calls})
        assert found[0] == "events REP inproc: 1 / 0"
        assert differential.Table().decided(found[0])
    finally:
        pair.close()


def test_a_library_that_dies_is_told_and_started_again(monkeypatch):
    pair = differential.Pair()
    program = {"sockets": [{"type": "PULL", "options": []}], "endpoints": ["inproc"], "calls": [["bind", 0, 0]]}
    try:
        assert pair.compare(program) is None
        pair.children[1].process.kill()
        assert pair.compare(program)[0].startswith("zmqcore ended: ")
        assert pair.compare(program) is None
    finally:
        pair.close()


def test_the_page_decides_kinds_it_names_and_no_others():
    table = differential.Table()
    assert table.decided("bind ROUTER network: done / EADDRINUSE")
    assert table.decided("libzmq ended: status -6")
    assert not table.decided("zmqcore ended: status -11")
    assert not table.decided("send PUSH network: done / EAGAIN")
    assert not table.decided("recv PULL inproc: message / EAGAIN")
    assert table.decided("send DEALER network misfit: done / EAGAIN") and table.decided("seen REP network: order / order")
    assert not table.decided("seen PULL network: ACCEPTED / nothing")
    assert table.decided("seen PULL network again: nothing / ACCEPTED HANDSHAKE_SUCCEEDED") and not table.decided("seen PULL network: nothing / ACCEPTED")


def test_types_that_do_not_fit_are_told():
    program = {"sockets": [{"type": "REQ", "options": []}, {"type": "DEALER", "options": []}], "endpoints": ["ipc", "inproc"],
               "calls": [["bind", 0, 0], ["connect", 1, 0]]}
    assert differential.transports(program, 0) == "network misfit"
    assert differential.transports({**program, "endpoints": ["inproc"]}, 0) == "inproc"
    program["sockets"][0]["type"] = "ROUTER"
    assert differential.transports(program, 1) == "network"


def test_a_second_bind_of_an_endpoint_is_told():
    program = {"sockets": [{"type": "PULL", "options": []}], "endpoints": ["tcp"], "calls": [["bind", 0, 0], ["unbind", 0, 0]]}
    assert differential.transports(program, 0) == "network"
    assert differential.transports({**program, "calls": [*program["calls"], ["bind", 0, 0]]}, 0) == "network again"


def test_a_req_that_meets_a_req_is_told():
    program = {"sockets": [{"type": "REQ", "options": []}, {"type": "REQ", "options": []}], "endpoints": ["inproc"],
               "calls": [["connect", 1, 0], ["bind", 0, 0]]}
    assert differential.transports(program, 0) == "inproc askers"
    assert differential.transports({**program, "calls": program["calls"][:1]}, 1) == "inproc"
    program["sockets"][1]["type"] = "REP"
    assert differential.transports(program, 1) == "inproc"


@pytest.mark.parametrize(("one", "other", "same"), [
    ([["<id 0>", "a"], ["<id 1>", "b"]], [["<id 0>", "b"], ["<id 1>", "a"]], True),
    ([["<id 0>", "a"], ["<id 1>", "b"], ["<id 0>", "c"]], [["<id 0>", "b"], ["<id 1>", "a"], ["<id 1>", "c"]], True),
    ([["<id 0>", "a"], ["<id 1>", "b"], ["<id 0>", "c"]], [["<id 0>", "b"], ["<id 1>", "a"], ["<id 0>", "c"]], False),
    ([["<id 0>", "a"], ["<id 1>", "b"]], [["<id 0>", "b"], ["<id 0>", "a"]], False),
    ([["<id 0>", "a"]], [["<id 0>", "a"], ["<id 0>", "a"]], False),
    (["<id 0>", "a"], ["a", "<id 7>"], True),
])  # fmt: skip
def test_ids_that_a_library_makes_are_told_apart_by_what_they_have_sent(one, other, same):
    assert (differential.unordered(one) == differential.unordered(other)) is same


def test_a_seed_is_always_the_same_program():
    assert programs.make(41) == programs.make(41) != programs.make(42)
