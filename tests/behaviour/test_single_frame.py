"""The types whose messages are single frames: CLIENT, SERVER, PEER, SCATTER, GATHER, CHANNEL."""
import asyncio
import threading
from functools import partial

import pytest
from awaiting import SECONDS, bound, endpoint, fill, received_up_to, silent, until
from platforms import errno
from transports import NETWORKS, OPTIONS

# Beside pyzmq built with drafts most of it can be compared; a release has none of these types.
pytestmark = pytest.mark.better

TYPES = ["CLIENT", "SERVER", "PEER", "SCATTER", "GATHER", "CHANNEL"]
# (connects, binds)
PAIRS = [("CLIENT", "SERVER"), ("SERVER", "CLIENT"), ("PEER", "PEER"), ("SCATTER", "GATHER"), ("GATHER", "SCATTER"), ("CHANNEL", "CHANNEL")]
SENDERS = ["CLIENT", "SERVER", "PEER", "SCATTER", "CHANNEL"]


def told(socket):
    """(routing id, content) of the next message."""
    frame = socket.recv(copy=False)
    return frame.routing_id, frame.bytes


def introduced(client, server):
    """The client says something; returns the routing id that the server knows it by."""
    client.send(b"hello")
    routing_id, body = told(server)
    assert body == b"hello"
    return routing_id


def refused(zmq, call, error):
    with pytest.raises(zmq.ZMQError) as caught:
        call()
    assert caught.value.errno == error


def connect_to_all(sender, receivers, endpoints):
    """Connects, and sends until each of the receivers has heard something: then all take their turns. What was sent is read away."""
    for receiver, where in zip(receivers, endpoints, strict=True):
        receiver.bind(where)
        sender.connect(endpoint(receiver))
    heard = set()

    def all_have_heard():
        sender.send(b"anybody there?")
        heard.update(receiver for receiver in receivers if receiver.poll(1))
        return len(heard) == len(receivers)

    until(all_have_heard)
    for _ in receivers:
        sender.send(b"end")
    for receiver in receivers:
        received_up_to(receiver, b"end")


@pytest.mark.parametrize("kind", SENDERS)
def test_DRAFT_1_no_further_frame(zmq, make, kind):
    socket = make(kind)
    refused(zmq, lambda: socket.send(b"a", zmq.SNDMORE), errno.EINVAL)
    refused(zmq, lambda: socket.send_multipart([b"a", b"b"]), errno.EINVAL)


@pytest.mark.parametrize("connecter, binder", [pair for pair in PAIRS if "SERVER" not in pair and "PEER" not in pair and pair[0] != "GATHER"])
def test_DRAFT_1_nothing_of_a_refused_message_leaves(zmq, pair, transport, connecter, binder):
    one, two = pair(connecter, binder, transport)
    refused(zmq, lambda: one.send_multipart([b"a", b"b"]), errno.EINVAL)
    one.send_multipart([b"whole"])
    assert two.recv_multipart() == [b"whole"]
    assert two.getsockopt(zmq.RCVMORE) == 0


@pytest.mark.parametrize("kind", TYPES)
def test_DRAFT_1_thread_safe_and_with_a_descriptor(zmq, make, kind):
    socket = make(kind)
    assert socket.getsockopt(zmq.THREAD_SAFE) == 1
    assert socket.getsockopt(zmq.TYPE) == zmq.SocketType[kind]
    assert socket.getsockopt(zmq.FD) == socket.fileno() >= 0
    assert make("DEALER").getsockopt(zmq.THREAD_SAFE) == 0


@pytest.mark.parametrize("kind", ["CLIENT", "SERVER", "PEER", "GATHER", "CHANNEL"])
def test_DRAFT_2_messages_of_several_frames_are_dropped(zmq, make, fresh, kind):
    """Within a process types are not compared, so a DEALER can send what a peer on the wire could."""
    socket, dealer = make(kind), make("DEALER")
    socket.bind(fresh("inproc"))
    dealer.connect(endpoint(socket))
    dealer.send_multipart([b"a", b"b"])
    silent(socket)
    for body in (b"1", b"2"):
        dealer.send_multipart([b"a", b"b", b"c"])
        dealer.send(body)
        assert socket.recv_multipart() == [body]


