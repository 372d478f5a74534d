"""The tables of the socket types: names, numbers, and who talks to whom."""

import re
from pathlib import Path

import pytest

import zmqcore as zmq
from zmqcore import _probe

ROOT = Path(__file__).resolve().parents[2]

PEERS = {
    "REQ": "REP ROUTER",
    "REP": "REQ DEALER",
    "DEALER": "REP DEALER ROUTER",
    "ROUTER": "REQ DEALER ROUTER",
    "PUB": "SUB XSUB",
    "XPUB": "SUB XSUB",
    "SUB": "PUB XPUB",
    "XSUB": "PUB XPUB",
    "PUSH": "PULL",
    "PULL": "PUSH",
    "PAIR": "PAIR",
    "STREAM": "",
    "SERVER": "CLIENT",
    "CLIENT": "SERVER",
    "SCATTER": "GATHER",
    "GATHER": "SCATTER",
    "PEER": "PEER",
    "CHANNEL": "CHANNEL",
    "RADIO": "DISH",
    "DGRAM": "",
    "DISH": "RADIO",
}


def accepts(local, peer):
    return _probe.zmtp_is_peer(_probe.pattern_type(zmq.SocketType[local])[1].encode(), peer)


def test_names_and_numbers():
    built_in = {number: _probe.pattern_type(number)[0] for number in range(-3, 300) if _probe.pattern_type(number)}
    assert built_in == {int(zmq.SocketType[name]): name for name in PEERS}


@pytest.mark.parametrize("local", PEERS)
def test_who_talks_to_whom(local):
    assert {peer for peer in PEERS if accepts(local, peer.encode())} == set(PEERS[local].split())


@pytest.mark.parametrize("local", PEERS)
@pytest.mark.parametrize("name", [b"", b" ", b"pair", b"REP ROUTER", b"PUB\0", b"ROUTE", b"ROUTERS", b"REP ", b" REP", b"X"])
def test_a_name_is_taken_whole(local, name):
    assert not accepts(local, name)


def test_acceptance_is_mutual():
    for a in PEERS:
        for b in PEERS:
            assert accepts(a, b.encode()) == accepts(b, a.encode())


def test_each_trait_has_a_bit_of_its_own():
    traits = (ROOT / "src" / "pattern" / "ops.pxd").read_text().split("# pattern_ops_t.traits", 1)[1].split("cdef enum", 1)[0]
    bits = [eval(value) for value in re.findall(r"(?m)^    [A-Z_]+ = (1(?: << \d+)?) ", traits)]
    assert len(bits) > 8 and len(set(bits)) == len(bits)
