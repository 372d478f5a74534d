"""Which mechanism can be spoken through which engine. Whoever adds one of either and says nothing gets a refusal, not a connection without security."""

import re
from pathlib import Path

import pytest

import zmqcore as zmq
from zmqcore import _probe

TEXT = (Path(__file__).resolve().parents[2] / "src" / "base" / "engines.pxd").read_text()
ENGINES = {name: int(number) for name, number in re.findall(r"(?m)^    ENGINE_([A-Z]+) = (\d+)", TEXT)}
NULL, PLAIN, CURVE, GSSAPI = zmq.SecurityMechanism
ANOTHER = 99
CARRIES = {
    "ZMTP": {NULL, PLAIN, CURVE, GSSAPI, ANOTHER},
    "RAW": {NULL, PLAIN, CURVE, GSSAPI, ANOTHER},
    "WEBSOCKET": {NULL, PLAIN, CURVE, ANOTHER},
    "PACKED": {NULL, PLAIN},
    "FRAMES": {NULL},
    "DATAGRAM": {NULL},
}


def test_all_engines_are_here():
    assert set(CARRIES) == set(ENGINES)


@pytest.mark.parametrize("engine", CARRIES)
def test_what_an_engine_carries(engine):
    carried = {number for number in (NULL, PLAIN, CURVE, GSSAPI, ANOTHER) if _probe.zmtp_engine_carries(ENGINES[engine], number)}
    assert carried == CARRIES[engine]


def test_an_engine_that_nobody_has_said_anything_of_carries_null():
    carried = {number for number in (NULL, PLAIN, CURVE, GSSAPI, ANOTHER) if _probe.zmtp_engine_carries(ANOTHER, number)}
    assert carried == {NULL}


def test_gssapi_without_encryption_can_be_compressed():
    assert _probe.zmtp_engine_carries(ENGINES["PACKED"], GSSAPI, plaintext=True)
