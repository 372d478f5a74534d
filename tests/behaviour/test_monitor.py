"""Monitoring: which events come in which order, with which values and addresses."""
import socket
import struct
import threading

import pytest
from awaiting import Events, dead_endpoint, endpoint, fill
from platforms import errno
from transports import NETWORKS, TRANSPORTS


def test_MON_1_only_inproc_addresses(zmq, make):
    socket = make("PAIR")
    with pytest.raises(zmq.ZMQError) as caught:
        socket.monitor("tcp://127.0.0.1:5999", zmq.EVENT_ALL)
    assert caught.value.errno == errno.EPROTONOSUPPORT
    with pytest.raises(zmq.ZMQError) as caught:
        socket.monitor("nonsense", zmq.EVENT_ALL)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.better
def test_MON_1_none_stops_a_monitor_that_nobody_reads(zmq, make):
    """libzmq blocks for good here: its MONITOR_STOPPED has nowhere to go."""
    socket = make("PAIR")
    socket.monitor("inproc://mon-1", zmq.EVENT_ALL)
    socket.monitor(None, 0)
    socket.monitor("inproc://mon-1", zmq.EVENT_ALL)


def test_MON_2_form_of_an_event(zmq, make, context, fresh):
    pull = make("PULL")
    pull.monitor("inproc://mon-2", zmq.EVENT_ALL)
    monitor = make("PAIR")
    monitor.connect("inproc://mon-2")
    pull.bind(fresh("tcp"))
    head, address = monitor.recv_multipart()
    event, value = struct.unpack("=Hi", head)
    assert event == zmq.EVENT_LISTENING and value > 2
    assert address.decode() == endpoint(pull)


def test_MON_3_only_events_in_the_mask(zmq, make, fresh):
    pull = make("PULL")
    events = Events(zmq, pull, zmq.EVENT_ACCEPTED)
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    push.connect(endpoint(pull))
    assert events.next()[0] == "ACCEPTED"
    push.send(b"x")
    assert pull.recv() == b"x"
    make("PUSH").connect(endpoint(pull))
    assert events.next()[0] == "ACCEPTED"


