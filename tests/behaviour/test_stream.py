"""STREAM, and ROUTER with ROUTER_RAW: raw bytes behind routing ids."""

import asyncio
import os
import socket
import threading

import pytest
from awaiting import endpoint, received, silent
from raw_bytes import BIG, ended, greeted, port_of, read, reset, take

ORACLE = os.environ.get("ZMQ_MODULE") == "zmq"


@pytest.fixture
def server(make):
    """A bound STREAM."""
    made = make("STREAM")
    made.bind("tcp://127.0.0.1:*")
    return made


@pytest.fixture
def plain():
    """plain(bound) -> a plain tcp connection to it."""
    opened = []

    def plain(bound, receive_room=None):
        one = socket.socket()
        if receive_room:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_room)
        one.settimeout(5)
        one.connect(("127.0.0.1", port_of(bound)))
        opened.append(one)
        return one

    yield plain
    for one in opened:
        one.close()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.settimeout(5)
        yield one


def where_of(listener):
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


# ---- bytes


def test_STREAM_1_bytes_both_ways(server, plain):
    one = plain(server)
    identity = greeted(server)
    assert len(identity) == 5 and identity[0] == 0
    one.sendall(b"question")
    assert take(server, identity, 8) == b"question"
    server.send_multipart([identity, b"ans"])
    server.send_multipart([identity, b"wer"])
    assert read(one, 6) == b"answer"


def test_STREAM_1_a_megabyte_and_more_both_ways(server, plain):
    one = plain(server)
    identity = greeted(server)
    sender = threading.Thread(target=one.sendall, args=(BIG,))
    sender.start()
    assert take(server, identity, len(BIG)) == BIG
    sender.join()
    for at in range(0, len(BIG), 100_000):
        server.send_multipart([identity, BIG[at : at + 100_000]])
    assert read(one, len(BIG)) == BIG


def test_STREAM_1_single_bytes(server, plain):
    one = plain(server)
    identity = greeted(server)
    for value in range(200):
        server.send_multipart([identity, bytes([value])])
    assert read(one, 200) == bytes(range(200))


def test_STREAM_1_over_ipc(make, fresh, tmp_path):
    made = make("STREAM")
    path = str(tmp_path / "s")
    made.bind(f"ipc://{path}")
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)
        identity = greeted(made)
        one.sendall(b"here")
        assert take(made, identity, 4) == b"here"
        made.send_multipart([identity, b"there"])
        assert read(one, 5) == b"there"


def test_STREAM_1_two_of_them(make, server):
    client = make("STREAM")
    client.connect(endpoint(server))
    there, here = greeted(client), greeted(server)
    client.send_multipart([there, BIG])
    assert take(server, here, len(BIG)) == BIG
    server.send_multipart([here, b"thanks"])
    assert take(client, there, 6) == b"thanks"


def test_STREAM_1_every_connection_by_its_id(server, plain):
    ones = {}
    for number in range(20):
        one = plain(server)
        ones[greeted(server)] = one, number
    assert len(ones) == 20
    for identity, (one, number) in reversed(ones.items()):
        server.send_multipart([identity, b"%02d" % number])
        one.sendall(b"<%02d>" % number)
    for identity, (one, number) in ones.items():
        assert read(one, 2) == b"%02d" % number
    got = dict.fromkeys(ones, b"")
    while any(len(data) < 4 for data in got.values()):
        identity, data = server.recv_multipart()
        got[identity] += data
    assert got == {identity: b"<%02d>" % number for identity, (_, number) in ones.items()}


# ---- coming and going


def test_STREAM_2_a_peer_comes_and_goes(server, plain):
    one = plain(server)
    identity = greeted(server)
    one.sendall(b"last words")
    one.close()
    assert take(server, identity, 10) == b"last words"
    assert server.recv_multipart() == [identity, b""]


def test_STREAM_2_a_reset(server, plain):
    one = plain(server)
    identity = greeted(server)
    reset(one)
    assert server.recv_multipart() == [identity, b""]


def test_STREAM_2_on_the_connecting_side(make, listener):
    client = make("STREAM", RECONNECT_IVL=-1)
    client.connect(where_of(listener))
    one, _ = listener.accept()
    identity = greeted(client)
    one.close()
    assert client.recv_multipart() == [identity, b""]


