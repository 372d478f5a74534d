"""Every number of an option on every type of socket and on contexts: zmqcore and pyzmq's libzmq answer the same, default, values taken and refused,
what is read back, errno. What differs, differs on purpose, and stands here with its reason.

A feature that this core does not have (OPTION_ABSENT) takes nothing; its row is compared as soon as the feature is there.
"""

import errno
import warnings

import pytest

import zmqcore
from zmqcore import _core

zmq = pytest.importorskip("zmq", reason="pyzmq is the other side")

TYPES = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB", "STREAM"]
NUMBERS = range(-1, 140)
INTS = [
    -(2**31), -100, -99, -2, -1, 0, 1, 2, 3, 4, 5, 7, 16, 100, 255, 256, 8192, 65536, 65537, 6553500, 6553599, 6553600, 2**31 - 1,
]  # fmt: skip
TEXTS = [
    b"", b"\0", b"x", b"x" * 15, b"x" * 16, b"x" * 17, b"x" * 32, b"v" * 40, b"v" * 41, b"x" * 254, b"x" * 255, b"x" * 256, b"127.0.0.1/8", b"127.0.0.1/33",
    b"::1", b"X-a:b", b"X-a:", b"a:b", b"127.0.0.1:1080", b"lo",
]  # fmt: skip
ROWS = {row["number"]: row for row in _core.option_info()[0]}
NUMBERED = {row["name"]: number for number, row in ROWS.items()}

# Options that this build of libzmq refuses altogether: drafts, and GSSAPI, which pyzmq's wheels are built without.
BEYOND = {
    *"IN_BATCH_SIZE OUT_BATCH_SIZE PRIORITY BUSY_POLL ROUTER_NOTIFY HELLO_MSG DISCONNECT_MSG HICCUP_MSG XSUB_VERBOSE_UNSUBSCRIBE".split(),
    *"GSSAPI_SERVER GSSAPI_PRINCIPAL GSSAPI_SERVICE_PRINCIPAL GSSAPI_PLAINTEXT".split(),
    *"GSSAPI_PRINCIPAL_NAMETYPE GSSAPI_SERVICE_PRINCIPAL_NAMETYPE".split(),
    *"WSS_KEY_PEM WSS_CERT_PEM WSS_TRUST_PEM WSS_HOSTNAME WSS_TRUST_SYSTEM".split(),
}
# What differs: option, the values that it concerns (None: the default), reason. Values that follow one that pyzmq cannot read are no shorter.
ON_PURPOSE = [
    ("HWM", lambda value: True, "an option of zmqcore, which sets both marks; pyzmq has it as an attribute only"),
    ("FD", lambda value: True, "each socket has its own descriptor"),
    ("ZAP_DOMAIN", lambda value: value == b"", "can be unset"),
    ("CONNECT_ROUTING_ID", lambda value: isinstance(value, bytes) and len(value) > 255, "no peer can be called so"),
    ("CURVE_PUBLICKEY", lambda value: True, "can be read, as Z85; pyzmq asks libzmq for the wrong size"),
    ("CURVE_SERVERKEY", lambda value: True, "can be read, as Z85; pyzmq asks libzmq for the wrong size"),
    *((name, lambda value: isinstance(value, bytes) and len(value) > 254, "pyzmq reads no more than 254 bytes of a text") for name in (
        "PLAIN_USERNAME", "PLAIN_PASSWORD", "ZAP_DOMAIN", "SOCKS_PROXY", "SOCKS_USERNAME", "SOCKS_PASSWORD")),
]  # fmt: skip


def outcome(function, *arguments):
    """What a call returned, the number of its errno, or the name of another exception."""
    try:
        return function(*arguments)
    except (zmq.ZMQError, zmqcore.ZMQError) as error:
        return f"errno {errno.errorcode.get(error.errno, error.errno)}"
    except (TypeError, OverflowError) as error:
        return type(error).__name__


def on_purpose(name, value):
    return any(name == other and concerns(value) for other, concerns, _reason in ON_PURPOSE)


@pytest.fixture
def both(monkeypatch):
    """both(type) -> a socket of libzmq and one of zmqcore."""
    warnings.simplefilter("ignore")
    contexts = [zmq.Context(), zmqcore.Context()]
    made = []

    def both(name):
        while made:
            made.pop().close(0)
        made.extend(context.socket(getattr(zmq, name)) for context in contexts)
        return made

    yield both
    for context in contexts:
        context.destroy(0)


@pytest.mark.parametrize("kind", TYPES)
def test_OPT_3_and_ERR_8_every_option_and_value_as_libzmq(both, kind):
    """Each value on what the values before it have left."""
    sockets = both(kind)
    compared = 0
    refused = dict.fromkeys(BEYOND, True)
    for number in NUMBERS:
        row = ROWS.get(number, {"name": f"option {number}", "absent": False})
        name = row["name"]
        theirs, ours = (outcome(socket.getsockopt, number) for socket in sockets)
        if name in BEYOND:
            refused[name] = theirs == "errno EINVAL"
        elif not on_purpose(name, None):
            assert theirs == ours, f"{name}: libzmq {theirs!r}, zmqcore {ours!r}"
        for value in [] if row["absent"] or name == "HWM" else INTS + TEXTS:
            theirs, ours = ((outcome(socket.setsockopt, number, value), outcome(socket.getsockopt, number)) for socket in sockets)
            if name in BEYOND:
                refused[name] &= theirs[0] in ("errno EINVAL", "TypeError")
            elif not on_purpose(name, value):
                assert theirs == ours, f"{name} = {value!r}: libzmq {theirs!r}, zmqcore {ours!r}"
                compared += 1
    assert all(refused.values()), [name for name, all_refused in refused.items() if not all_refused]
    assert compared > 4000


def test_every_exception_is_of_an_option_that_exists():
    assert {name for name, _concerns, _reason in ON_PURPOSE} | BEYOND <= NUMBERED.keys()


CONTEXT_NUMBERS = range(0, 80)


def as_pyzmq_reads(value):
    """libzmq's answer -1 is an error to pyzmq: a policy that is not set, a prefix of -1."""
    return "errno EINVAL" if value == -1 else value


def test_CTX_15_every_context_option_and_value_as_libzmq():
    """Fresh contexts for each option: some values count for what comes later."""
    for number in CONTEXT_NUMBERS:
        contexts = [zmq.Context(), zmqcore.Context()]
        theirs, ours = (as_pyzmq_reads(outcome(context.get, number)) for context in contexts)
        assert theirs == ours, f"option {number}: libzmq {theirs!r}, zmqcore {ours!r}"
        for value in INTS:
            theirs, ours = ((outcome(context.set, number, value), as_pyzmq_reads(outcome(context.get, number))) for context in contexts)
            assert theirs == ours, f"option {number} = {value}: libzmq {theirs!r}, zmqcore {ours!r}"
        for context in contexts:
            context.term()
