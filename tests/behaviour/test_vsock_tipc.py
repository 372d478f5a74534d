"""vsock and tipc: what this system has of them, and errors that say so. ZMQCORE_VSOCK=1 runs all tests of transports over vsock."""

import errno
import os
import socket
import sys

import pytest
from awaiting import Events, endpoint

ORACLE = os.environ.get("ZMQ_MODULE") == "zmq"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has them")


def there(family):
    """Whether this kernel has such sockets."""
    try:
        socket.socket(getattr(socket, family), socket.SOCK_STREAM).close()
    except OSError as error:
        assert error.errno == errno.EAFNOSUPPORT
        return False
    return True


VSOCK, TIPC = there("AF_VSOCK"), there("AF_TIPC")


def refused(zmq, call, address):
    with pytest.raises(zmq.ZMQError) as caught:
        call(address)
    return caught.value


@pytest.mark.better  # no release of libzmq has vsock, and one that was built with tipc says so on every kernel
def test_VSOCK_1_has_tells_of_this_system(zmq):
    assert zmq.has("vsock") == VSOCK
    assert zmq.has("tipc") == TIPC
    assert not zmq.has("norm") and not zmq.has("vmci")


@pytest.mark.better
@pytest.mark.skipif(not VSOCK, reason="no vsock in this kernel")
def test_VSOCK_1_vsock_listens_and_tells_its_port(zmq, make):
    pull = make("PULL")
    pull.bind("vsock://*:*")
    scheme, _, port = endpoint(pull).rpartition(":")
    assert scheme == "vsock://*" and int(port) > 0
    assert refused(zmq, make("PULL").bind, endpoint(pull)).errno == zmq.EADDRINUSE
    pull.unbind(endpoint(pull))
    pull.bind(f"vsock://*:{port}")


@pytest.mark.better
@pytest.mark.skipif(not VSOCK, reason="no vsock in this kernel")
def test_VSOCK_1_vsock_nobody_there_is_tried_again(zmq, make):
    push = make("PUSH", CONNECT_TIMEOUT=20, RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect("vsock://1:4294967294")
    for _ in range(2):
        assert "CONNECTED" not in events.all_until("CONNECT_RETRIED")


@pytest.mark.better
@pytest.mark.parametrize(
    "address, hint",
    [
        ("vsock://host:1", "of numbers" if VSOCK else "no vsock"), ("vsock://1", "of numbers" if VSOCK else "no vsock"),
        ("tipc://{1,2}", "types begin with 64" if TIPC else "no tipc"), ("tipc://<1.2.3>", "to connect also" if TIPC else "no tipc"),
    ],
)  # fmt: skip
def test_VSOCK_1_TIPC_1_wrong_addresses_say_what_is_right(zmq, make, address, hint):
    for call in (make("PULL").bind, make("PUSH").connect):
        error = refused(zmq, call, address)
        assert error.errno == zmq.EINVAL and hint in str(error)


@pytest.mark.better
@pytest.mark.parametrize("address", ["vsock://*:1", "vsock://1:*"])
def test_VSOCK_1_wildcards_are_no_place_to_connect_to(zmq, make, address):
    assert refused(zmq, make("PUSH").connect, address).errno == zmq.EINVAL


@pytest.mark.skipif(TIPC, reason="this kernel has TIPC")
@pytest.mark.parametrize("address", ["tipc://{5560,0,0}", "tipc://{5560,1}", "tipc://<*>"])
def test_TIPC_1_tipc_without_the_module(zmq, make, address):
    error = refused(zmq, make("PULL").bind, address)
    assert error.errno == zmq.EAFNOSUPPORT
    if not ORACLE:  # libzmq's connect() succeeds, and tries for ever
        assert "module tipc" in str(error)
        error = refused(zmq, make("PUSH").connect, "tipc://{5560,1}")
        assert error.errno == zmq.EAFNOSUPPORT and "module tipc" in str(error)


@pytest.mark.skipif(not TIPC, reason="no TIPC in this kernel")
@pytest.mark.parametrize("address, target", [("tipc://{5560,0,7}", "tipc://{5560,3}"), ("tipc://{5560,9}", "tipc://{5560,9}"), ("tipc://<*>", None)])
def test_TIPC_1_tipc(make, address, target):
    pull, push = make("PULL"), make("PUSH")
    pull.bind(address)
    push.connect(target or endpoint(pull))
    push.send(b"x" * 100000)
    assert pull.recv() == b"x" * 100000


def test_TIPC_1_tipc_ports_are_not_chosen_and_services_not_guessed(zmq, make):
    assert refused(zmq, make("PULL").bind, "tipc://<1.2.3:4>").errno == zmq.EINVAL
    assert refused(zmq, make("PUSH").connect, "tipc://<*>").errno == zmq.EINVAL


@pytest.mark.parametrize("address, hint", [("norm://224.1.2.3:5556", "epgm://"), ("vmci://2:5555", "vsock://")])
def test_transports_that_are_not_built_in(zmq, make, address, hint):
    for call in (make("PUB").bind, make("SUB").connect):
        error = refused(zmq, call, address)
        assert error.errno == zmq.EPROTONOSUPPORT
        assert ORACLE or hint in str(error)