def test_STREAM_2_no_notices(make, plain):
    made = make("STREAM", STREAM_NOTIFY=0)
    made.bind("tcp://127.0.0.1:*")
    one = plain(made)
    one.sendall(b"first")
    identity, data = made.recv_multipart()
    while len(data) < 5:
        data += made.recv_multipart()[1]
    assert data == b"first"
    one.close()
    silent(made)


def test_STREAM_3_sending_nothing_ends_the_connection(zmq, server, plain):
    one = plain(server)
    identity = greeted(server)
    server.send_multipart([identity, BIG])
    server.send_multipart([identity, b""])
    if not ORACLE:  # it notices the end in a later call only
        with pytest.raises(zmq.ZMQError) as caught:
            server.send_multipart([identity, b"too late"])
        assert caught.value.errno == zmq.EHOSTUNREACH
    assert read(one, len(BIG)) == BIG
    assert ended(server, one)
    silent(server)  # no notice of what the application itself has done


@pytest.mark.better
def test_STREAM_3_with_linger_0(make, plain):
    """LINGER is about closing the socket."""
    made = make("STREAM", LINGER=0)
    made.bind("tcp://127.0.0.1:*")
    one = plain(made, 4096)
    identity = greeted(made)
    made.send_multipart([identity, BIG])
    made.send_multipart([identity, b""])
    assert read(one, len(BIG)) == BIG
    assert one.recv(1) == b""


def test_STREAM_3_the_others_stay(server, plain):
    first, second = plain(server), None
    one = greeted(server)
    second = plain(server)
    other = greeted(server)
    server.send_multipart([one, b""])
    assert ended(server, first)
    server.send_multipart([other, b"still"])
    assert read(second, 5) == b"still"


def test_STREAM_3_what_had_arrived_can_be_read(server, plain):
    one = plain(server)
    identity = greeted(server)
    one.sendall(b"x")
    assert take(server, identity, 1) == b"x"
    server.send_multipart([identity, b""])
    assert ended(server, one)


def test_STREAM_3_closed_before_it_is_connected(make, listener):
    client = make("STREAM")
    client.connect(where_of(listener))
    identity = client.routing_id
    client.send_multipart([identity, b"all"])
    client.send_multipart([identity, b""])
    one, _ = listener.accept()
    with one:
        one.settimeout(5)
        assert read(one, 3) == b"all"
        assert ended(client, one)


# ---- ids


def test_STREAM_4_unknown_id(zmq, server):
    for identity in (b"nobody", b"", b"\0" * 5, b"x" * 300):
        with pytest.raises(zmq.ZMQError) as caught:
            server.send(identity, zmq.SNDMORE)
        assert caught.value.errno == zmq.EHOSTUNREACH


def test_STREAM_4_a_full_connection(zmq, make, plain):
    made = make("STREAM", SNDHWM=5, SNDBUF=4096)
    made.bind("tcp://127.0.0.1:*")
    one = plain(made, 4096)
    identity = greeted(made)
    sent = 0
    with pytest.raises(zmq.Again):
        while True:
            made.send(identity, zmq.SNDMORE | zmq.NOBLOCK)
            made.send(bytes([sent % 256]) * 10_000, zmq.NOBLOCK)
            sent += 1
    expected = b"".join(bytes([number % 256]) * 10_000 for number in range(sent))
    waiting = threading.Thread(target=made.send_multipart, args=([identity, b"end"],))
    waiting.start()
    assert read(one, len(expected) + 3) == expected + b"end"
    waiting.join()


@pytest.mark.better
def test_STREAM_4_an_id_alone_is_no_message(server, plain):
    one = plain(server)
    identity = greeted(server)
    server.send(identity)
    server.send_multipart([identity, b"data"])
    assert read(one, 4) == b"data"


@pytest.mark.better
def test_STREAM_4_more_on_data_is_ignored(zmq, server, plain):
    one = plain(server)
    identity = greeted(server)
    server.send(identity, zmq.SNDMORE)
    server.send(b"one", zmq.SNDMORE)
    server.send(identity, zmq.SNDMORE)
    server.send(b"two")
    assert read(one, 6) == b"onetwo"


