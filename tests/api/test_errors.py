"""Exceptions: classes, errno, texts, pickling."""

import copy
import errno
import pickle

import pytest


def test_hierarchy(zmq):
    assert issubclass(zmq.ZMQError, zmq.ZMQBaseError)
    assert issubclass(zmq.ZMQBaseError, Exception)
    for name in ("Again", "ContextTerminated", "InterruptedSystemCall"):
        assert issubclass(getattr(zmq, name), zmq.ZMQError)
    assert issubclass(zmq.InterruptedSystemCall, InterruptedError)
    for name in ("NotDone", "ZMQBindError"):
        assert issubclass(getattr(zmq, name), zmq.ZMQBaseError)
        assert not issubclass(getattr(zmq, name), zmq.ZMQError)
    assert issubclass(zmq.ZMQVersionError, NotImplementedError)
    assert issubclass(zmq.DraftFDWarning, RuntimeWarning)


def test_errno_and_text(zmq):
    error = zmq.ZMQError(errno.EINVAL)
    assert error.errno == errno.EINVAL
    assert error.strerror == zmq.strerror(errno.EINVAL) == str(error)
    assert repr(error) == f"ZMQError('{error}')"


def test_own_text(zmq):
    error = zmq.ZMQError(errno.EINVAL, "no")
    assert (error.errno, str(error)) == (errno.EINVAL, "no")


def test_text_only(zmq):
    error = zmq.ZMQError("just words")
    assert error.errno is None
    assert str(error) == "just words"


@pytest.mark.parametrize(
    ("name", "number"), [("Again", "EAGAIN"), ("ContextTerminated", "ETERM"), ("InterruptedSystemCall", "EINTR")]
)
def test_classes_of_one_errno(zmq, name, number):
    expected = getattr(zmq, number, None) or getattr(errno, number)
    for error in (getattr(zmq, name)(), getattr(zmq, name)(5, "ignored")):
        assert error.errno == expected
        assert error.strerror == zmq.strerror(expected)


def test_interrupted_asks_for_a_retry(zmq):
    assert "should have been retried" in str(zmq.InterruptedSystemCall())


@pytest.mark.parametrize("number", ["EFSM", "ENOCOMPATPROTO", "ETERM", "EMTHREAD"])
def test_own_errnos_have_texts(zmq, number):
    value = getattr(zmq, number)
    assert 156384712 < value < 156384800
    assert zmq.strerror(value) and "Unknown" not in zmq.strerror(value)


def test_strerror_of_anything(zmq):
    for number in (0, 1, 9999, -1, 156384713):
        assert isinstance(zmq.strerror(number), str) and zmq.strerror(number)


@pytest.mark.parametrize("make", ["ZMQError(22)", "ZMQError(22, 'x')", "ZMQError('x')", "Again()", "ContextTerminated()", "NotDone()"])
def test_pickle_and_copy(zmq, make):
    error = eval(make, vars(zmq))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert (str(again), getattr(again, "errno", None)) == (str(error), getattr(error, "errno", None))


def test_version_error(zmq):
    error = zmq.ZMQVersionError("9.9.9", "the thing")
    assert str(error) == "the thing requires libzmq >= 9.9.9, have 4.3.5"
    assert (error.min_version, error.msg, error.version) == ("9.9.9", "the thing", "4.3.5")


def test_check_version(submodule):
    error = submodule("error")
    error._check_version((4, 0))
    with pytest.raises(error.ZMQVersionError, match="requires libzmq >= 9.9"):
        error._check_version((9, 9))


@pytest.mark.parametrize(
    ("number", "name"), [("EAGAIN", "Again"), ("ETERM", "ContextTerminated"), ("EINVAL", "ZMQError")]
)
def test_check_rc(zmq, submodule, number, name):
    check = submodule("error")._check_rc
    check(0)
    with pytest.raises(zmq.ZMQError) as caught:
        check(-1, getattr(zmq, number))
    assert type(caught.value).__name__ == name
    assert caught.value.errno == getattr(zmq, number)


@pytest.mark.better
def test_from_errno(zmq, submodule):
    make = submodule("error").from_errno
    assert type(make(zmq.EAGAIN)) is zmq.Again
    assert type(make(zmq.ETERM)) is zmq.ContextTerminated
    assert type(make(errno.EINTR)) is zmq.InterruptedSystemCall
    error = make(zmq.EINVAL, "tcp://x")
    assert (type(error), error.errno) == (zmq.ZMQError, zmq.EINVAL)
    assert error.strerror == f"{zmq.strerror(zmq.EINVAL)} (tcp://x)"


def test_errors_of_addresses_name_the_address(zmq, context):
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PUSH)
    one.bind("inproc://taken")
    with pytest.raises(zmq.ZMQError, match="inproc://taken") as caught:
        two.bind("inproc://taken")
    assert caught.value.errno == zmq.EADDRINUSE
    for bad in ("foo", "foo://x", "tcp://"):
        with pytest.raises(zmq.ZMQError, match=bad):
            two.connect(bad)
    with pytest.raises(zmq.ZMQError, match="/no/such/folder/x"):
        two.bind("ipc:///no/such/folder/x")


def test_address_is_at_the_end_of_the_text(zmq, context):
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PUSH)
    one.bind("inproc://taken")
    for call, address, number in [
        (two.bind, "inproc://taken", zmq.EADDRINUSE), (two.bind, b"inproc://taken", zmq.EADDRINUSE),
        (two.bind, "tcp://no such device:*", errno.ENODEV), (two.connect, "tcp://", zmq.EINVAL),
        (two.bind, "ipc:///tmp/" + "a" * 200, errno.ENAMETOOLONG),
    ]:  # fmt: skip
        with pytest.raises(zmq.ZMQError) as caught:
            call(address)
        assert caught.value.errno == number
        assert str(caught.value).endswith(f"(addr={address!r})")


def test_too_long_ipc_path_says_how_long_it_may_be(zmq, context):
    with pytest.raises(zmq.ZMQError, match=str(zmq.IPC_PATH_MAX_LEN)) as caught:
        context.socket(zmq.PUSH).bind("ipc://" + "a" * 200)
    assert caught.value.errno == errno.ENAMETOOLONG
