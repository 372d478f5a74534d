"""The patterns that most stacks have, with stacks whose tool chains the ordinary tests do without: OMQ and zmq.rs (Rust), go-zeromq (Go).

`tests/interop/more_peers.sh` builds the peers and runs this. Each is a process of its own; they bind, and we bind. What a stack gets wrong stands in
WRONG, and is tried all the same: a row that passes one day fails here, and goes.
"""

import pytest
from test_matrix import MESSAGES, End, exchange

STACKS = ["omq", "zmq.rs", "go-zeromq"]
PAIRS = [
    ("REQ", "REP"), ("REP", "REQ"), ("PUSH", "PULL"), ("PULL", "PUSH"), ("PUB", "SUB"), ("SUB", "PUB"), ("DEALER", "ROUTER"), ("ROUTER", "DEALER"),
]  # fmt: skip

# (stack, its type): what it does wrong, to libzmq's sockets as to ours
WRONG = {("go-zeromq", "REP"): "takes an empty first frame of a question for a part of the envelope, and answers with one more"}
# The same, of what passes with messages that the system takes at once.
LARGE = 1000000
WRONG_IF_LARGE = {("zmq.rs", "PUB"): "leaves what the system does not take at once until it sends the next message"}
# zmq.rs and go-zeromq have one more, which their peers make up for: a send fails where others wait, as long as there is no peer (peers/more).


def is_large(message):
    return any(word[0] == "p" and int(word.partition(":")[2]) > LARGE for word in message)


def cases():
    for stack in STACKS:
        for ours, theirs in PAIRS:
            for binds in ("local-binds", "peer-binds"):
                reason = WRONG.get((stack, theirs))
                marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
                yield pytest.param(stack, ours, theirs, binds, marks=marks, id=f"{stack}-{ours}-{theirs}-{binds}")


@pytest.mark.parametrize("stack, ours, theirs, binds", list(cases()))
def test_pair_of_types(monkeypatch, local, remotes, fresh, stack, ours, theirs, binds):
    if (stack, theirs) in WRONG_IF_LARGE:
        monkeypatch.setattr("test_matrix.MESSAGES", [message for message in MESSAGES if not is_large(message)])
    left, right = End(local, "local", ours), End(remotes[stack], "peer", theirs)
    exchange(left, right, left if binds == "local-binds" else right, fresh("tcp"))
