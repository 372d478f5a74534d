"""Counters are exact: what one side sent is what the other received, plus what the counters say was dropped, and where."""

import os
import socket as sockets
import struct

import pytest
from awaiting import dead_endpoint, endpoint, fill, until

pytestmark = pytest.mark.better

GREETING = bytes.fromhex("ff00000000000000017f0300") + b"NULL".ljust(20, b"\0") + bytes(32)


def ready(kind):
    body = b"\5READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    return bytes([4, len(body)]) + body


def peer(socket):
    (one,) = socket.statistics().peers
    return one


def test_STAT_1_what_was_sent_is_what_has_arrived(pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    sizes = [[0], [1], [48, 49], [300] * 5, [8191, 8192], [70000, 0]]
    for sizes_of_one in sizes:
        push.send_multipart([b"x" * size for size in sizes_of_one])
    assert [[len(frame) for frame in pull.recv_multipart()] for _ in sizes] == sizes
    sent, received = push.statistics(), pull.statistics()
    total = sum(map(sum, sizes))
    assert (sent.messages_out, sent.bytes_out, sent.queued_out, sent.dropped.total) == (len(sizes), total, 0, 0)
    assert (received.messages_in, received.bytes_in, received.queued_in, received.dropped.total) == (len(sizes), total, 0, 0)
    assert (sent.messages_in, received.messages_out) == (0, 0)
    assert sent.peers[0].messages_out == sent.messages_out
    assert (sent.wire_out, received.wire_out) == (received.wire_in, sent.wire_in)


def test_STAT_2_what_waits_is_counted_on_the_side_where_it_waits(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport, {"SNDHWM": 3}, {"RCVHWM": 2})
    taken = 0
    body = os.urandom(100000)
    while push.statistics().queued_out < 3:
        taken += fill(zmq, push, body)
    sent = push.statistics()
    assert sent.messages_out == taken
    assert sent.full_out > 0
    if transport == "inproc":
        assert sent.queued_out == pull.statistics().queued_in == taken
    for _ in range(taken):
        pull.recv()
    until(lambda: push.statistics().queued_out == 0)
    assert pull.statistics().queued_in == 0
    assert pull.statistics().messages_in == taken


@pytest.mark.parametrize("topics", [[b""], [b"t", b"to"]])
def test_STAT_3_a_full_subscriber_misses_counted_messages(zmq, make, fresh, transport, topics):
    xpub, sub = make("XPUB", SNDHWM=2), make("SUB", RCVHWM=2)
    sub.connect(endpoint(xpub)) if xpub.bind(fresh(transport)) is None else sub.connect(endpoint(xpub))
    for topic in topics:
        sub.subscribe(topic)
    assert sorted(xpub.recv() for _ in topics) == sorted(b"\1" + topic for topic in topics)
    published = 0
    body = os.urandom(50000)  # nothing that a transport could make smaller
    while xpub.statistics().dropped.full < 20:
        xpub.send_multipart([b"topic", body])
        published += 1
    found = xpub.statistics()
    assert published == found.messages_out + found.dropped.full
    assert found.dropped.nobody == 0
    for _ in range(found.messages_out):
        sub.recv_multipart()
    assert sub.statistics().messages_in == found.messages_out
    assert not sub.poll(0)


def test_STAT_4_messages_for_nobody_are_counted(zmq, pair):
    pub, sub = pair("PUB", "SUB", "inproc")
    sub.subscribe(b"a")
    for topic in (b"a", b"b", b"c"):
        pub.send(topic)
    assert sub.recv() == b"a"
    assert (pub.statistics().messages_out, pub.statistics().dropped.nobody) == (1, 2)
    router, dealer = pair("ROUTER", "DEALER", "inproc")
    router.send_multipart([b"unknown", b"x"])
    assert router.statistics().dropped.nobody == 1


def test_STAT_5_a_full_peer_of_a_router_misses_counted_messages(zmq, pair, transport):
    dealer, router = pair("DEALER", "ROUTER", transport, {"ROUTING_ID": b"d", "RCVHWM": 1}, {"SNDHWM": 1})
    dealer.send(b"hello")
    router.recv_multipart()
    sent = 0
    body = os.urandom(50000)
    while router.statistics().dropped.full < 5:
        router.send_multipart([b"d", body])
        sent += 1
    found = router.statistics()
    assert sent == found.messages_out + found.dropped.full
    for _ in range(found.messages_out):
        dealer.recv()
    assert dealer.statistics().messages_in == found.messages_out


class Raw:
    """A tcp listener that shakes hands as a PULL and reads nothing after that."""

    def __init__(self):
        self.listener = sockets.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        connection, _ = self.listener.accept()
        connection.sendall(GREETING + ready(b"PULL"))
        read = b""
        while b"PUSH" not in read:
            read += connection.recv(65536)
        return connection

    def close(self):
        self.listener.close()


def test_STAT_6_a_reset_loses_what_the_counters_say(zmq, make):
    raw = Raw()
    push = make("PUSH", SNDHWM=10, RECONNECT_IVL=10)
    push.connect(raw.address)
    connection = raw.accept()
    until(lambda: peer(push).state == "ready")
    shaken = push.statistics().wire_out
    size = 100000
    sent = fill(zmq, push, b"x" * size)
    raw.close()
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    until(lambda: push.statistics().disconnections == 1)
    found = push.statistics()
    handed_over, begun = divmod(found.wire_out - shaken, size + 9)
    begun = begun > 0
    assert found.messages_left == handed_over
    assert found.dropped.lost == begun
    assert found.queued_out == sent - handed_over - begun
    pull = make("PULL")
    pull.bind(raw.address)
    for _ in range(found.queued_out):
        assert len(pull.recv()) == size
    until(lambda: push.statistics().queued_out == 0)
    found = push.statistics()
    assert sent == found.messages_out == handed_over + found.dropped.total + pull.statistics().messages_in
    assert found.retries >= 1
    assert (peer(push).reconnects, peer(push).type) == (1, "PULL")


def test_STAT_7_a_reset_of_an_accepted_connection_loses_what_is_queued(zmq, make):
    push = make("PUSH", SNDHWM=10)
    push.bind("tcp://127.0.0.1:*")
    host, port = endpoint(push).removeprefix("tcp://").split(":")
    connection = sockets.create_connection((host, int(port)))
    connection.sendall(GREETING + ready(b"PULL"))
    until(lambda: [one.state for one in push.statistics().peers] == ["ready"])
    sent = fill(zmq, push, b"x" * 100000)
    connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    until(lambda: not push.statistics().peers)
    found = push.statistics()
    assert (found.messages_out, found.queued_out) == (sent, 0)
    assert found.messages_left + found.dropped.lost == sent
    assert found.dropped.lost > 0


@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_STAT_8_what_conflate_drops_is_counted_where_it_is_dropped(zmq, make, fresh, transport, side):
    where = fresh(transport, ahead=True)
    push = make("PUSH", **({"CONFLATE": 1} if side == "sender" else {}))
    pull = make("PULL", **({"CONFLATE": 1} if side == "receiver" else {}))
    if side == "receiver":
        pull.bind(where)
    push.connect(where)
    for number in range(100):
        push.send(b"%d" % number)
    if side == "sender":
        pull.bind(where)
    received = 0
    while pull.recv() != b"99":
        received += 1
    received += 1
    sent, taken = push.statistics(), pull.statistics()
    assert sent.messages_out == 100
    assert sent.dropped.conflated == (0 if side == "receiver" and transport != "inproc" else sent.dropped.total)
    assert 100 == received + sent.dropped.conflated + taken.dropped.conflated
    assert sent.messages_left == taken.messages_in
    assert (sent.queued_out, taken.queued_in) == (0, 0)


def test_STAT_9_what_linger_gives_up_is_counted(zmq, make):
    push = make("PUSH")
    push.connect(dead_endpoint())
    for _ in range(7):
        push.send_multipart([b"x", b"y"])
    assert push.statistics().queued_out == 7
    push.close(linger=0)
    found = push.statistics()
    assert (found.messages_out, found.dropped.lingered, found.messages_left, found.peers) == (7, 7, 0, ())


def test_STAT_9_with_some_in_the_output_of_the_connection(zmq, make):
    raw = Raw()
    push = make("PUSH", SNDHWM=10)
    push.connect(raw.address)
    connection = raw.accept()
    sent = fill(zmq, push, b"x" * 100000)
    push.close(linger=0)
    found = push.statistics()
    assert (found.messages_out, found.queued_out) == (sent, 0)
    assert found.messages_left + found.dropped.lingered == sent
    assert found.dropped.lingered > 1
    connection.close()
    raw.close()


def test_STAT_10_what_the_application_leaves_unread_is_counted(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    for _ in range(5):
        push.send_multipart([b"a", b"b"])
    pull.recv_multipart()
    until(lambda: pull.statistics().queued_in == 4)
    pull.close()
    assert pull.statistics().dropped.unread == 4
    assert pull.statistics().messages_in == 5
    until(lambda: push.statistics().disconnections == 1)
    if transport == "inproc":
        assert push.statistics().dropped.total == 0


def test_STAT_10_user_messages_that_an_xpub_has_not_received(zmq, pair):
    xsub, xpub = pair("XSUB", "XPUB", "inproc")
    xsub.send_multipart([b"user", b"message"])
    xsub.send(b"\1topic")
    assert xpub.poll(1000)
    xpub.close()
    assert (xpub.statistics().messages_in, xpub.statistics().dropped.unread) == (1, 1)
    assert xsub.statistics().messages_out == 1


def test_STAT_11_what_a_subscriber_filters_is_counted(zmq, pair):
    pub, sub = pair("PUB", "SUB", "inproc")
    sub.subscribe(b"")
    for topic in (b"a", b"b"):
        pub.send_multipart([topic, b"x"])
    sub.unsubscribe(b"")
    assert not sub.poll(0)
    assert (sub.statistics().messages_in, sub.statistics().dropped.filtered) == (2, 2)


def test_STAT_12_what_a_type_does_not_take_is_counted(zmq, pair):
    dealer, rep = pair("DEALER", "REP", "inproc")
    dealer.send(b"no envelope")
    dealer.send_multipart([b"no", b"envelope"])
    dealer.send_multipart([b"", b"question"])
    assert rep.recv() == b"question"
    assert (rep.statistics().messages_in, rep.statistics().dropped.unwanted) == (3, 2)
    pull, push = pair("DEALER", "PUSH", "inproc")
    pull.send_multipart([b"to one", b"that only sends"])
    until(lambda: push.statistics().dropped.unwanted == 1)
    req, router = pair("REQ", "ROUTER", "inproc", {"REQ_RELAXED": 1, "REQ_CORRELATE": 1})
    req.send(b"first")
    first = router.recv_multipart()
    req.send(b"second")
    second = router.recv_multipart()
    router.send_multipart(first)
    router.send_multipart(second)
    assert req.recv() == b"second"
    assert (req.statistics().messages_in, req.statistics().dropped.unwanted) == (2, 1)


def test_STAT_12_answers_to_one_who_is_gone_are_counted(zmq, pair):
    dealer, rep = pair("DEALER", "REP", "tcp")
    dealer.send_multipart([b"", b"question"])
    rep.recv()
    dealer.close()
    until(lambda: rep.statistics().disconnections == 1)
    rep.send(b"answer")
    assert rep.statistics().dropped.nobody == 1


def test_STAT_13_a_peer_is_described(zmq, make, fresh, transport):
    router, dealer = make("ROUTER"), make("DEALER", ROUTING_ID=b"me", METADATA=b"X-Name:someone")
    router.bind(fresh(transport))
    dealer.connect(endpoint(router))
    dealer.send(b"hello")
    router.recv_multipart()
    there, here = peer(router), peer(dealer)
    assert (there.type, there.routing_id, there.state, there.connects) == ("DEALER", b"me", "ready", False)
    assert (here.type, here.connects, here.endpoint) == ("ROUTER", True, endpoint(router))
    assert there.connected_since <= here.connected_since + 60
    assert there.mechanism == (None if transport == "inproc" else "NULL")
    if transport == "tcp":
        assert there.address == "127.0.0.1"
        assert there.metadata["X-Name"] == b"someone"
    if transport == "ipc":
        assert (there.pid, there.uid, there.gid) == (os.getpid(), os.getuid(), os.getgid())


def test_STAT_13_who_it_has_proved_to_be(zmq, make):
    pytest.importorskip("nacl")
    server, client = make("ROUTER"), make("DEALER")
    key, own = zmq.SecretKey.generate(), zmq.SecretKey.generate()
    server.secure_server(key, allow=[own.public])
    client.secure_client(key.public, own)
    server.bind("tcp://127.0.0.1:*")
    client.connect(endpoint(server))
    client.send(b"hello")
    server.recv_multipart()
    found = peer(server)
    assert (found.mechanism, found.authenticated, found.user) == ("CURVE", True, str(own.public))


def test_STAT_14_handshakes_that_fail_are_counted_with_the_reason(zmq, make):
    server = make("ROUTER")
    server.bind("tcp://127.0.0.1:*")
    port = int(endpoint(server).rpartition(":")[2])
    with sockets.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(GREETING + ready(b"ROUTER")[:-4])
        connection.shutdown(sockets.SHUT_WR)
        until(lambda: server.statistics().handshake_failures == 1)
    assert server.statistics().last_handshake_error == "EPIPE"
    client = make("PUSH")
    client.connect(endpoint(server))
    until(lambda: client.statistics().handshake_failures == 1)
    assert client.statistics().last_handshake_error == "EINVAL"


def test_STAT_15_heartbeats_measure_the_round_trip(zmq, pair):
    push, pull = pair("PUSH", "PULL", "tcp", {"HEARTBEAT_IVL": 20})
    until(lambda: peer(push).round_trip is not None)
    assert 0 < peer(push).round_trip < 10


def test_STAT_16_system_calls_are_counted(zmq, pair):
    push, pull = pair("PUSH", "PULL", "tcp")
    push.send(b"x")
    pull.recv()
    before = push.statistics().writes
    push.send(b"x")
    pull.recv()
    assert push.statistics().writes == before + 1
    assert push.statistics().reads > 0


def test_statistics_of_asynchronous_sockets_and_of_shadows(zmq, submodule, pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    push.send(b"x")
    assert zmq.Socket.shadow(pull).statistics().messages_in == 1
    assert submodule("asyncio").Socket.from_socket(pull).statistics().queued_in == 1


def test_every_field_is_described(submodule):
    statistics = submodule("statistics")
    for cls in (statistics.Dropped, statistics.PeerStatistics, statistics.SocketStatistics):
        for name in cls.__dataclass_fields__:
            assert f"{name} (" in cls.__doc__, f"{cls.__name__}.{name}"
