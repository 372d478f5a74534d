"""Connections through a SOCKS5 proxy: who resolves, who is told, and proxies that refuse, lie, hang and die."""

import os
import socket

import pytest
from awaiting import SECONDS, Events, endpoint, silent, until
from socks_proxy import Proxy
from transports import unused_port

ORACLE = os.environ.get("ZMQ_MODULE") == "zmq"
OVER = ["tcp"] if ORACLE else ["tcp", "ws", "tls+tcp"]  # libzmq has it for tcp only
GOOD = b"\5\0\0\1\x7f\0\0\1\x04\x38"


def port_of(socket):
    return int(endpoint(socket).split("/")[2].rsplit(":", 1)[1])


def through(make, proxy, kind="PUSH", **options):
    return make(kind, SOCKS_PROXY=proxy.endpoint.encode(), RECONNECT_IVL=10, **options)


def listening(raws):
    listener = socket.create_server(("127.0.0.1", 0))
    raws(listener)
    return listener


def accepted(raws, listener):
    listener.settimeout(SECONDS)
    raw, _ = listener.accept()
    raws(raw)
    raw.settimeout(SECONDS)
    return raw


def bound(make, fresh, kind="PULL", transport="tcp", **options):
    made = make(kind, **options)
    made.bind(fresh(transport))
    return made


@pytest.mark.parametrize("transport", OVER)
def test_REC_18_names_are_the_proxys_to_resolve(make, fresh, transport):
    """A name that only the proxy knows; over tls+tcp the certificate is for the name in the endpoint."""
    name = "localhost" if transport == "tls+tcp" else "only.the.proxy.knows"
    rep = bound(make, fresh, "REP", transport)
    with Proxy(names={name: "127.0.0.1"}) as proxy:
        req = through(make, proxy, "REQ")
        req.connect(endpoint(rep).replace("127.0.0.1", name))
        for body in (b"question", b"x" * 300000):
            req.send(body)
            assert rep.recv() == body
            rep.send(body)
            assert req.recv() == body
        assert proxy.heard == [(0, None, name, port_of(rep))]


@pytest.mark.parametrize("host, told", [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("::1", "::1")])
def test_REC_18_numeric_addresses(make, host, told):
    pull = make("PULL", IPV6=1)
    pull.bind("tcp://*:*")
    with Proxy() as proxy:
        push = through(make, proxy)
        push.connect(f"tcp://{host}:{port_of(pull)}")
        push.send(b"x")
        assert pull.recv() == b"x"
        assert proxy.heard == [(0, None, told, port_of(pull))]


@pytest.mark.better  # libzmq tells the same events, but may abort its process when an attempt through a proxy fails
def test_REC_18_the_server_may_come_later(zmq, make, fresh):
    where = fresh("tcp", ahead=True)
    with Proxy() as proxy:
        push = through(make, proxy)
        events = Events(zmq, push)
        push.connect(where)
        push.send(b"x")
        # Connected is who has got through, not who has reached the proxy.
        assert events.all_until("CONNECT_RETRIED") in (["CONNECT_DELAYED", "CLOSED", "CONNECT_RETRIED"], ["CLOSED", "CONNECT_RETRIED"])
        pull = make("PULL")
        pull.bind(where)
        assert pull.recv() == b"x"
        assert events.wait("CONNECTED")[2] == where


@pytest.mark.better  # libzmq waits for ever, now and then
@pytest.mark.parametrize("bound_at", [b"\4" + bytes(18), b"\3\x09localhost\0\0", b"\3\xff" + b"n" * 255 + b"\0\0"])
def test_REC_18_answers_octet_by_octet(make, fresh, bound_at):
    """Whatever address the proxy says it connects from, what follows is the peer's."""
    pull = bound(make, fresh)
    with Proxy(pieces=True, bound=bound_at) as proxy:
        push = through(make, proxy)
        push.connect(endpoint(pull))
        push.send(b"x")
        assert pull.recv() == b"x"


def test_REC_18_the_options_of_the_time_of_connect(make, fresh):
    one = bound(make, fresh)
    with Proxy() as proxy:
        push = through(make, proxy)
        push.connect(endpoint(one))
        push.send(b"1")
        assert one.recv() == b"1"
        push.setsockopt_string(68, "127.0.0.1:1")  # SOCKS_PROXY
        proxy.open[0].shutdown(2)                   # it comes again the way that it had
        until(lambda: len(proxy.heard) == 2)


def test_REC_18_option_values(zmq, make):
    push = make("PUSH")
    assert push.getsockopt(zmq.SOCKS_PROXY) == b""
    push.setsockopt(zmq.SOCKS_PROXY, b"127.0.0.1:1080")
    assert push.getsockopt(zmq.SOCKS_PROXY).rstrip(b"\0") == b"127.0.0.1:1080"
    with pytest.raises(zmq.ZMQError) as caught:
        push.setsockopt(zmq.SOCKS_PROXY, b"")
    assert caught.value.errno == zmq.EINVAL


@pytest.mark.better
def test_REC_18_a_proxy_that_is_no_address(zmq, make):
    push = make("PUSH", SOCKS_PROXY=b"no address")
    with pytest.raises(zmq.ZMQError, match="SOCKS_PROXY") as caught:
        push.connect("tcp://127.0.0.1:1")
    assert caught.value.errno == zmq.EINVAL
    make("PULL", SOCKS_PROXY=b"no address").bind("tcp://127.0.0.1:*")


