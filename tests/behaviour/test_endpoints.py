"""Addresses: what is accepted, what LAST_ENDPOINT tells, bind and unbind, connect and disconnect, the inproc and ipc rules."""
import os
import socket as plain
import stat
import subprocess
import sys
import textwrap
import threading

import foreign
import pytest
from awaiting import Events, bound, dead_endpoint, endpoint, until
from platforms import errno
from transports import NETWORKS, TRANSPORTS

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")


def refuses(zmq, number, call, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == number, caught.value


@pytest.mark.parametrize("address", ["", "tcp", "tcp:", "tcp:/", "tcp://", "://x", "127.0.0.1:5555", "tcp:127.0.0.1:5555"])
@pytest.mark.parametrize("call", ["bind", "connect"])
def test_END_1_malformed_endpoint(zmq, make, address, call):
    refuses(zmq, errno.EINVAL, getattr(make("PAIR"), call), address)


@pytest.mark.parametrize("call", ["bind", "connect"])
def test_END_1_unknown_protocol(zmq, make, call):
    refuses(zmq, errno.EPROTONOSUPPORT, getattr(make("PAIR"), call), "foo://bar")


@pytest.mark.better
@pytest.mark.parametrize("kind", ["PUB", "PAIR", "DEALER"])
def test_END_2_udp_is_for_other_types(zmq, make, kind):
    refuses(zmq, errno.EPROTONOSUPPORT if zmq.__name__ == "zmq" else zmq.ENOCOMPATPROTO, make(kind).bind, "udp://127.0.0.1:5556")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://*:*", "tcp://*:0", "tcp://0.0.0.0:*", "tcp://lo:*"])
def test_END_4_bind_addresses(zmq, make, address):
    pull, push = make("PULL"), make("PUSH")
    pull.bind(address)
    push.connect(f"tcp://127.0.0.1:{endpoint(pull).rpartition(':')[2]}")
    push.send(b"x")
    assert pull.recv() == b"x"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:bad", "tcp://:5555"])
def test_END_4_bad_bind_addresses(zmq, make, address):
    with pytest.raises(zmq.ZMQError) as caught:
        make("PULL").bind(address)
    assert caught.value.errno in (errno.EINVAL, errno.ENODEV)


def test_END_4_bind_refuses_host_names(zmq, make):
    refuses(zmq, errno.ENODEV, make("PULL").bind, "tcp://no-such-interface-or-name:*")


@pytest.mark.parametrize("address", ["tcp://localhost:*", "tcp://localhost", "tcp://local host:5555", "tcp://localhost:x", "tcp://*"])
def test_END_5_bad_connect_addresses(zmq, make, address):
    refuses(zmq, errno.EINVAL, make("PULL").connect, address)


def test_END_6_unknown_host_does_not_fail_connect(zmq, make):
    make("PUSH").connect("tcp://no-such-host.invalid:5555")


NAMES = """
127.0.0.1 localhost
127.0.0.2 two.test
127.0.0.3 two.test
::1 mixed.test
127.0.0.1 mixed.test
"""


@pytest.fixture
def with_names(tmp_path):
    """with_names(program) runs a program, with `zmq` and `push` in it, where these NAMES are the only ones."""
    hosts = tmp_path / "hosts"
    hosts.write_text(NAMES)
    inside = ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]
    try:
        found = subprocess.run([*inside, "getent", "ahosts", "two.test"], env=foreign.environment(), capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        pytest.skip("no namespaces on this system")
    if "127.0.0.3" not in found.stdout:
        pytest.skip(f"no /etc/hosts of our own here: {found.stderr}")

    def run(program):
        source = f"import select, socket, {MODULE} as zmq\n" + textwrap.dedent("""
            push = zmq.Context().socket(zmq.PUSH)
            push.linger = 0
            push.sndtimeo = 5000
            push.reconnect_ivl = 10
        """) + textwrap.dedent(program)
        done = subprocess.run([*inside, *foreign.starts(sys.executable, "-c", source)], capture_output=True, text=True, timeout=20,
                              env=foreign.environment(PYTHONPATH=os.pathsep.join(sys.path)))
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}"

    return run