def test_STREAM_5_the_id_of_a_connect(make, listener):
    client = make("STREAM")
    assert client.routing_id == b""
    client.connect(where_of(listener))
    identity = client.routing_id
    assert len(identity) == 5
    client.send_multipart([identity, b"early"])
    one, _ = listener.accept()
    with one:
        assert read(one, 5) == b"early"
        assert greeted(client) == identity


def test_STREAM_5_a_name_of_our_own(zmq, make, listener):
    client = make("STREAM")
    client.setsockopt(zmq.CONNECT_ROUTING_ID, b"there")
    client.connect(where_of(listener))
    client.send_multipart([b"there", b"hello"])
    one, _ = listener.accept()
    with one:
        assert read(one, 5) == b"hello"
        one.sendall(b"hi")
        assert client.recv_multipart() == [b"there", b""]
        assert take(client, b"there", 2) == b"hi"


def test_STREAM_6_peer_address(server, plain):
    one = plain(server)
    one.sendall(b"x")
    for _ in range(2):
        for frame in server.recv_multipart(copy=False):
            assert frame.get("Peer-Address") == "127.0.0.1"


# ---- ZMTP peers


GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + bytes(32)


def test_STREAM_7_zmtp_by_hand(server, make):
    dealer = make("DEALER")
    dealer.connect(endpoint(server))
    identity = greeted(server)
    server.send_multipart([identity, GREETING])
    ready = b"\x05READY\x0bSocket-Type\0\0\0\x06ROUTER"
    server.send_multipart([identity, bytes([4, len(ready)]) + ready])
    server.send_multipart([identity, b"\0\5hello"])
    assert dealer.recv() == b"hello"
    dealer.send(b"world")
    heard = b""
    while not heard.endswith(b"\0\5world"):
        sender, data = server.recv_multipart()
        assert sender == identity
        heard += data
    assert heard[:10] == GREETING[:10] or heard[0] == 0xFF


def test_STREAM_8_an_empty_message_of_a_zmtp_peer(server, make):
    dealer = make("DEALER")
    dealer.connect(endpoint(server))
    dealer.send(b"")
    identity = greeted(server)
    sender, signature = server.recv_multipart()
    assert sender == identity and signature[0] == 0xFF
    server.send_multipart([identity, b""])
    silent(dealer)


def test_STREAM_9_the_next_connection_has_the_same_id(make, listener):
    client = make("STREAM", RECONNECT_IVL=10)
    client.connect(where_of(listener))
    one, _ = listener.accept()
    identity = greeted(client)
    reset(one)
    assert client.recv_multipart() == [identity, b""]
    two, _ = listener.accept()
    with two:
        two.settimeout(5)
        assert client.recv_multipart() == [identity, b""]
        client.send_multipart([identity, b"again"])
        assert read(two, 5) == b"again"


@pytest.mark.better
def test_STREAM_9_what_did_not_leave_is_not_for_the_next_connection(zmq, make, listener):
    client = make("STREAM", RECONNECT_IVL=10, SNDHWM=20, SNDBUF=4096)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(where_of(listener))
    one, _ = listener.accept()
    identity = greeted(client)
    with pytest.raises(zmq.Again):
        while True:
            client.send(identity, zmq.SNDMORE | zmq.NOBLOCK)
            client.send(b"old" * 5000, zmq.NOBLOCK)
    reset(one)
    assert client.recv_multipart() == [identity, b""]
    client.send_multipart([identity, b"new"])
    two, _ = listener.accept()
    with two:
        two.settimeout(5)
        assert client.recv_multipart() == [identity, b""]
        client.send_multipart([identity, b"newer"])
        assert read(two, 8) == b"newnewer"


def test_STREAM_10_a_zmtp_peer_gives_up(zmq, server, make):
    dealer = make("DEALER", HANDSHAKE_IVL=100, RECONNECT_IVL=-1)
    dealer.connect(endpoint(server))
    identity = greeted(server)
    while True:
        sender, data = server.recv_multipart()
        assert sender == identity
        if not data:
            return


def test_STREAM_11_heartbeats_and_limits_mean_nothing(make, plain):
    made = make("STREAM", HEARTBEAT_IVL=10, HEARTBEAT_TIMEOUT=10, MAXMSGSIZE=10, HANDSHAKE_IVL=10)
    made.bind("tcp://127.0.0.1:*")
    one = plain(made)
    identity = greeted(made)
    one.sendall(bytes(1000))
    assert take(made, identity, 1000) == bytes(1000)
    silent(made)
    made.send_multipart([identity, b"."])
    assert one.recv(100) == b"."