@pytest.mark.better  # a release libzmq has no such options
@pytest.mark.parametrize("user, password", [(b"user", b"secret"), (b"u" * 255, b"p" * 255), (b"user", b"")])
def test_REC_19_user_and_password(make, fresh, user, password):
    pull = bound(make, fresh)
    with Proxy(login=(user, password)) as proxy:
        push = through(make, proxy, SOCKS_USERNAME=user, SOCKS_PASSWORD=password)
        push.connect(endpoint(pull))
        push.send(b"x")
        assert pull.recv() == b"x"
        assert proxy.heard == [(2, (user, password), "127.0.0.1", port_of(pull))]


@pytest.mark.better
def test_REC_19_values(zmq, make):
    push = make("PUSH")
    for option in (zmq.SOCKS_USERNAME, zmq.SOCKS_PASSWORD):
        push.setsockopt(option, b"x" * 255)
        assert push.getsockopt(option).rstrip(b"\0") == b"x" * 255
        with pytest.raises(zmq.ZMQError):
            push.setsockopt(option, b"x" * 256)
        push.setsockopt(option, b"")
        assert push.getsockopt(option).rstrip(b"\0") == b""


@pytest.mark.better
@pytest.mark.parametrize("shown", [{}, {"SOCKS_USERNAME": b"user"}, {"SOCKS_USERNAME": b"user", "SOCKS_PASSWORD": b"wrong"}])
def test_REC_19_who_does_not_know_the_password(zmq, make, fresh, shown):
    pull = bound(make, fresh)
    with Proxy(login=(b"user", b"secret")) as proxy:
        push = through(make, proxy, **shown)
        events = Events(zmq, push)
        push.connect(endpoint(pull))
        for _ in range(2):
            assert "CONNECTED" not in events.all_until("CONNECT_RETRIED")
        assert proxy.heard == []
        assert push.statistics().peers[0].last_handshake_error == "EACCES"


def test_REC_20_a_proxy_that_is_not_there(zmq, make, fresh):
    pull = bound(make, fresh)
    port = unused_port()
    push = make("PUSH", SOCKS_PROXY=b"127.0.0.1:%d" % port, RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(endpoint(pull))
    push.send(b"x")
    for _ in range(3):
        events.wait("CONNECT_RETRIED")
    silent(pull, 1)
    with Proxy(port=port) as proxy:
        assert pull.recv() == b"x"
        assert len(proxy.heard) == 1


LIES = {
    "another version": {"method": b"\4\0"},
    "http": {"method": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
    "no method": {"method": b"\5\xff"},
    "a method not offered": {"method": b"\5\2"},
    "half an answer": {"method": b"\5"},
    "nothing": {"method": b""},
    "half a reply": {"request": GOOD[:7]},
    "half a name": {"request": b"\5\0\0\3\xffname"},
    "no such address": {"request": b"\5\0\0\2\0\0\0\0\0\0"},
    "a reply of another version": {"request": b"\4" + GOOD[1:]},
    "refused": {"request": b"\5\1\0\1\0\0\0\0\0\0"},
}


@pytest.mark.better  # as above
@pytest.mark.parametrize("answer", LIES.values(), ids=LIES)
def test_REC_20_a_proxy_that_is_none_is_tried_again(zmq, make, fresh, answer):
    """It costs its attempt; once it answers as it should, what was sent arrives."""
    pull = bound(make, fresh)
    with Proxy(answer=answer) as proxy:
        push = through(make, proxy)
        events = Events(zmq, push)
        push.connect(endpoint(pull))
        push.send(b"x")
        for _ in range(2):
            assert "CONNECTED" not in events.all_until("CONNECT_RETRIED")
        proxy.answer = {}
        assert pull.recv() == b"x"


@pytest.mark.better  # libzmq waits for ever
@pytest.mark.parametrize("limit", ["CONNECT_TIMEOUT", "HANDSHAKE_IVL"])
@pytest.mark.parametrize("said", [b"", b"\5", b"\5\0"])
def test_REC_20_a_proxy_that_hangs(zmq, make, fresh, raws, limit, said):
    listener = listening(raws)
    push = make("PUSH", SOCKS_PROXY=b"127.0.0.1:%d" % listener.getsockname()[1], RECONNECT_IVL=10, **{limit: 50})
    events = Events(zmq, push)
    push.connect("tcp://127.0.0.1:1")
    first = accepted(raws, listener)
    first.sendall(said)
    assert events.all_until("CONNECT_RETRIED")[-2:] == ["CLOSED", "CONNECT_RETRIED"]
    accepted(raws, listener)


@pytest.mark.better  # as above
def test_REC_20_a_proxy_that_dies_in_between(zmq, make, fresh):
    pull = bound(make, fresh)
    with Proxy(refuse=3) as proxy:
        push = through(make, proxy)
        events = Events(zmq, push)
        push.connect(endpoint(pull))
        push.send(b"1")
        assert pull.recv() == b"1"
        port = int(proxy.endpoint.split(":")[1])
    events.wait("DISCONNECTED")
    push.send(b"2")
    with Proxy(port=port):
        assert pull.recv() == b"2"


def test_closing_while_the_proxy_is_asked(make, raws):
    listener = listening(raws)
    push = make("PUSH", SOCKS_PROXY=b"127.0.0.1:%d" % listener.getsockname()[1])
    push.connect("tcp://127.0.0.1:1")
    raw = accepted(raws, listener)
    assert raw.recv(3) == b"\5\1\0"
    push.close(linger=0)
    assert raw.recv(1) == b""
