"""The corpus of the socket fuzzer again, and random changes of it, without libFuzzer. What an input is: tests/native/sim/conversation.pxi."""

import os

import conversations
import pytest

sim = pytest.importorskip("zmqcore._conversations", reason="built without ZMQCORE_SIM=1")

pytestmark = [pytest.mark.better, pytest.mark.timeout(600)]
ROUNDS = int(os.environ.get("ZMQCORE_CONVERSATIONS", "12000"))  # for each type


@pytest.mark.parametrize("octets", conversations.CASES.values(), ids=conversations.CASES)
def test_conversation(octets):
    finding, text, _ = sim.converse(octets)
    assert finding == 0, text


def test_kept_conversations():
    for octets in conversations.found():
        finding, text, _ = sim.converse(octets)
        assert finding == 0, f"{octets.hex()}: {text}"


@pytest.mark.parametrize("kind", conversations.KINDS, ids=conversations.TYPES)
def test_random_conversations(kind):
    kept = [bytes([kind]) + octets[1:] for octets in [*conversations.found(), *conversations.CASES.values()]]
    found = sim.converse_at_random(kept, 20261126 + kind, ROUNDS)
    assert found is None, f"{found[2]}: {found[0].hex()}"


def test_the_same_conversation_runs_the_same():
    for octets in conversations.CASES.values():
        assert sim.converse(octets) == sim.converse(octets)