@pytest.mark.better
def test_END_6_a_failed_attempt_is_followed_by_one_to_the_next_address(with_names):
    with_names("""
        with socket.create_server(("127.0.0.3", 0)) as listener:
            listener.settimeout(5)
            push.connect(f"tcp://two.test:{listener.getsockname()[1]}")
            listener.accept()[0].close()
            push.close()
    """)


@pytest.mark.better
def test_END_6_attempts_begin_again_with_the_first_address(with_names):
    """After the last one, and after a connection that was complete."""
    body = b"\x05READY\x0bSocket-Type" + (4).to_bytes(4, "big") + b"PULL"
    hello = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\0") + bytes(32) + bytes([4, len(body)]) + body
    with_names(f"""
        with socket.create_server(("127.0.0.2", 0)) as first, socket.create_server(("127.0.0.3", first.getsockname()[1])) as second:
            push.connect(f"tcp://two.test:{{first.getsockname()[1]}}")

            def accepted(listener):
                readable, _, _ = select.select([first, second], [], [], 5)
                assert readable == [listener], readable
                return listener.accept()[0]

            for _ in range(2):
                accepted(first).close()
                accepted(second).close()
            with accepted(first) as connection:
                connection.settimeout(5)
                connection.sendall({hello!r})
                push.send(b"complete")
                received = b""
                while not received.endswith(b"complete"):
                    received += connection.recv(1000)
            accepted(first).close()
            accepted(second).close()
            push.close()
    """)


@pytest.mark.better
@pytest.mark.parametrize("source", ["", "127.0.0.2:0;"])
def test_END_7_v4_is_tried_after_v6(with_names, source):
    """Also if the source that was asked for fits v4 only."""
    with_names(f"""
        pull = zmq.Context.instance().socket(zmq.PULL)
        pull.rcvtimeo = 5000
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        push.ipv6 = 1
        push.connect(f"tcp://{source}mixed.test:{{port}}")
        push.send(b"six or four")
        assert pull.recv() == b"six or four"
        push.close()
    """)


def test_END_7_ipv6_loopback(zmq, make):
    pull = make("PULL", IPV6=1)
    try:
        pull.bind("tcp://[::1]:*")
    except zmq.ZMQError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV, errno.EAFNOSUPPORT):
            pytest.skip("this machine has no IPv6 loopback")
        raise
    assert endpoint(pull).startswith("tcp://[::1]:")
    push = make("PUSH", IPV6=1)
    push.connect(endpoint(pull))
    push.send(b"six")
    assert pull.recv() == b"six"


def test_END_8_source_address(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    port = endpoint(pull).rpartition(":")[2]
    push = make("PUSH")
    push.connect(f"tcp://127.0.0.2:0;127.0.0.1:{port}")
    push.send(b"x")
    frame = pull.recv(copy=False)
    assert frame.bytes == b"x" and frame.get("Peer-Address") == "127.0.0.2"


@pytest.mark.better
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:567bad", "tcp://127.0.0.1: 567", "tcp://127.0.0.1:+567", "tcp://127.0.0.1:-1",
                                     "tcp://127.0.0.1:70000", "tcp://:5555"])
def test_END_10_trailing_garbage_behind_the_port(zmq, make, address):
    refuses(zmq, errno.EINVAL, make("PULL").connect, address)


def test_END_13_last_endpoint_after_bind(zmq, make, fresh):
    pull = make("PULL")
    assert pull.last_endpoint in (b"", b"\0")
    pull.bind("tcp://127.0.0.1:*")
    first = endpoint(pull)
    assert first.startswith("tcp://127.0.0.1:") and int(first.rpartition(":")[2]) > 0
    pull.bind("tcp://*:*")
    assert endpoint(pull).startswith("tcp://0.0.0.0:")
    for transport in TRANSPORTS.keys() - {"tcp"}:
        where = fresh(transport, ahead=True)  # in full, nothing left to choose
        pull.bind(where)
        assert endpoint(pull) == where
    pull.unbind(first)


def test_END_14_last_endpoint_after_connect(zmq, make, fresh):
    push = make("PUSH")
    for where in (fresh("ipc"), fresh("inproc"), dead_endpoint(), "tcp://localhost:5999"):
        push.connect(where)
        assert endpoint(push) == where


