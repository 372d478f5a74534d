"""Who is there: waiting for peers and subscribers, typed events, letting go of one peer."""

import asyncio
import os
import threading

import pytest
from awaiting import dead_endpoint, endpoint, fill, until
from platforms import errno

pytestmark = pytest.mark.better


def test_WHO_1_peers_are_waited_for(zmq, make, fresh, transport):
    server = make("ROUTER")
    server.bind(fresh(transport))
    assert server.wait_for_peers(0, timeout=0) == 0
    with pytest.raises(zmq.Again, match="not yet 1 peers"):
        server.wait_for_peers(1, timeout=0)
    found = []
    waiter = threading.Thread(target=lambda: found.append(server.wait_for_peers(2, timeout=15000)))
    waiter.start()
    clients = [make("DEALER") for _ in range(2)]
    for client in clients:
        client.connect(endpoint(server))
    waiter.join()
    assert found == [2]


def test_WHO_2_a_peer_that_is_gone_does_not_count(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    assert push.wait_for_peers(1, timeout=15000) == pull.wait_for_peers(1, timeout=15000) == 1
    pull.close()
    until(lambda: push.statistics().disconnections == 1)
    with pytest.raises(zmq.Again):
        push.wait_for_peers(1, timeout=0)


def test_WHO_3_subscribers_are_waited_for(zmq, make, fresh, transport):
    pub, sub, other = make("PUB"), make("SUB"), make("SUB")
    pub.bind(fresh(transport))
    sub.connect(endpoint(pub))
    other.connect(endpoint(pub))
    sub.subscribe(b"weather.")
    sub.subscribe(b"wea")
    assert pub.wait_for_subscribers(1, "weather.fair", timeout=15000) == 1
    pub.send(b"weather.fair")
    assert sub.recv() == b"weather.fair"
    with pytest.raises(zmq.Again, match="subscribers of b'sports'"):
        pub.wait_for_subscribers(1, b"sports", timeout=0)
    other.subscribe(b"")
    assert pub.wait_for_subscribers(2, b"weather.", timeout=15000) == 2
    assert pub.statistics().dropped.total == 0
    with pytest.raises(zmq.ZMQError) as refused:
        sub.wait_for_subscribers()
    assert refused.value.errno == zmq.ENOTSUP


def test_WHO_3_inside_a_message_nobody_is_counted(zmq, pair):
    pub, sub = pair("PUB", "SUB", "inproc")
    sub.subscribe(b"")
    pub.send(b"first", zmq.SNDMORE)
    with pytest.raises(zmq.ZMQError) as refused:
        pub.wait_for_subscribers(1, b"", 0)
    assert refused.value.errno == zmq.EFSM
    pub.send(b"last")
    assert sub.recv_multipart() == [b"first", b"last"]


def test_WHO_4_closing_ends_the_wait(zmq, make):
    push = make("PUSH")
    errors = []

    def wait():
        try:
            push.wait_for_peers()
        except zmq.ZMQError as error:
            errors.append(error.errno)

    waiter = threading.Thread(target=wait)
    waiter.start()
    push.close()
    waiter.join()
    assert errors == [zmq.ENOTSOCK]


def test_WHO_5_asynchronous_sockets_wait_without_blocking_the_loop(zmq, submodule, make):
    server = make("ROUTER")

    async def main():
        shadow = submodule("asyncio").Socket.from_socket(server)
        waiting = asyncio.ensure_future(shadow.wait_for_peers(1))
        await asyncio.sleep(0)
        server.bind("tcp://127.0.0.1:*")
        client = make("DEALER")
        client.connect(endpoint(server))
        assert await waiting == 1
        lonely = asyncio.ensure_future(shadow.wait_for_peers(2))
        await asyncio.sleep(0)
        lonely.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lonely

    asyncio.run(main())


def test_WHO_6_events_are_typed_and_name_the_peer(zmq, make):
    server = make("ROUTER")
    with server.watch() as events:
        server.bind("tcp://127.0.0.1:*")
        client = make("DEALER", ROUTING_ID=b"me")
        client.connect(endpoint(server))
        seen = []
        for event in events:
            seen.append(event.name)
            if event.event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                break
        assert seen == ["LISTENING", "ACCEPTED", "HANDSHAKE_SUCCEEDED"]
        assert (event.peer.id, event.peer.type, event.peer.routing_id) == (event.peer_id, "DEALER", b"me")
        assert (event.local, event.error) == (endpoint(server), None)
        assert event.remote.startswith("tcp://127.0.0.1:")
        client.close()
        gone = next(iter(events))
        assert (gone.name, gone.peer_id, gone.peer.routing_id) == ("DISCONNECTED", event.peer_id, b"me")


def test_WHO_6_an_event_is_completed_without_a_look_at_all_peers(zmq, make, monkeypatch):
    def all_peers(socket):
        raise AssertionError("all peers were looked at")

    server = make("ROUTER")
    server.bind("tcp://127.0.0.1:*")
    with server.watch(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED) as events:
        clients = [make("DEALER", ROUTING_ID=b"%d" % n) for n in range(20)]
        for client in clients:
            client.connect(endpoint(server))
        monkeypatch.setattr("zmqcore._core.picture", all_peers)
        come = {event.peer.routing_id: event.peer_id for event in (events.recv() for _ in clients)}
        assert come.keys() == {b"%d" % n for n in range(20)}
        for n in (7, 0, 19, 8):
            clients[n].close()
            gone = events.recv()
            assert (gone.peer_id, gone.peer.routing_id) == (come[b"%d" % n], b"%d" % n)


def test_WHO_6_events_end_with_the_socket(zmq, make):
    server = make("ROUTER")
    events = server.watch()
    server.bind("tcp://127.0.0.1:*")
    server.close()
    assert [event.name for event in events] == ["LISTENING", "CLOSED"]
    assert events.recv() is None


def test_WHO_6_events_tell_errors_by_name(zmq, make):
    server, other = make("ROUTER"), make("ROUTER")
    other.bind("tcp://127.0.0.1:*")
    with server.watch(zmq.EVENT_BIND_FAILED) as events:
        with pytest.raises(zmq.ZMQError):
            server.bind(endpoint(other))
        assert events.recv().error == "EADDRINUSE"


def test_WHO_6_the_contexts_time_limit_is_not_for_events(zmq, make, context):
    context.rcvtimeo = 0
    with make("ROUTER").watch() as events:
        context.rcvtimeo = -1
        assert events._pair.get(zmq.RCVTIMEO) == -1
        with pytest.raises(TypeError, match="a function"):
            events.call(None)


@pytest.mark.parametrize(
    ("kind", "call", "error", "text"),
    [
        ("ROUTER", lambda router: router.peer_state(b"nobody"), "EHOSTUNREACH", "no peer has this routing id"),
        ("PUSH", lambda push: push.peer_state(b"nobody"), "ENOTSUP", "only ROUTER and STREAM"),
        ("PUSH", lambda push: push.let_go(5), "EHOSTUNREACH", "no peer 5"),
        ("PUSH", lambda push: push.wait_for_subscribers(1, "topic", timeout=0), "ENOTSUP", "only PUB, XPUB and RADIO"),
        ("PUSH", lambda push: push.lend(-1), "EINVAL", "0 bytes or more"),
        ("REP", lambda rep: setattr(rep, "overflow", 2), "EINVAL", "option OVERFLOW: this REP socket cannot do 2"),
        ("REP", lambda rep: setattr(rep, "overflow", 9), "EINVAL", "option OVERFLOW takes an int, 0 to 4, not 9"),
    ],
)
def test_errors_tell_what_is_wrong(zmq, make, kind, call, error, text):
    with pytest.raises(zmq.ZMQError, match=text) as told:
        call(make(kind))
    assert told.value.errno == getattr(errno, error)


def test_a_peer_is_one_of_the_statistics(make):
    for wrong in ("5", None):
        with pytest.raises(TypeError, match="a peer is one of"):
            make("PUSH").let_go(wrong)


def test_WHO_7_events_are_awaited(zmq, submodule):
    async def main():
        with submodule("asyncio").Context() as context, context.socket(zmq.ROUTER) as server:
            events = server.watch()
            server.bind("tcp://127.0.0.1:*")
            async for event in events:
                assert event.name == "LISTENING"
                break
            assert await events.poll(0) == 0
            events.close()
            assert await events.recv() is None

    asyncio.run(main())


def test_WHO_7_the_wrong_loop_is_refused(zmq, make, submodule):
    """`for` would give coroutines for ever, `async for` would block the loop."""

    async def main():
        with pytest.raises(TypeError, match="not awaited"):
            async for _ in make("ROUTER").watch():
                pass
        with submodule("asyncio").Context() as context, context.socket(zmq.ROUTER) as server, server.watch() as events:
            with pytest.raises(TypeError, match="async for"):
                for _ in events:
                    pass

    asyncio.run(main())


def test_WHO_8_a_router_knows_who_would_block(zmq, make, fresh, transport):
    router = make("ROUTER", SNDHWM=1, ROUTER_MANDATORY=1)
    router.bind(fresh(transport))
    dealers = []
    for name in (b"busy", b"idle"):
        dealer = make("DEALER", ROUTING_ID=name, RCVHWM=1)
        dealers.append(dealer)
        dealer.connect(endpoint(router))
        dealer.send(b"hello")
        router.recv_multipart()

    body = os.urandom(100000)  # nothing that a transport could make smaller

    def send():
        try:
            router.send_multipart([b"busy", body], zmq.DONTWAIT)
        except zmq.Again:
            return True

    until(send)
    rooms = {peer.routing_id: peer.has_room for peer in router.statistics().peers}
    assert rooms[b"idle"]
    assert sorted(rooms) == [b"busy", b"idle"]


@pytest.mark.parametrize("kind", ["ROUTER", "PULL"])
def test_WHO_9_one_peer_is_let_go(zmq, make, fresh, transport, kind):
    server = make(kind)
    server.bind(fresh(transport))
    clients = [make("DEALER" if kind == "ROUTER" else "PUSH") for _ in range(2)]
    for client in clients:
        client.connect(endpoint(server))
        client.send(b"hello")
    peers = []
    for _ in clients:
        server.recv_multipart()
    until(lambda: server.wait_for_peers(2, 15000) == 2)
    peers = server.statistics().peers
    if transport == "inproc":
        server.let_go(peers[0])
    else:
        server.let_go(peers[0].id)
    assert [peer.id for peer in server.statistics().peers] == [peers[1].id]
    with pytest.raises(zmq.ZMQError) as refused:
        server.let_go(peers[0])
    assert refused.value.errno == zmq.EHOSTUNREACH


def test_WHO_9_a_connect_that_is_let_go_is_not_made_again(zmq, make):
    push = make("PUSH")
    push.connect(dead_endpoint())
    fill(zmq, push, limit=3)
    (peer,) = push.statistics().peers
    assert peer.state in ("waiting", "connecting")
    push.let_go(peer)
    assert push.statistics().peers == ()
    assert push.statistics().dropped.lingered == 3
