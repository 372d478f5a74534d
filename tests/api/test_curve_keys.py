"""Keys of CURVE: made, derived, set and read; PyNaCl is loaded when they are needed, and only then."""

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("nacl")

PUBLIC, SECRET = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"


def test_UTIL_4_key_pairs(zmq):
    pairs = [zmq.curve_keypair() for _ in range(3)]
    assert len({key for pair in pairs for key in pair}) == 6
    for public, secret in pairs:
        assert type(public) is type(secret) is bytes and len(public) == len(secret) == 40
        assert zmq.curve_public(secret) == public


def test_UTIL_5_the_public_key_of_a_secret_key(zmq):
    assert zmq.curve_public(SECRET) == zmq.curve_public(SECRET.decode()) == PUBLIC
    for wrong in (b"", SECRET[:-1], SECRET + b"0", bytes(32)):
        with pytest.raises(ValueError, match="40 byte"):
            zmq.curve_public(wrong)
    for wrong in (b" " * 40, b"#" * 40, b"\xff" * 40):
        with pytest.raises(zmq.ZMQError) as caught:
            zmq.curve_public(wrong)
        assert caught.value.errno == zmq.EINVAL


@pytest.mark.better  # pyzmq's get() cannot read keys
def test_keys_are_read_as_text_but_for_the_secret_one(zmq, context):
    from zmqcore.utils import z85

    socket = context.socket(zmq.DEALER)
    for name in ("curve_publickey", "curve_serverkey"):
        assert getattr(socket, name) == b"0" * 40
        setattr(socket, name, PUBLIC)
        assert getattr(socket, name) == PUBLIC
        setattr(socket, name, z85.decode(SECRET))
        assert getattr(socket, name) == SECRET
    socket.curve_secretkey = SECRET
    with pytest.raises(zmq.ZMQError) as caught:
        socket.get(zmq.CURVE_SECRETKEY)
    assert caught.value.errno == zmq.EINVAL
    assert socket.mechanism == zmq.CURVE


def test_no_value_that_is_no_key(zmq, context):
    socket = context.socket(zmq.DEALER)
    for value in (b"", b"k" * 31, b"k" * 33, b" " * 40, b"#" * 40):
        with pytest.raises(zmq.ZMQError) as caught:
            socket.set(zmq.CURVE_SECRETKEY, value)
        assert caught.value.errno == zmq.EINVAL
    assert socket.mechanism == zmq.NULL


@pytest.mark.better
@pytest.mark.parametrize("call", ["bind", "connect"])
def test_a_missing_key_is_told_before_anything_happens(zmq, context, call, tmp_path):
    socket = context.socket(zmq.DEALER)
    where = f"ipc://{tmp_path}/s"

    def refused():
        with pytest.raises(zmq.ZMQError) as caught:
            getattr(socket, call)(where)
        assert caught.value.errno == zmq.EINVAL and repr(where) in str(caught.value)
        return str(caught.value)

    socket.curve_publickey = PUBLIC
    assert "CURVE needs the option CURVE_SECRETKEY" in refused()
    socket.curve_secretkey = SECRET
    assert "CURVE needs the option CURVE_SERVERKEY, or CURVE_SERVER on the server" in refused()
    getattr(socket, call)("inproc://in-the-process")
    socket.curve_server = 1
    getattr(socket, call)(where)


def python(program):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=50)


@pytest.mark.better
def test_pynacl_is_loaded_when_it_is_needed():
    done = python("""
        import sys, zmqcore
        with zmqcore.Context() as context, context.socket(zmqcore.PULL) as pull:
            assert zmqcore.has("curve")
            pull.plain_server = 1
            pull.bind("tcp://127.0.0.1:*")
            assert "nacl" not in sys.modules
            pull.curve_server = 0
            assert "nacl" in sys.modules
    """)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.better
def test_without_pynacl_all_but_curve_works():
    done = python("""
        import sys
        sys.modules["nacl"] = None
        import zmqcore
        with zmqcore.Context() as context, context.socket(zmqcore.PULL) as pull:
            for call in (zmqcore.curve_keypair, lambda: zmqcore.curve_public(b"0" * 40), lambda: pull.set(zmqcore.CURVE_SERVER, 1)):
                try:
                    call()
                except zmqcore.ZMQError as error:
                    assert error.errno == zmqcore.ENOTSUP and "pip install pynacl" in str(error), error
                else:
                    raise AssertionError
            assert not zmqcore.has("curve")
            pull.bind("tcp://127.0.0.1:*")
            assert pull.mechanism == zmqcore.NULL
    """)
    assert (done.returncode, done.stderr) == (0, "")