def test_END_15_many_endpoints_on_one_socket(zmq, make, fresh):
    pull = make("PULL")
    wheres = []
    for transport in (*TRANSPORTS, "tcp"):
        pull.bind(fresh(transport))
        wheres.append(endpoint(pull))
    for number, where in enumerate(wheres):
        push = make("PUSH")
        push.connect(where)
        push.send(b"%d" % number)
        assert pull.recv() == b"%d" % number


def test_END_15_bind_and_connect_on_one_socket(zmq, make, fresh):
    middle, left, right = make("DEALER"), make("DEALER"), make("DEALER")
    left.bind(fresh("tcp"))
    middle.connect(endpoint(left))
    middle.bind(fresh("ipc"))
    right.connect(endpoint(middle))
    right.send(b"r")
    assert middle.recv() == b"r"
    left.poll(0)
    for _ in range(2):
        middle.send(b"both")
    assert [left.recv(), right.recv()] == [b"both"] * 2


def test_END_16_connect_before_bind(zmq, make, fresh, transport):
    where = fresh(transport, ahead=True)
    push = make("PUSH", RECONNECT_IVL=10)
    push.connect(where)
    for number in range(100):
        push.send(b"%d" % number)
    pull = make("PULL")
    pull.bind(where)
    assert [pull.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


@pytest.mark.parametrize("transport", sorted(TRANSPORTS.keys() - {"ipc"}))  # which libzmq takes over: END-39
def test_END_18_address_in_use(zmq, make, fresh, transport):
    first, second = make("PULL"), make("PULL")
    first.bind(fresh(transport))
    refuses(zmq, errno.EADDRINUSE, second.bind, endpoint(first))
    second.bind(fresh(transport))


def test_END_18_foreign_address_and_bind_failed_event(zmq, make):
    pull = make("PULL")
    events = Events(zmq, pull)
    with pytest.raises(zmq.ZMQError) as caught:
        pull.bind("tcp://192.0.2.1:5555")
    assert caught.value.errno in (errno.EADDRNOTAVAIL, errno.ENODEV)
    if caught.value.errno == errno.EADDRNOTAVAIL:
        assert events.wait("BIND_FAILED")[1] == errno.EADDRNOTAVAIL


def test_END_18_in_use_raises_bind_failed(zmq, make, fresh):
    first, second = make("PULL"), make("PULL")
    first.bind(fresh("tcp"))
    events = Events(zmq, second)
    refuses(zmq, errno.EADDRINUSE, second.bind, endpoint(first))
    assert events.wait("BIND_FAILED")[1] == errno.EADDRINUSE


@pytest.mark.parametrize("how", ["close", "unbind"])
def test_END_19_and_20_port_can_be_bound_again(zmq, make, fresh, how):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    where = endpoint(pull)
    push = make("PUSH")
    push.connect(where)
    push.send(b"x")
    assert pull.recv() == b"x"
    if how == "close":
        pull.close()
    else:
        pull.unbind(where)
    until(lambda: bound(zmq, make("PULL"), where))


def test_END_21_unbind_and_disconnect_need_a_known_endpoint(zmq, make, fresh):
    pull = make("PULL")
    pull.bind("tcp://127.0.0.1:*")
    refuses(zmq, errno.ENOENT, pull.unbind, "tcp://127.0.0.1:*")
    refuses(zmq, errno.ENOENT, pull.unbind, dead_endpoint())
    refuses(zmq, errno.ENOENT, pull.disconnect, dead_endpoint())
    refuses(zmq, errno.ENOENT, pull.unbind, fresh("ipc"))
    refuses(zmq, errno.ENOENT, pull.disconnect, fresh("inproc"))
    refuses(zmq, errno.EINVAL, pull.unbind, "garbage")
    refuses(zmq, errno.EINVAL, pull.disconnect, "")
    pull.unbind(endpoint(pull))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:*", "tcp://*:*", "ipc://*"])
def test_END_22_unbind_by_last_endpoint(zmq, make, address):
    pull = make("PULL")
    pull.bind(address)
    where = endpoint(pull)
    pull.unbind(where)
    refuses(zmq, errno.ENOENT, pull.unbind, where)


@pytest.mark.parametrize("transport", NETWORKS)
def test_END_23_unbind_closes_accepted_connections(zmq, make, fresh, transport):
    push = make("PUSH")
    push.bind(fresh(transport))
    pull = make("PULL", RECONNECT_IVL=-1)
    pull.connect(endpoint(push))
    push.send(b"x")
    assert pull.recv() == b"x"
    push.unbind(endpoint(push))
    until(lambda: not push.poll(0, zmq.POLLOUT))
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)


