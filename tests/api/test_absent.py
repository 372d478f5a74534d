"""What zmqcore does not have says so, and errors name what they are about."""

import pytest

pytestmark = pytest.mark.better  # pyzmq has most of it, and its texts name less

# That this is the whole list is for the tests of each transport to show.
TRANSPORTS = "zmqcore has {} and {}"


def refused(zmq, call, *args):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*args)
    return caught.value


def test_numbers_that_are_no_type(zmq, context):
    assert "no such socket type: 99" in str(refused(zmq, context.socket, 99))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NORM_MODE", 1),
        ("VMCI_BUFFER_SIZE", 1),
    ],
)  # fmt: skip
def test_options(zmq, context, name, value):
    error = refused(zmq, context.socket(zmq.DEALER).setsockopt, getattr(zmq, name), value)
    assert error.errno == zmq.EINVAL
    assert f"zmqcore does not support the option {name}" in str(error)


@pytest.mark.parametrize("name", ["VMCI_BUFFER_SIZE", "NORM_PUSH"])
def test_options_that_cannot_be_read(zmq, context, name):
    error = refused(zmq, context.socket(zmq.DEALER).getsockopt, getattr(zmq, name))
    assert error.errno == zmq.EINVAL
    assert f"zmqcore does not support the option {name}" in str(error)


def test_bad_values_name_the_option(zmq, context):
    socket = context.socket(zmq.DEALER)
    for number, value, text in [
        (zmq.LINGER, -5, "option LINGER takes an int (milliseconds), from -1, not -5"),
        (zmq.IPV6, 2, "option IPV6 takes 0 or 1, not 2"),
        (zmq.TOS, -1, "option TOS takes an int, from 0, not -1"),
        (zmq.ROUTING_ID, b"", "option ROUTING_ID takes 1 to 255 bytes, not 0 bytes"),
        (zmq.XPUB_VERBOSE, 1, "option XPUB_VERBOSE is for PUB, XPUB sockets, not for DEALER"),
        (zmq.TYPE, 1, "option TYPE cannot be set"),
        (9999, 1, "no such option: 9999"),
    ]:
        error = refused(zmq, socket.setsockopt, number, value)
        assert (error.errno, str(error)) == (zmq.EINVAL, f"{zmq.strerror(zmq.EINVAL)} ({text})")
    with pytest.raises(zmq.ZMQError, match="option LINGER"):
        socket.linger = -5


def test_bytes_of_a_good_size_that_are_refused_are_told_what_they_should_be(zmq, context):
    socket = context.socket(zmq.DEALER)
    for number, value, text in [
        (zmq.CURVE_PUBLICKEY, b"~" * 40, "option CURVE_PUBLICKEY does not take these 40 bytes: Our public key, as 32 bytes or 40 characters of Z85"),
        (zmq.CURVE_SECRETKEY, b"s" * 33, "option CURVE_SECRETKEY does not take these 33 bytes: Our secret key, as 32 bytes or 40 characters of Z85"),
        (zmq.METADATA, b"abc", 'option METADATA does not take these 3 bytes: A property for peers, "X-name:value"'),
    ]:
        error = refused(zmq, socket.setsockopt, number, value)
        assert error.errno == zmq.EINVAL and text in str(error)


def test_values_of_the_wrong_kind_name_the_option(zmq, context):
    socket = context.socket(zmq.DEALER)
    for number, value, kind, text in [
        (zmq.LINGER, "5", TypeError, "option LINGER takes an int (milliseconds), from -1, not '5'"),
        (zmq.LINGER, 1 << 40, OverflowError, f"option LINGER takes an int (milliseconds), from -1, not {1 << 40}"),
        (zmq.MAXMSGSIZE, 1 << 70, OverflowError, f"option MAXMSGSIZE takes an int (bytes), not {1 << 70}"),
        (zmq.MAXMSGSIZE, 1 << 64, OverflowError, f"option MAXMSGSIZE takes an int (bytes), not {1 << 64}"),
        (zmq.MAXMSGSIZE, -(1 << 63) - 1, OverflowError, f"option MAXMSGSIZE takes an int (bytes), not {-(1 << 63) - 1}"),
        (zmq.ROUTING_ID, 5, TypeError, "option ROUTING_ID takes 1 to 255 bytes, not int"),
        (zmq.HELLO_MSG, bytearray(b"secret"), TypeError, "option HELLO_MSG takes bytes, not bytearray"),
    ]:
        with pytest.raises(kind) as caught:
            socket.setsockopt(number, value)
        assert str(caught.value) == text


def test_options_that_are_not_read_or_not_of_this_type(zmq, context):
    socket = context.socket(zmq.DEALER)
    assert "option SUBSCRIBE cannot be read" in str(refused(zmq, socket.get, zmq.SUBSCRIBE))
    assert "option TOPICS_COUNT is for" in str(refused(zmq, socket.get, zmq.TOPICS_COUNT))


def test_bad_values_name_the_context_option(zmq, context):
    for number, value, text in [
        (zmq.IO_THREADS, -1, "option IO_THREADS takes an int (threads), from 0, not -1"),
        (zmq.IPV6, -1, "option IPV6 takes 0 or 1, not -1"),
        (zmq.MSG_T_SIZE, 1, "option MSG_T_SIZE cannot be set"),
        (9999, 1, "no such context option: 9999"),
    ]:
        assert text in str(refused(zmq, context.set, number, value))
    assert "option THREAD_AFFINITY_CPU_ADD cannot be read" in str(refused(zmq, context.get, zmq.THREAD_AFFINITY_CPU_ADD))
    with pytest.raises(TypeError, match="option MAX_SOCKETS takes an int .sockets., from 1, not 'x'"):
        context.set(zmq.MAX_SOCKETS, "x")
    with pytest.raises(OverflowError, match="option MAX_SOCKETS"):
        context.set(zmq.MAX_SOCKETS, 1 << 40)


@pytest.mark.parametrize(
    ("address", "number", "hint"),
    [
        ("127.0.0.1:5555", "EINVAL", "expected transport://address"),
        ("tcp:/127.0.0.1:5555", "EINVAL", "expected transport://address"),
        ("", "EINVAL", "expected transport://address"),
        ("inproc://", "EINVAL", "expected transport://address"),
        ("tcp://127.0.0.1", "EINVAL", "expected tcp://host:port"),
        ("tcp://127.0.0.1:http", "EINVAL", "expected tcp://host:port"),
        ("tcp://127.0.0.1:65536", "EINVAL", "expected tcp://host:port"),
        ("foo://x", "EPROTONOSUPPORT", TRANSPORTS),
        ("ws://127.0.0.1", "EINVAL", "expected ws://host:port/path"),
        ("ws://127.0.0.1/5555", "EINVAL", "expected ws://host:port/path"),
    ],
)
def test_addresses_say_what_is_expected(zmq, context, address, number, hint):
    socket = context.socket(zmq.DEALER)
    *others, last = [f"{scheme}://" for scheme in zmq.error.transports()] if hint is TRANSPORTS else [""]
    hint = hint.format(", ".join(others), last)
    for call in (socket.bind, socket.connect):
        error = refused(zmq, call, address)
        assert error.errno == getattr(zmq, number)
        assert str(error) == f"{zmq.strerror(error.errno)}: {hint} (addr={address!r})"


def test_monitors_are_inproc(zmq, context):
    assert "expected inproc://name" in str(refused(zmq, context.socket(zmq.PULL).monitor, "tcp://127.0.0.1:*"))