# ---- options, events


def test_options(zmq, make):
    made = make("STREAM")
    assert made.type == zmq.STREAM
    for option, value in (("STREAM_NOTIFY", 2), ("STREAM_NOTIFY", -1), ("ROUTER_MANDATORY", 1), ("ROUTER_RAW", 1), ("PROBE_ROUTER", 1)):
        with pytest.raises(zmq.ZMQError) as caught:
            made.setsockopt(getattr(zmq, option), value)
        assert caught.value.errno == zmq.EINVAL, option
    for option in ("STREAM_NOTIFY", "ROUTER_RAW", "CONNECT_ROUTING_ID"):
        with pytest.raises(zmq.ZMQError):
            made.getsockopt(getattr(zmq, option))
    assert made.getsockopt(zmq.EVENTS) == zmq.POLLOUT


def test_monitor_events(zmq, submodule, server, plain):
    monitor = server.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    read_event = submodule("utils.monitor").recv_monitor_message
    monitor.rcvtimeo = 5000
    one = plain(server)
    greeted(server)
    assert read_event(monitor)["event"] == zmq.EVENT_ACCEPTED
    one.close()
    server.recv_multipart()
    assert read_event(monitor)["event"] == zmq.EVENT_DISCONNECTED
    server.disable_monitor()


def test_disconnect_and_close(zmq, make, listener):
    client = make("STREAM", LINGER=-1)
    where = where_of(listener)
    client.connect(where)
    one, _ = listener.accept()
    with one:
        one.settimeout(5)
        identity = greeted(client)
        client.send_multipart([identity, b"bye"])
        client.disconnect(where)
        assert read(one, 3) == b"bye"
        assert ended(client, one)
        client.close()