def test_END_24_disconnect(zmq, make, fresh, transport):
    pull = make("PULL")
    pull.bind(fresh(transport))
    push = make("PUSH")
    push.connect(endpoint(pull))
    push.send(b"x")
    assert pull.recv() == b"x"
    push.disconnect(endpoint(pull))
    until(lambda: not push.poll(0, zmq.POLLOUT))
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)
    push.connect(endpoint(pull))
    push.send(b"again")
    assert pull.recv() == b"again"


def test_END_28_inproc_names(zmq, make, fresh):
    first, second = make("PAIR"), make("PAIR")
    where = "inproc://any octets: é / #%&"
    first.bind(where)
    refuses(zmq, errno.EADDRINUSE, second.bind, where)
    first.unbind(where)
    second.bind(where)
    second.close()
    until(lambda: bound(zmq, first, where))


def test_END_28_inproc_names_belong_to_one_context(zmq, make, fresh):
    where = fresh("inproc")
    make("PAIR").bind(where)
    with zmq.Context() as other:
        socket = other.socket(zmq.PAIR)
        socket.bind(where)
        socket.close(linger=0)


def test_END_29_several_connects_before_one_bind(zmq, make, fresh):
    where = fresh("inproc")
    pushes = [make("PUSH") for _ in range(5)]
    for number, push in enumerate(pushes):
        push.connect(where)
        push.send(b"%d" % number)
    pull = make("PULL")
    pull.bind(where)
    assert sorted(pull.recv() for _ in pushes) == [b"%d" % number for number in range(5)]


def test_END_30_inproc_connects_from_many_threads(zmq, make, context, fresh):
    where = fresh("inproc")
    barrier = threading.Barrier(9)

    def client(number):
        socket = context.socket(zmq.DEALER)
        barrier.wait()
        socket.connect(where)
        socket.send(b"%d" % number)
        assert socket.recv() == b"ok"
        socket.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    router = make("ROUTER")
    barrier.wait()
    router.bind(where)
    bodies = []
    for _ in threads:
        routing_id, body = router.recv_multipart()
        bodies.append(body)
        router.send_multipart([routing_id, b"ok"])
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert sorted(bodies) == [b"%d" % number for number in range(8)]


def test_END_30_termination_with_pending_connects(zmq):
    context = zmq.Context()
    for _ in range(3):
        socket = context.socket(zmq.PUSH)
        socket.connect("inproc://nobody")
        socket.send(b"x")
        socket.close(linger=0)
    context.term()


def test_END_31_routing_id_when_connecting_first(zmq, make, fresh):
    where = fresh("inproc")
    dealer = make("DEALER", ROUTING_ID=b"early bird")
    dealer.connect(where)
    dealer.send(b"hi")
    router = make("ROUTER")
    router.bind(where)
    assert router.recv_multipart() == [b"early bird", b"hi"]


def test_END_32_inproc_subscriptions_before_the_bind(zmq, make, fresh):
    where = fresh("inproc")
    sub = make("SUB")
    sub.subscribe(b"A")
    sub.connect(where)
    xpub = make("XPUB")
    xpub.bind(where)
    assert xpub.recv() == b"\1A"
    xpub.send(b"B")
    xpub.send(b"A")
    assert sub.recv() == b"A"


def test_END_33_inproc_disconnect_removes_subscriptions(zmq, make, fresh):
    xpub, sub = make("XPUB"), make("SUB")
    xpub.bind(fresh("inproc"))
    sub.subscribe(b"A")
    for _round in range(3):
        sub.connect(endpoint(xpub))
        assert xpub.recv() == b"\1A"
        xpub.send(b"A")
        assert sub.recv() == b"A"
        sub.disconnect(endpoint(xpub))
        # Both ends take part in ending an inproc pipe; libzmq does its share inside calls only.
        until(lambda: [sub.getsockopt(zmq.EVENTS), xpub.poll(2)][1])
        assert xpub.recv() == b"\0A"


