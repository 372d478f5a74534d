"""Through microsocks, a SOCKS5 proxy in wide use: our sockets and libzmq's, with and without a password."""

import contextlib
import shutil
import socket
import subprocess

import foreign
import pytest
from awaiting import endpoint, until
from transports import unused_port

LOGIN = {"SOCKS_USERNAME": b"user", "SOCKS_PASSWORD": b"secret"}


@pytest.fixture
def microsocks():
    """microsocks(*arguments) -> its address."""
    command = shutil.which("microsocks")
    assert command, "microsocks is not installed: apt-get install microsocks"
    with contextlib.ExitStack() as stack:

        def start(*arguments):
            port = unused_port()
            process = subprocess.Popen([command, "-i", "127.0.0.1", "-p", str(port), *arguments], stderr=subprocess.DEVNULL, env=foreign.environment())
            stack.callback(process.wait)
            stack.callback(process.kill)

            def there():
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    return True

            until(there)
            return b"127.0.0.1:%d" % port

        yield start


def ask(req, rep, host):
    req.connect(f"tcp://{host}:{endpoint(rep).rpartition(':')[2]}")
    for body in (b"question", b"x" * 1000000):
        req.send(body)
        assert rep.recv() == body
        rep.send(body)
        assert req.recv() == body


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_REC_18_through_microsocks(make, microsocks, host):
    rep = make("REP", IPV6=1)
    rep.bind("tcp://*:*")
    ask(make("REQ", SOCKS_PROXY=microsocks()), rep, host)


@pytest.mark.better  # a release libzmq has no such options
def test_REC_19_through_microsocks_with_a_password(make, microsocks):
    proxy = microsocks("-u", "user", "-P", "secret")
    rep = make("REP")
    rep.bind("tcp://127.0.0.1:*")
    ask(make("REQ", SOCKS_PROXY=proxy, **LOGIN), rep, "127.0.0.1")


@pytest.mark.better
@pytest.mark.parametrize("shown", [{}, LOGIN | {"SOCKS_PASSWORD": b"wrong"}])
def test_REC_19_microsocks_refuses(make, microsocks, shown):
    req = make("REQ", SOCKS_PROXY=microsocks("-u", "user", "-P", "secret"), RECONNECT_IVL=10, **shown)
    req.connect("tcp://127.0.0.1:1")
    until(lambda: req.statistics().peers[0].last_handshake_error)
    # microsocks refuses the login by an answer, or by closing.
    assert req.statistics().peers[0].last_handshake_error in ("EACCES", "EPIPE", "ECONNRESET")


@pytest.mark.better
def test_libzmq_in_the_same_place(make, microsocks):
    """The same proxy, the same server: libzmq's REQ and ours get the same answers."""
    zmq = pytest.importorskip("zmq")
    proxy = microsocks()
    rep = make("REP")
    rep.bind("tcp://127.0.0.1:*")
    with zmq.Context() as context, context.socket(zmq.REQ) as theirs:
        theirs.linger, theirs.rcvtimeo, theirs.socks_proxy = 0, 15000, proxy
        ask(theirs, rep, "localhost")
    ask(make("REQ", SOCKS_PROXY=proxy), rep, "localhost")