def test_a_free_port(zmq, context):
    """How Jupyter finds the ports of a kernel."""
    ports = []
    for _ in range(5):
        made = context.socket(zmq.STREAM)
        made.linger = 0
        made.bind("tcp://127.0.0.1:0")
        ports.append(int(made.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").rsplit(b":", 1)[1]))
        made.close()
    assert all(1024 <= port < 65536 for port in ports)


# ---- a peer that does not play along


def test_a_peer_that_never_reads_holds_up_nobody(zmq, make, plain):
    made = make("STREAM", SNDHWM=3, SNDBUF=4096)
    made.bind("tcp://127.0.0.1:*")
    plain(made, 4096)
    deaf = greeted(made)
    with pytest.raises(zmq.Again):
        while True:
            made.send(deaf, zmq.SNDMORE | zmq.NOBLOCK)
            made.send(bytes(50_000), zmq.NOBLOCK)
    one = plain(made)
    identity = greeted(made)
    made.send_multipart([identity, b"fine"])
    assert read(one, 4) == b"fine"


def test_a_reader_that_is_slow(make, plain):
    """The high-water mark stops the reading; nothing is lost."""
    made = make("STREAM", RCVHWM=2, RCVBUF=4096)
    made.bind("tcp://127.0.0.1:*")
    one = plain(made)
    identity = greeted(made)
    sender = threading.Thread(target=one.sendall, args=(BIG,))
    sender.start()
    assert take(made, identity, len(BIG)) == BIG
    sender.join()


def test_peers_that_come_and_go_at_once(server, plain):
    for number in range(50):
        one = plain(server)
        if number % 3:
            one.sendall(b"x" * number)
        if number % 2:
            reset(one)
        else:
            one.close()
    state = {}
    while len(state) < 50 or any(alive for alive in state.values()):
        identity, data = server.recv_multipart()
        if data:
            assert state[identity]
        else:
            assert state.get(identity, True), "a third notice"
            state[identity] = identity not in state
    silent(server)


def test_asyncio(zmq, submodule):
    aio = submodule("asyncio")

    async def talk():
        context = aio.Context()
        made = context.socket(zmq.STREAM)
        made.linger = 0
        made.bind("tcp://127.0.0.1:*")
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(made))
        identity, empty = await made.recv_multipart()
        assert empty == b""
        writer.write(b"ping")
        assert await made.recv_multipart() == [identity, b"ping"]
        await made.send_multipart([identity, b"pong"])
        assert await reader.readexactly(4) == b"pong"
        await made.send_multipart([identity, b""])
        if not ORACLE:
            assert await reader.read() == b""
        writer.close()
        made.close()
        context.term()

    asyncio.run(asyncio.wait_for(talk(), 20))


@pytest.mark.better  # libzmq's STREAM has no ids over inproc
@pytest.mark.parametrize("kind", [("STREAM", {}), ("ROUTER", {"ROUTER_RAW": 1})], ids=lambda kind: kind[0])
def test_hanging_up_on_a_connect_that_waits_for_its_bind(zmq, make, kind):
    made = make(kind[0], **kind[1])
    made.connect_routing_id = b"later"
    made.connect("inproc://later")
    made.send_multipart([b"later", b""])
    other = make("DEALER")
    other.bind("inproc://later")
    made.send_multipart([b"later", b"x"]) if kind[0] == "ROUTER" else None
    silent(other)


@pytest.mark.better  # libzmq's STREAM has no ids over inproc
@pytest.mark.parametrize("kind", [("STREAM", {}), ("ROUTER", {"ROUTER_RAW": 1})], ids=lambda kind: kind[0])
def test_STREAM_12_nobody_announces_an_id_to_a_raw_socket(zmq, make, plain, kind):
    """ROUTING_ID tells the id of the last connection: it was announced over inproc, and taken for the id of the new one."""
    made = make(kind[0], **kind[1])
    made.bind("tcp://127.0.0.1:*")
    one = plain(made)
    one.sendall(b"x")
    gone = made.recv_multipart()[0]
    assert made.routing_id == gone
    other = make(kind[0], **kind[1])
    other.routing_id = b"mine"
    made.bind("inproc://here")
    other.connect("inproc://here")
    made.connect("inproc://here")       # to itself
    ids = [peer.routing_id for peer in made.statistics().peers]
    assert len(ids) == 4 and len(set(ids)) == 4 and b"mine" not in ids
    assert not {peer.routing_id for peer in other.statistics().peers} & {gone, b"mine"}


# ---- ROUTER_RAW


def test_ROUTER_18_a_raw_router(zmq, make, plain):
    made = make("ROUTER", ROUTER_RAW=1)
    made.bind("tcp://127.0.0.1:*")
    one = plain(made)
    identity = greeted(made)
    one.sendall(b"raw")
    assert take(made, identity, 3) == b"raw"
    made.send_multipart([b"nobody", b"dropped"])
    made.send_multipart([identity, b"bytes"])
    assert read(one, 5) == b"bytes"
    made.send_multipart([identity, b""])
    assert ended(made, one)
    two = plain(made)
    identity = greeted(made)
    two.close()
    assert made.recv_multipart() == [identity, b""]
    for value in (-1,):
        with pytest.raises(zmq.ZMQError):
            made.setsockopt(zmq.ROUTER_RAW, value)


# ---- another implementation at the other end


@pytest.mark.better
@pytest.mark.skipif("tsan" in os.environ.get("LD_PRELOAD", ""), reason="ThreadSanitizer takes each block that libzmq hands on for a race")
@pytest.mark.parametrize("bind_here", [True, False])
def test_a_stream_of_pyzmq(make, bind_here):
    pyzmq = pytest.importorskip("zmq")
    if pyzmq.__name__ != "zmq" or not hasattr(pyzmq, "zmq_version") or "zmqcore" in (pyzmq.__file__ or ""):
        pytest.skip("pyzmq is not installed")
    theirs = pyzmq.Context()
    other = theirs.socket(pyzmq.STREAM)
    other.linger = 0
    other.rcvtimeo = 5000
    ours = make("STREAM")
    bound, connected = (ours, other) if bind_here else (other, ours)
    bound.bind("tcp://127.0.0.1:*")
    connected.connect(endpoint(bound))
    here, there = greeted(ours), greeted(other)
    ours.send_multipart([here, BIG])
    assert take(other, there, len(BIG)) == BIG
    other.send_multipart([there, BIG])
    assert take(ours, here, len(BIG)) == BIG
    ours.send_multipart([here, b""])
    assert other.recv_multipart() == [there, b""]
    assert received(ours, 50) in ([], [[here, b""]])
    other.close()
    theirs.term()