def test_MON_3_nothing_from_before_the_call(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    events = Events(zmq, pull)
    pull.bind(fresh("tcp"))
    assert events.next()[::2] == ("LISTENING", endpoint(pull))


@pytest.mark.better
def test_MON_4_an_unread_monitor_never_blocks_the_socket(zmq, make, fresh):
    pull = make("PULL")
    pull.monitor("inproc://mon-4", zmq.EVENT_ALL)  # nobody ever connects to it
    pull.bind(fresh("tcp"))
    for number in range(1200):
        push = make("PUSH")
        push.connect(endpoint(pull))
        push.send(b"%d" % number)
        assert pull.recv() == b"%d" % number
        push.close()


def test_MON_5_a_second_monitor_replaces_the_first(zmq, make, fresh):
    pull = make("PULL")
    pull.monitor("inproc://mon-5a", zmq.EVENT_ALL)
    first = make("PAIR")
    first.connect("inproc://mon-5a")
    pull.monitor("inproc://mon-5b", zmq.EVENT_ALL)
    assert struct.unpack("=Hi", first.recv_multipart()[0])[0] == zmq.EVENT_MONITOR_STOPPED
    second = make("PAIR")
    second.connect("inproc://mon-5b")
    pull.bind(fresh("tcp"))
    assert struct.unpack("=Hi", second.recv_multipart()[0])[0] == zmq.EVENT_LISTENING


@pytest.mark.parametrize("how", ["close", "disable"])
def test_MON_6_stopping_is_the_last_event(zmq, make, how):
    pull = make("PULL")
    events = Events(zmq, pull)
    pull.bind("tcp://127.0.0.1:*")
    if how == "close":
        pull.close()
    else:
        pull.disable_monitor()
    assert events.all_until("MONITOR_STOPPED")[0] == "LISTENING"
    assert events.seen[-1][1] == 0
    if how == "disable":
        pull.bind("tcp://127.0.0.1:*")
    assert not events.monitor.poll(0)


@pytest.mark.parametrize("transport", NETWORKS)
def test_MON_7_and_8_sequences(zmq, make, fresh, transport):
    pull = make("PULL")
    server = Events(zmq, pull)
    where = fresh(transport)
    pull.bind(where)
    push = make("PUSH", RECONNECT_IVL=10)
    client = Events(zmq, push)
    push.connect(endpoint(pull))
    push.send(b"x")
    assert pull.recv() == b"x"
    assert server.all_until("HANDSHAKE_SUCCEEDED") == ["LISTENING", "ACCEPTED", "HANDSHAKE_SUCCEEDED"]
    names = client.all_until("HANDSHAKE_SUCCEEDED")
    assert names[-2:] == ["CONNECTED", "HANDSHAKE_SUCCEEDED"] and set(names[:-2]) <= {"CONNECT_DELAYED"}
    pull.close()
    assert client.wait("DISCONNECTED", "CONNECT_RETRIED")[0] == "DISCONNECTED"
    assert client.wait("CONNECT_RETRIED")[1] >= 10
    push.close()
    assert client.all_until("MONITOR_STOPPED")[-1] == "MONITOR_STOPPED"
    assert server.all_until("MONITOR_STOPPED")[-1] == "MONITOR_STOPPED"


def test_MON_8_server_sees_the_peer_go(zmq, make, fresh):
    pull = make("PULL")
    server = Events(zmq, pull)
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    push.connect(endpoint(pull))
    server.wait("HANDSHAKE_SUCCEEDED")
    push.close()
    assert server.next()[0] == "DISCONNECTED"
    pull.unbind(endpoint(pull))
    server.wait("CLOSED")


def test_MON_9_refused_tcp_connection(zmq, make):
    push = make("PUSH", RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(dead_endpoint())
    for _round in range(2):
        assert events.all_until("CONNECT_RETRIED") == ["CONNECT_DELAYED", "CLOSED", "CONNECT_RETRIED"]


def test_MON_10_failed_ipc_connection(zmq, make, fresh):
    push = make("PUSH", RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(fresh("ipc"))
    for _round in range(2):
        assert events.all_until("CONNECT_RETRIED") == ["CLOSED", "CONNECT_RETRIED"]


def test_MON_11_values(zmq, make, fresh):
    pull = make("PULL")
    server = Events(zmq, pull)
    pull.bind(fresh("tcp"))
    push = make("PUSH", RECONNECT_IVL=25, RECONNECT_IVL_MAX=25)
    client = Events(zmq, push)
    push.connect(endpoint(pull))
    assert server.wait("LISTENING")[1] > 2
    assert server.wait("ACCEPTED")[1] > 2
    assert server.wait("HANDSHAKE_SUCCEEDED")[1] == 0
    delayed = client.wait("CONNECT_DELAYED", "CONNECTED")
    if delayed[0] == "CONNECT_DELAYED":
        assert delayed[1] == errno.EINPROGRESS
    client.wait("HANDSHAKE_SUCCEEDED")
    pull.close()
    assert client.wait("DISCONNECTED")[1] > 2
    assert client.wait("CONNECT_RETRIED")[1] == 25


def test_MON_12_addresses(zmq, make, fresh):
    pull = make("PULL")
    server = Events(zmq, pull)
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    client = Events(zmq, push)
    push.connect(endpoint(pull))
    server.all_until("HANDSHAKE_SUCCEEDED")
    client.all_until("HANDSHAKE_SUCCEEDED")
    for _name, _value, where in server.seen + client.seen:
        assert where == endpoint(pull)


@pytest.mark.better
def test_MON_14_bind_failed_has_the_whole_endpoint(zmq, make, fresh):
    first, second = make("PULL"), make("PULL")
    first.bind(fresh("tcp"))
    events = Events(zmq, second)
    with pytest.raises(zmq.ZMQError):
        second.bind(endpoint(first))
    assert events.wait("BIND_FAILED")[2] == endpoint(first)


def test_monitor_does_not_disturb_traffic(zmq, make, fresh):
    pull = make("PULL", RCVHWM=0)
    events = Events(zmq, pull)
    pull.bind(fresh("tcp"))
    push = make("PUSH", SNDHWM=0)
    push.connect(endpoint(pull))
    assert fill(zmq, push, limit=20000) == 20000
    for _ in range(20000):
        pull.recv()
    assert events.all_until("HANDSHAKE_SUCCEEDED") == ["LISTENING", "ACCEPTED", "HANDSHAKE_SUCCEEDED"]
    pull.disable_monitor()
    push.send(b"still")
    assert pull.recv() == b"still"


@pytest.mark.parametrize("order", ["connect first", "monitor first"])
def test_MON_consumer_before_or_after_the_monitor(zmq, make, order):
    """An inproc name may be connected to before it is bound, a monitor's too."""
    server, client, consumer = make("PULL"), make("PUSH"), make("PAIR")
    server.bind("tcp://127.0.0.1:*")
    if order == "connect first":
        consumer.connect("inproc://events")
        client.monitor("inproc://events", zmq.EVENT_ALL)
    else:
        client.monitor("inproc://events", zmq.EVENT_ALL)
        consumer.connect("inproc://events")
    client.connect(server.get_string(zmq.LAST_ENDPOINT))
    events = Events(zmq, client, monitor=consumer)
    assert events.wait("HANDSHAKE_SUCCEEDED")
    client.disable_monitor()
    assert events.wait("MONITOR_STOPPED")


def test_MON_8_closing_a_listener_is_reported_before_the_end(zmq, make, fresh):
    pull = make("PULL")
    events = Events(zmq, pull)
    pull.bind(fresh("tcp"))
    _name, descriptor, _where = events.wait("LISTENING")
    pull.close()
    assert events.next()[:2] == ("CLOSED", descriptor)
    assert events.next()[0] == "MONITOR_STOPPED"


def test_MON_9_a_name_that_is_not_found_is_only_retried(zmq, make):
    """There was no descriptor that could be closed."""
    push = make("PUSH", RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect("tcp://nowhere.invalid:5555")
    assert events.next()[0] == events.next()[0] == "CONNECT_RETRIED"


def test_MON_11_what_is_closed_is_a_descriptor(zmq, make):
    push = make("PUSH", RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(dead_endpoint())
    assert events.wait("CLOSED")[1] > 2


def test_MON_12_a_wildcard_listener_tells_where_a_peer_came_in(zmq, make):
    pull = make("PULL")
    events = Events(zmq, pull)
    pull.bind("tcp://*:*")
    where = endpoint(pull).replace("0.0.0.0", "127.0.0.1")
    push = make("PUSH")
    push.connect(where)
    assert events.wait("ACCEPTED")[2] == where
    assert events.wait("HANDSHAKE_SUCCEEDED")[2] == where
    pull.close()
    assert events.wait("CLOSED")[2] == where.replace("127.0.0.1", "0.0.0.0")


# ---- version 2: libzmq has it in draft builds only, pyzmq does not show it


@pytest.mark.better
def test_MON_2_form_of_version_2(zmq, make, fresh):
    pull = make("PULL")
    pull.monitor("inproc://mon-2-2", zmq.EVENT_ALL_V2, version=2)
    monitor = make("PAIR")
    monitor.connect("inproc://mon-2-2")
    pull.bind(fresh("tcp"))
    event, count, value, local, remote = monitor.recv_multipart()
    assert struct.unpack("=QQ", event + count) == (zmq.EVENT_LISTENING, 1)
    assert struct.unpack("=Q", value)[0] > 2
    assert (local.decode(), remote) == (endpoint(pull), b"")
    pull.disable_monitor()
    assert struct.unpack("=QQQ", b"".join(monitor.recv_multipart())) == (zmq.EVENT_MONITOR_STOPPED, 1, 0)


@pytest.mark.better
def test_MON_2_versions_and_their_events(zmq, make):
    pull = make("PULL")
    for version, events in [(0, zmq.EVENT_ALL), (3, zmq.EVENT_ALL), (1, zmq.EVENT_ALL_V2)]:
        with pytest.raises(zmq.ZMQError, match="version") as caught:
            pull.monitor("inproc://mon-2-versions", events, version)
        assert caught.value.errno == errno.EINVAL


@pytest.fixture
def both_ends(zmq, make):
    """both_ends(made) -> the Events of a socket, whose endpoints are (local, remote)."""

    def both_ends(made):
        return Events(zmq, made, monitor=made.get_monitor_socket(version=2), where=lambda event: (event["local"].decode(), event["remote"].decode()))

    return both_ends


@pytest.mark.better
@pytest.mark.parametrize("address", ["tcp", "tcp6", "ipc"])
def test_MON_13_the_ends_mirror_each_other(zmq, make, fresh, both_ends, address):
    pull, push = (make(kind, IPV6=int(address == "tcp6")) for kind in ("PULL", "PUSH"))
    server, client = both_ends(pull), both_ends(push)
    pull.bind("tcp://[::1]:*" if address == "tcp6" else fresh(address))
    where, prefix = endpoint(pull), address.rstrip("6") + "://"
    assert server.wait("LISTENING")[2] == (where, "")
    push.connect(where)
    if address != "ipc":
        assert client.wait("CONNECT_DELAYED")[2] == ("", where)
    connected = client.wait("CONNECTED")[2]
    assert connected[0].startswith(prefix) and connected[1] == where
    assert client.wait("HANDSHAKE_SUCCEEDED")[2] == connected
    for name in ("ACCEPTED", "HANDSHAKE_SUCCEEDED"):
        assert server.wait(name)[2] == (where, connected[0])
    push.close()
    assert server.wait("DISCONNECTED")[2] == (where, connected[0])


@pytest.mark.better
def test_MON_13_the_ends_of_a_connection_that_was_reset(zmq, make, fresh, both_ends):
    """The system has forgotten by then who it was."""
    pull = make("PULL")
    events = both_ends(pull)
    pull.bind(fresh("tcp"))
    host, port = endpoint(pull).removeprefix("tcp://").split(":")
    peer = socket.create_connection((host, int(port)))
    remote = "tcp://{}:{}".format(*peer.getsockname())
    events.wait("ACCEPTED")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    assert events.wait("DISCONNECTED")[2] == (endpoint(pull), remote)


@pytest.mark.better
def test_MON_13_a_connection_older_than_its_monitor(zmq, make, fresh, both_ends):
    pull, push = make("PULL"), make("PUSH")
    pull.bind(fresh("tcp"))
    push.connect(endpoint(pull))
    push.send(b"x")
    pull.recv()
    events = both_ends(push)
    pull.close()
    local, remote = events.wait("DISCONNECTED")[2]
    assert local.startswith("tcp://127.0.0.1:") and remote == push.last_endpoint.decode().rstrip("\0")
    assert events.wait("CONNECT_RETRIED")[2] == ("", remote)


# ---- statistics of the queues


@pytest.mark.better
def test_MON_15_when_there_are_no_statistics(zmq, make):
    pull = make("PULL")
    with pytest.raises(zmq.ZMQError, match="version 2") as caught:
        pull.monitor_pipes_stats()
    assert caught.value.errno == errno.EINVAL
    pull.monitor("inproc://mon-15", zmq.EVENT_ALL_V2, version=2)
    with pytest.raises(zmq.Again):
        pull.monitor_pipes_stats()
    pull.close()
    with pytest.raises(zmq.ZMQError) as caught:
        pull.monitor_pipes_stats()
    assert caught.value.errno == errno.ENOTSOCK


def stats_of(zmq, events):
    """(to be sent, to be received) as told of the only connection."""
    events.socket.monitor_pipes_stats()
    while (message := events.parse(events.monitor))["event"] != zmq.EVENT_PIPES_STATS:
        pass
    return message["values"]


@pytest.mark.better
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_MON_16_statistics_of_the_queues(zmq, make, fresh, both_ends, transport):
    pull, push = make("PULL", RCVHWM=5), make("PUSH", SNDHWM=5)
    server, client = both_ends(pull), both_ends(push)
    pull.bind(fresh(transport))
    push.connect(endpoint(pull))
    push.send(b"x")
    assert pull.recv() == b"x"
    assert stats_of(zmq, client) == stats_of(zmq, server) == (0, 0)
    sent = fill(zmq, push, b"x" * 50000)
    if transport == "inproc":
        assert sent == 10
        assert stats_of(zmq, client) == (10, 0) and stats_of(zmq, server) == (0, 10)
    else:
        while (waiting := stats_of(zmq, client)) != (5, 0):  # behind the kernel's buffers, which may grow once more
            assert waiting < (5, 0)
            sent += fill(zmq, push, b"x" * 50000)
    for _ in range(sent):
        pull.recv()
    assert stats_of(zmq, client) == stats_of(zmq, server) == (0, 0)


@pytest.mark.better  # libzmq takes more descriptors than a process may have
def test_the_name_of_a_monitor_goes_with_the_descriptor_of_its_socket(zmq, make):
    """get_monitor_socket() names it after the descriptor, which the next socket, of another thread, may have at once."""
    refused = []

    def come_and_go():
        for _ in range(1000):
            pull = make("PULL")
            try:
                monitor = pull.get_monitor_socket()
            except zmq.ZMQError as error:
                refused.append(error)
            else:
                pull.bind("tcp://127.0.0.1:*")
                pull.close(0)
                monitor.close(0)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