@pytest.mark.parametrize("kind", ["CLIENT", "GATHER"])
def test_DRAFT_2_a_flood_of_them_does_not_stop_what_follows(zmq, make, fresh, kind):
    socket, dealer = make(kind, RCVHWM=0), make("DEALER", SNDHWM=0)
    socket.bind(fresh("inproc"))
    dealer.connect(endpoint(socket))
    for _ in range(2500):
        dealer.send_multipart([b"a", b"b"])
    dealer.send(b"end")
    assert socket.recv() == b"end"


@pytest.mark.parametrize("kind", ["CLIENT", "SERVER"])
def test_DRAFT_3_threads_share_what_arrives(zmq, make, fresh, transport, kind):
    socket, other = make(kind), make("SERVER" if kind == "CLIENT" else "CLIENT")
    socket.bind(fresh(transport))
    other.connect(endpoint(socket))
    to = {"routing_id": introduced(socket, other)} if kind == "CLIENT" else {}
    got = [[], []]

    def receive(mine):
        while (body := socket.recv()) != b"end":
            mine.append(body)

    threads = [threading.Thread(target=receive, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    sent = [b"%d" % number for number in range(200)]
    for body in [*sent, b"end", b"end"]:
        other.send(body, **to)
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert sorted(got[0] + got[1]) == sorted(sent)
    assert all(mine == sorted(mine, key=int) for mine in got)


def test_DRAFT_4_client_sends_in_turn(zmq, make, fresh, transport):
    client = make("CLIENT")
    servers = [make("SERVER") for _ in range(3)]
    connect_to_all(client, servers, [fresh(transport) for _ in servers])
    for number in range(6):
        client.send(b"%d" % number)
    assert sorted(server.recv() for server in servers for _ in range(2)) == [b"%d" % number for number in range(6)]


def test_DRAFT_4_client_without_a_peer_blocks(zmq, make):
    client = make("CLIENT")
    with pytest.raises(zmq.Again):
        client.send(b"x", zmq.DONTWAIT)
    assert client.getsockopt(zmq.EVENTS) == 0


def test_DRAFT_4_client_receives_in_turn(zmq, make, fresh):
    client = make("CLIENT")
    client.bind(fresh("inproc"))
    servers = [make("SERVER") for _ in range(2)]
    for server in servers:
        server.connect(endpoint(client))
    client.send(b"to one")
    client.send(b"to the other")
    for name, server in zip((b"a", b"b"), servers, strict=True):
        number = told(server)[0]
        for _ in range(3):
            server.send(name, routing_id=number)
    got = [client.recv() for _ in range(6)]
    assert [sorted(got[i:i + 2]) for i in (0, 2, 4)] == [[b"a", b"b"]] * 3


@pytest.mark.parametrize("client_binds", [False, True])
def test_DRAFT_5_server_answers_by_routing_id(zmq, make, fresh, transport, client_binds):
    server = make("SERVER")
    if not client_binds:
        server.bind(fresh(transport))
    ids = {}
    clients = [make("CLIENT") for _ in range(3)]
    for client in clients:
        if client_binds:
            client.bind(fresh(transport))
            server.connect(endpoint(client))
        else:
            client.connect(endpoint(server))
        ids[client] = introduced(client, server)
    assert len(set(ids.values())) == 3 and 0 not in ids.values()
    assert all(0 < number < 1 << 32 for number in ids.values())
    for client in reversed(clients):
        server.send(b"to you", routing_id=ids[client])
        frame = client.recv(copy=False)
        assert frame.bytes == b"to you"
        with pytest.raises(zmq.ZMQError):
            frame.get("routing_id")     # the server's number is not the client's


@pytest.mark.parametrize("copy", [True, False])
def test_DRAFT_5_a_received_frame_can_be_sent_back(zmq, pair, transport, copy):
    client, server = pair("CLIENT", "SERVER", transport)
    for body in (b"small", b"x" * 100000):
        client.send(body)
        frame = server.recv(copy=False)
        assert frame.get("routing_id") == frame.routing_id
        server.send(frame, copy=copy)
        assert client.recv() == body


def test_DRAFT_5_frame_with_a_routing_id(zmq, pair):
    client, server = pair("CLIENT", "SERVER")
    frame = zmq.Frame(b"reply")
    frame.routing_id = introduced(client, server)
    assert frame.bytes == b"reply"      # made: sending must not lose the number over it
    server.send(frame)
    assert client.recv() == b"reply"


@pytest.mark.parametrize("kind", ["SERVER", "PEER"])
def test_DRAFT_5_unknown_routing_ids(zmq, make, fresh, transport, kind):
    server = make(kind)
    client = make("CLIENT" if kind == "SERVER" else "PEER")
    refused(zmq, lambda: server.send(b"x"), errno.EHOSTUNREACH)
    refused(zmq, lambda: server.send(b"x", routing_id=1), errno.EHOSTUNREACH)
    server.bind(fresh(transport))
    if kind == "SERVER":
        client.connect(endpoint(server))
        known = introduced(client, server)
    else:
        client.send(b"hello", routing_id=client.connect_peer(endpoint(server)))
        known = told(server)[0]
    refused(zmq, lambda: server.send(b"x"), errno.EHOSTUNREACH)
    refused(zmq, lambda: server.send(b"x", routing_id=known ^ 1 or 2), errno.EHOSTUNREACH)
    server.send(b"x", routing_id=known)
    assert client.recv() == b"x"
    client.close()

    def gone():
        try:
            server.send(b"x", zmq.DONTWAIT, routing_id=known)
        except zmq.ZMQError as error:
            return error.errno == errno.EHOSTUNREACH
        return False

    until(gone)


def test_DRAFT_5_full_peer(zmq, make, fresh):
    server = make("SERVER", SNDHWM=2)
    server.bind(fresh("inproc"))
    slow, other = make("CLIENT", RCVHWM=1), make("CLIENT", RCVHWM=1)
    for client in (slow, other):
        client.connect(endpoint(server))
    to_slow, to_other = introduced(slow, server), introduced(other, server)
    for _ in range(3):
        server.send(b"x", zmq.DONTWAIT, routing_id=to_slow)
    with pytest.raises(zmq.Again):
        server.send(b"x", zmq.DONTWAIT, routing_id=to_slow)
    server.send(b"y", zmq.DONTWAIT, routing_id=to_other)     # the other one has room
    assert other.recv() == b"y"
    sender = threading.Thread(target=server.send, args=(b"last",), kwargs={"routing_id": to_slow})
    sender.start()
    assert [slow.recv() for _ in range(4)] == [b"x", b"x", b"x", b"last"]
    sender.join(SECONDS)
    assert not sender.is_alive()


@pytest.mark.parametrize("transport", NETWORKS)
def test_DRAFT_5_full_peer_over_a_network(zmq, make, fresh, transport):
    server, client = make("SERVER", SNDHWM=5), make("CLIENT", RCVHWM=5)
    server.bind(fresh(transport))
    client.connect(endpoint(server))
    number = introduced(client, server)
    frame = zmq.Frame(b"x" * 50000)
    frame.routing_id = number
    count = fill(zmq, server, frame, 5000)
    assert 5 <= count < 5000
    for _ in range(count):
        assert len(client.recv()) == 50000
    server.send(b"room again", routing_id=number)
    assert client.recv() == b"room again"


def test_DRAFT_6_routing_id_zero(zmq, make):
    refused(zmq, lambda: setattr(zmq.Frame(b"x"), "routing_id", 0), errno.EINVAL)
    with pytest.raises(OverflowError):
        make("SERVER").send(b"x", routing_id=1 << 32)
    with pytest.raises(OverflowError):
        make("SERVER").send(b"x", routing_id=-1)


def test_DRAFT_6_a_routing_id_stays(zmq, pair, transport):
    client, server = pair("CLIENT", "SERVER", transport)
    numbers = {introduced(client, server) for _ in range(5)}
    assert len(numbers) == 1
    server.send(b"x", routing_id=numbers.pop())
    assert client.recv() == b"x"


@pytest.mark.parametrize("transport", NETWORKS)
def test_DRAFT_6_it_outlives_a_connection_that_is_made_again(zmq, make, fresh, transport):
    server, client = make("SERVER", RECONNECT_IVL=10), make("CLIENT")
    client.bind(fresh(transport))
    where = endpoint(client)
    server.connect(where)
    number = introduced(client, server)
    client.close()
    client = make("CLIENT")
    until(lambda: bound(zmq, client, where))
    assert introduced(client, server) == number


def test_DRAFT_7_connect_peer(zmq, make, fresh, transport):
    near, connected = make("PEER"), make("PEER")
    near.bind(fresh(transport))
    there = connected.connect_peer(endpoint(near))
    assert 0 < there < 1 << 32
    connected.send(b"hello", routing_id=there)
    back, body = told(near)
    assert body == b"hello"
    near.send(b"hello yourself", routing_id=back)
    assert told(connected) == (there, b"hello yourself")


def test_DRAFT_7_each_connection_has_its_number(zmq, make, fresh, transport):
    peers = [make("PEER") for _ in range(3)]
    for peer in peers:
        peer.bind(fresh(transport))
    middle = make("PEER")
    numbers = [middle.connect_peer(endpoint(peer)) for peer in peers]
    assert len(set(numbers)) == 3
    for peer, number in zip(peers, numbers, strict=True):
        middle.send(b"%d" % number, routing_id=number)
    for peer, number in zip(peers, numbers, strict=True):
        assert peer.recv() == b"%d" % number


def test_DRAFT_7_before_anybody_has_bound(zmq, make, fresh):
    connected, near = make("PEER"), make("PEER")
    where = fresh("inproc")
    there = connected.connect_peer(where)
    connected.send(b"early", routing_id=there)
    near.bind(where)
    assert near.recv() == b"early"


def test_DRAFT_7_with_itself(zmq, make, fresh):
    peer = make("PEER")
    where = fresh("inproc")
    peer.bind(where)
    there = peer.connect_peer(where)
    peer.send(b"x", routing_id=there)
    back, body = told(peer)
    assert body == b"x" and back != there
    peer.send(b"y", routing_id=back)
    assert told(peer) == (there, b"y")


def test_DRAFT_7_errors(zmq, make, fresh):
    where = fresh("inproc")
    for kind in ("SERVER", "CLIENT", "DEALER", "ROUTER"):
        with pytest.raises(zmq.ZMQError, match="only PEER sockets") as caught:
            make(kind).connect_peer(where)
        assert caught.value.errno == errno.ENOTSUP
    refused(zmq, lambda: make("PEER", IMMEDIATE=1).connect_peer(where), errno.EFAULT)
    refused(zmq, lambda: make("PEER").connect_peer("nonsense"), errno.EINVAL)
    closed = make("PEER")
    closed.close()
    refused(zmq, lambda: closed.connect_peer(where), zmq.ENOTSOCK)


def test_DRAFT_8_disconnect_peer(zmq, make, fresh, transport):
    near, one, two = make("PEER"), make("PEER"), make("PEER")
    near.bind(fresh(transport))
    numbers = []
    for peer in (one, two):
        peer.send(b"hello", routing_id=peer.connect_peer(endpoint(near)))
        numbers.append(told(near)[0])
    near.disconnect_peer(numbers[0])
    refused(zmq, lambda: near.disconnect_peer(numbers[0]), errno.EHOSTUNREACH)
    refused(zmq, lambda: near.send(b"x", routing_id=numbers[0]), errno.EHOSTUNREACH)
    near.send(b"still here", routing_id=numbers[1])
    assert two.recv() == b"still here"


def test_DRAFT_8_disconnect_peer_that_is_not_there_yet(zmq, make, fresh, transport):
    """Nothing ends but that connect: who binds its name later gets the other one only."""
    where = fresh(transport, ahead=True)
    peer = make("PEER")
    gone, kept = peer.connect_peer(where), peer.connect_peer(where)
    peer.send(b"for nobody", routing_id=gone)
    peer.disconnect_peer(gone)
    refused(zmq, lambda: peer.send(b"x", routing_id=gone), errno.EHOSTUNREACH)
    peer.send(b"kept", routing_id=kept)
    near = make("PEER")
    near.bind(where)
    assert near.recv() == b"kept"
    silent(near)


@pytest.mark.parametrize("afterwards", ["disconnect", "close", "nothing"])
def test_DRAFT_8_disconnect_peer_and_then_its_endpoint(zmq, make, afterwards):
    peer = make("PEER")
    peer.disconnect_peer(peer.connect_peer("inproc://withdrawn"))
    if afterwards == "disconnect":
        peer.disconnect("inproc://withdrawn")
    elif afterwards == "close":
        peer.close()
    near = make("PEER")
    near.bind("inproc://withdrawn")
    silent(near)


def test_DRAFT_8_errors(zmq, make):
    refused(zmq, lambda: make("PEER").disconnect_peer(1), errno.EHOSTUNREACH)
    refused(zmq, lambda: make("PEER").disconnect_peer(0), errno.EHOSTUNREACH)
    for kind in ("SERVER", "CLIENT", "ROUTER"):
        refused(zmq, partial(make(kind).disconnect_peer, 1), errno.ENOTSUP)


def test_DRAFT_14_scatter_sends_in_turn_and_gather_receives_in_turn(zmq, make, fresh, transport):
    scatter = make("SCATTER")
    gathers = [make("GATHER") for _ in range(2)]
    connect_to_all(scatter, gathers, [fresh(transport) for _ in gathers])
    for number in range(10):
        scatter.send(b"%d" % number)
    assert sorted(gather.recv() for gather in gathers for _ in range(5)) == [b"%d" % number for number in range(10)]


def test_DRAFT_14_gather_is_fair(zmq, make, fresh):
    gather = make("GATHER")
    gather.bind(fresh("inproc"))
    for name in (b"a", b"b"):
        scatter = make("SCATTER")
        scatter.connect(endpoint(gather))
        for _ in range(3):
            scatter.send(name)
    got = [gather.recv() for _ in range(6)]
    assert [sorted(got[i:i + 2]) for i in (0, 2, 4)] == [[b"a", b"b"]] * 3


def test_DRAFT_14_opposite_calls(zmq, make):
    refused(zmq, lambda: make("SCATTER").recv(zmq.DONTWAIT), errno.ENOTSUP)
    refused(zmq, lambda: make("GATHER").send(b"x", zmq.DONTWAIT), errno.ENOTSUP)


def test_PAIR_7_channel_takes_one_peer(zmq, make, fresh, transport):
    near, one = make("CHANNEL"), make("CHANNEL")
    near.bind(fresh(transport))
    one.connect(endpoint(near))
    one.send(b"1")
    assert near.recv() == b"1"
    near.send(b"2")
    assert one.recv() == b"2"
    two = make("CHANNEL")
    two.connect(endpoint(near))
    near.send(b"3")
    assert one.recv() == b"3"
    silent(two)


GREETERS = [("CLIENT", "SERVER"), ("PEER", "PEER")]


@pytest.mark.parametrize("connecter, binder", GREETERS)
def test_DRAFT_16_hello_msg(zmq, make, fresh, transport, connecter, binder):
    near, connected = make(binder, HELLO_MSG=b"from the bound"), make(connecter, HELLO_MSG=b"from the connected")
    near.bind(fresh(transport))
    connected.connect(endpoint(near))
    assert connected.recv() == b"from the bound"
    number, body = told(near)
    assert body == b"from the connected"
    near.send(b"then this", routing_id=number)
    assert connected.recv() == b"then this"


@pytest.mark.parametrize("transport", NETWORKS)
def test_DRAFT_16_and_DRAFT_18_after_a_reconnect(zmq, make, fresh, transport):
    client = make("CLIENT", HELLO_MSG=b"hello", HICCUP_MSG=b"hiccup", RECONNECT_IVL=10)
    server = make("SERVER")
    server.bind(fresh(transport))
    where = endpoint(server)
    client.connect(where)
    assert server.recv() == b"hello"
    server.close()
    assert client.recv() == b"hiccup"
    server = make("SERVER")
    until(lambda: bound(zmq, server, where))
    assert server.recv() == b"hello"


@pytest.mark.parametrize("transport", NETWORKS)
def test_DRAFT_18_hiccup_msg_of_a_peer_names_it(zmq, make, fresh, transport):
    connected, near = make("PEER", HICCUP_MSG=b"hiccup"), make("PEER")
    near.bind(fresh(transport))
    there = connected.connect_peer(endpoint(near))
    connected.send(b"x", routing_id=there)
    assert near.recv() == b"x"
    near.close()
    assert told(connected) == (there, b"hiccup")


@pytest.mark.parametrize("connecter, binder", GREETERS)
def test_DRAFT_17_disconnect_msg(zmq, make, fresh, transport, connecter, binder):
    near, connected = make(binder, DISCONNECT_MSG=b"gone"), make(connecter)
    near.bind(fresh(transport))
    if connecter == "PEER":
        connected.send(b"last words", routing_id=connected.connect_peer(endpoint(near)))
    else:
        connected.connect(endpoint(near))
        connected.send(b"last words")
    number, body = told(near)
    assert body == b"last words"
    connected.close()
    assert told(near) == (number, b"gone")
    refused(zmq, lambda: near.send(b"x", routing_id=number), errno.EHOSTUNREACH)


@pytest.mark.parametrize("connecter, binder", [pair for pair in PAIRS if pair[0] not in ("SERVER", "GATHER")])
def test_awaited(zmq, submodule, fresh, transport, connecter, binder):
    """The same types on an event loop, with routing ids."""
    aio = submodule("asyncio")

    async def converse():
        context = aio.Context()
        one, two = context.socket(getattr(zmq, connecter)), context.socket(getattr(zmq, binder))
        one.linger = two.linger = 0
        for name, value in OPTIONS.get(transport, dict)().items():
            one.set(getattr(zmq, name), value)
            two.set(getattr(zmq, name), value)
        two.bind(fresh(transport))
        to_two = {"routing_id": one.connect_peer(endpoint(two))} if connecter == "PEER" else {}
        if not to_two:
            one.connect(endpoint(two))
        for number in range(20):
            waiting = two.recv(copy=False)
            await one.send(b"%d" % number, **to_two)
            frame = await waiting
            assert frame.bytes == b"%d" % number
            if connecter != "SCATTER":
                waiting = one.recv()
                await two.send(b"back", **({} if connecter == "CHANNEL" else {"routing_id": frame.routing_id}))
                assert await waiting == b"back"
        with pytest.raises(zmq.ZMQError) as caught:
            await one.send(b"a", zmq.SNDMORE, **to_two)
        assert caught.value.errno == errno.EINVAL
        one.close()
        two.close()
        context.term()

    asyncio.run(asyncio.wait_for(converse(), SECONDS))


@pytest.mark.parametrize("kind", ["SERVER", "PEER"])
def test_DRAFT_7_no_such_peer_says_where_its_id_is_from(zmq, make, fresh, kind):
    socket = make(kind)
    socket.bind(fresh("inproc"))
    for routing_id in (None, 0, 77):
        with pytest.raises(zmq.ZMQError, match="pass routing_id=") as caught:
            socket.send(b"x", zmq.DONTWAIT, routing_id=routing_id)
        assert caught.value.errno == errno.EHOSTUNREACH