def test_END_33_inproc_does_not_reconnect(zmq, make, fresh):
    where = fresh("inproc")
    pull = make("PULL")
    pull.bind(where)
    push = make("PUSH")
    push.connect(where)
    pull.close()
    until(lambda: not push.poll(0, zmq.POLLOUT))
    pull = make("PULL")
    until(lambda: bound(zmq, pull, where))
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)


def test_END_34_reqrep(zmq, pair, transport):
    req, rep = pair("REQ", "REP", transport)
    for number in range(10):
        req.send(b"%d" % number)
        assert rep.recv() == b"%d" % number
        rep.send(b"re %d" % number)
        assert req.recv() == b"re %d" % number


@pytest.mark.parametrize("call", ["bind", "connect"])
@pytest.mark.parametrize("path", ["@" + "x" * 120, "/tmp/" + "x/" * 2100])
def test_END_35_ipc_path_too_long(zmq, make, call, path):
    refuses(zmq, errno.ENAMETOOLONG, getattr(make("PAIR"), call), "ipc://" + path)


def test_END_36_ipc_wildcard(zmq, make):
    pull = make("PULL")
    pull.bind("ipc://*")
    where = endpoint(pull)
    path = where.removeprefix("ipc://")
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    push = make("PUSH")
    push.connect(where)
    push.send(b"x")
    assert pull.recv() == b"x"
    push.close()
    pull.close()
    until(lambda: not os.path.exists(path) and not os.path.exists(os.path.dirname(path)))


@pytest.mark.skipif(not hasattr(plain, "AF_UNIX") or os.uname().sysname != "Linux", reason="abstract names exist on Linux only")
def test_END_37_ipc_abstract(zmq, make):
    where = f"ipc://@zmqcore-test-{os.getpid()}"
    pull = make("PULL")
    pull.bind(where)
    assert endpoint(pull) == where
    push = make("PUSH")
    push.connect(where)
    push.send(b"x")
    assert pull.recv() == b"x"
    refuses(zmq, errno.EINVAL, make("PULL").bind, "ipc://@")


def test_END_38_ipc_rebind(zmq, make, fresh):
    where = fresh("ipc")
    first = make("PUSH")
    first.bind(where)
    pull = make("PULL", RECONNECT_IVL=10)
    pull.connect(where)
    first.send(b"1")
    assert pull.recv() == b"1"
    first.close()
    second = make("PUSH")
    until(lambda: bound(zmq, second, where))
    second.send(b"2")
    assert pull.recv() == b"2"


@pytest.mark.better
def test_END_39_ipc_bind_never_steals_a_live_address(zmq, make, fresh):
    where = fresh("ipc")
    first = make("PULL")
    first.bind(where)
    refuses(zmq, errno.EADDRINUSE, make("PULL").bind, where)
    push = make("PUSH")
    push.connect(where)
    push.send(b"x")
    assert first.recv() == b"x"


def test_END_39_ipc_bind_replaces_a_dead_socket_file(zmq, make, fresh):
    where = fresh("ipc")
    path = where.removeprefix("ipc://")
    with plain.socket(plain.AF_UNIX) as listener:
        listener.bind(path)
    assert os.path.exists(path)
    pull = make("PULL")
    pull.bind(where)
    push = make("PUSH")
    push.connect(where)
    push.send(b"x")
    assert pull.recv() == b"x"


@pytest.mark.better
def test_END_39_ipc_bind_never_deletes_a_regular_file(zmq, make, fresh):
    where = fresh("ipc")
    path = where.removeprefix("ipc://")
    with open(path, "w") as file:
        file.write("precious")
    refuses(zmq, errno.EADDRINUSE, make("PULL").bind, where)
    with open(path) as file:
        assert file.read() == "precious"


# What a socket reports when the listener has closed its connection before the handshake.
TURNED_AWAY = ("DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL")


def own_filters(zmq):
    return [(zmq.IPC_FILTER_UID, os.getuid()), (zmq.IPC_FILTER_GID, os.getgid()), (zmq.IPC_FILTER_PID, os.getpid())]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("matching", [True, False])
def test_END_40_ipc_filters(zmq, make, fresh, place, matching):
    option, value = own_filters(zmq)[place]
    pull = make("PULL")
    pull.setsockopt(option, value if matching else value + 12345)
    pull.bind(fresh("ipc"))
    push = make("PUSH")
    events = Events(zmq, push)
    push.connect(endpoint(pull))
    push.send(b"x")
    if matching:
        assert pull.recv() == b"x"
    else:
        events.wait(*TURNED_AWAY)
        assert pull.poll(0) == 0


@pytest.mark.better
def test_END_41_ipc_file_is_removed(zmq, make, fresh):
    for how in ("close", "unbind"):
        where = fresh("ipc")
        pull = make("PULL")
        pull.bind(where)
        if how == "close":
            pull.close()
        else:
            pull.unbind(where)
        path = where.removeprefix("ipc://")
        until(lambda path=path: not os.path.exists(path))


@pytest.mark.parametrize("cidr, accepted", [("127.0.0.1", True), ("127.0.0.0/8", True), ("0.0.0.0/0", True), ("10.0.0.0/8", False),
                                            ("127.0.0.2/32", False)])
def test_END_42_tcp_accept_filter(zmq, make, fresh, cidr, accepted):
    pull = make("PULL")
    pull.setsockopt(zmq.TCP_ACCEPT_FILTER, cidr.encode())
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    events = Events(zmq, push)
    push.connect(endpoint(pull))
    push.send(b"x")
    if accepted:
        assert pull.recv() == b"x"
    else:
        events.wait(*TURNED_AWAY)
        assert pull.poll(0) == 0


def test_END_42_several_filters_are_alternatives(zmq, make, fresh):
    pull = make("PULL")
    for cidr in (b"10.0.0.0/8", b"127.0.0.1"):
        pull.setsockopt(zmq.TCP_ACCEPT_FILTER, cidr)
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    push.connect(endpoint(pull))
    push.send(b"x")
    assert pull.recv() == b"x"


@pytest.mark.parametrize("text", [b"nonsense", b"127.0.0.1/33", b"127.0.0.1/-1", b"127.0.0.1/", b"1.2.3.4.5"])
def test_END_42_bad_filters(zmq, make, text):
    refuses(zmq, errno.EINVAL, make("PULL").setsockopt, zmq.TCP_ACCEPT_FILTER, text)


@pytest.mark.skipif(sys.platform != "linux", reason="the file system may want UTF-8 elsewhere")
@pytest.mark.parametrize("text", ["bytes", pytest.param("fsdecoded", marks=pytest.mark.better)])
def test_END_ipc_path_that_is_not_utf_8(zmq, make, tmp_path, text):
    raw = b"ipc://" + os.fsencode(tmp_path) + b"/\xff"
    address = raw if text == "bytes" else os.fsdecode(raw)
    server, client = make("PAIR"), make("PAIR")
    with server.bind(address) as bound:
        assert bound is server
        assert server.get(zmq.LAST_ENDPOINT) == server.last_endpoint == raw
        with client.connect(address):
            client.send(b"x")
            assert server.recv() == b"x"
    server, client = make("PAIR"), make("PAIR")
    server.bind(address)
    client.connect(address)
    client.send(b"y")
    assert server.recv() == b"y"
    client.disconnect(address)
    server.unbind(address)
    for call in (client.disconnect, server.unbind):
        with pytest.raises(zmq.ZMQError) as caught:
            call(address)
        assert caught.value.errno == errno.ENOENT and str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="the file system may want UTF-8 elsewhere")
def test_END_monitor_tells_a_path_that_is_not_utf_8(zmq, make, tmp_path):
    raw = b"ipc://" + os.fsencode(tmp_path) + b"/\xfe"
    server = make("PAIR")
    events = Events(zmq, server)
    server.bind(raw)
    assert events.parse(events.monitor)["endpoint"] == raw


def test_END_names_that_are_not_utf_8(zmq, make):
    server, client = make("PAIR"), make("PAIR")
    server.bind(b"inproc://\xff")
    client.connect(b"inproc://\xff")
    client.send(b"x")
    assert server.recv() == b"x"
    for address in (b"\xff://x", b"tcp://\xff", b"ipc://@" + b"\xff" * 200):
        for call in (server.bind, client.connect):
            with pytest.raises((zmq.ZMQError, TypeError)) as caught:  # TypeError: pyzmq, of a path that is too long
                call(address)
            assert str(caught.value) and repr(caught.value)
