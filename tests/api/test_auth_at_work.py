"""zmq.auth at work, in a thread and on an event loop: whom it lets in, and how it ends. The same as pyzmq's, unless marked `better`."""

import asyncio
import gc
import threading

import pytest
from awaiting import SECONDS, Events, endpoint, received, try_to_send
from zap import CLIENTS, SERVERS, Log


def serve(make, mechanism, **options):
    bound = make("PULL", **{**SERVERS[mechanism], **options})
    bound.bind("tcp://127.0.0.1:*")
    return bound


def connect(make, mechanism, bound, **options):
    push = make("PUSH", **{**CLIENTS[mechanism], **options})
    push.connect(endpoint(bound))
    return push


def send(make, mechanism, bound, body):
    push = connect(make, mechanism, bound)
    push.send(body)
    return push


@pytest.fixture
def running(submodule, context):
    made = submodule("auth.thread").ThreadAuthenticator(context, log=Log())
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN"])
def test_a_thread_that_answers(make, running, mechanism):
    running.configure_plain(domain="TEST", passwords={"admin": "password"})
    bound = serve(make, mechanism)
    push = send(make, mechanism, bound, b"hello")
    frame = bound.recv(copy=False)
    assert (frame.bytes, frame.get("User-Id")) == (b"hello", {"NULL": "anonymous", "PLAIN": "admin"}[mechanism])
    push.close()


def serve_both(zmq, make, **options):
    """A PULL that listens to IPv4 and IPv6, and the address at which it is reached by IPv4."""
    bound = make("PULL", IPV6=1, **options)
    try:
        bound.bind("tcp://*:*")
    except zmq.ZMQError:
        pytest.skip("this machine has no IPv6")
    return bound, "tcp://127.0.0.1:" + endpoint(bound).rpartition(":")[2]


@pytest.mark.better
@pytest.mark.parametrize("denied", [True, False])
def test_an_address_of_ipv4_at_a_socket_of_both(zmq, make, running, denied):
    bound, where = serve_both(zmq, make, ZAP_DOMAIN=b"TEST")
    events = Events(zmq, bound, zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    (running.deny if denied else running.allow)("127.0.0.1")
    push = make("PUSH", RECONNECT_IVL=-1)
    push.connect(where)
    assert events.next()[0] == ("HANDSHAKE_FAILED_AUTH" if denied else "HANDSHAKE_SUCCEEDED")
    push.close()


def test_a_thread_that_refuses(zmq, make, running):
    running.configure_plain(domain="TEST", passwords={"admin": "password"})
    bound = serve(make, "PLAIN")
    pushes = [connect(make, "PLAIN", bound, PLAIN_PASSWORD=b"passwort"), connect(make, "PLAIN", bound, PLAIN_USERNAME=b"root")]
    for push in pushes:
        try_to_send(zmq, push)
    good = send(make, "PLAIN", bound, b"good")
    assert bound.recv() == b"good"
    assert received(bound) == []
    for push in [*pushes, good]:
        push.close()


def test_the_thread_begins_and_ends(zmq, submodule, context):
    made = submodule("auth.thread").ThreadAuthenticator(context)
    assert not made.is_alive()
    made.stop()
    made.start()
    assert made.is_alive() and made.thread.daemon and made.pipe_endpoint.startswith("inproc://")
    thread = made.thread
    made.stop()
    assert not made.is_alive() and not thread.is_alive()
    made.stop()


@pytest.mark.better  # libzmq lets in, by NULL, who comes between two handlers
def test_who_stops_it_does_not_wait_for_all_answers(make, submodule, context):
    class Slow(submodule("auth.thread").ThreadAuthenticator):
        async def handle_zap_message(self, msg):
            answered.append(msg)
            asked.set()
            assert self.thread.pipe.poll(SECONDS * 1000)  # until it is to stop
            await super().handle_zap_message(msg)

    asked, answered = threading.Event(), []
    made = Slow(context, log=Log())
    made.start()
    made.stop()
    bound = serve(make, "NULL")
    pushes = [connect(make, "NULL", bound) for _ in range(3)]  # they wait for the handler that comes next
    assert received(bound) == []
    made.start()
    assert asked.wait(SECONDS)
    made.stop()
    assert len(answered) == 1
    for push in pushes:
        push.close()


@pytest.mark.better  # libzmq gives the name of a closed socket free some time later
def test_the_thread_begins_again(make, running):
    for _ in range(5):
        running.stop()
        running.start()
    bound = serve(make, "NULL")
    push = send(make, "NULL", bound, b"x")
    assert bound.recv() == b"x"
    push.close()


@pytest.mark.better  # pyzmq's thread keeps the context waiting for good
@pytest.mark.parametrize("kept", [True, False])
def test_the_context_ends_the_thread(zmq, submodule, kept):
    context = zmq.Context()
    made = submodule("auth.thread").ThreadAuthenticator(context)
    made.start()
    thread = made.thread
    if not kept:
        del made
        gc.collect()
    ended = threading.Thread(target=context.term)
    ended.start()
    ended.join(SECONDS)
    assert not ended.is_alive()
    thread.join(SECONDS)
    assert not thread.is_alive()
    if kept:
        made.stop()


def broken(kind, error):
    """A class of authenticators that fail where the identity is "bad"."""

    class Broken(kind):
        async def handle_zap_message(self, msg):
            if msg[4] == b"bad":
                raise error
            await super().handle_zap_message(msg)

    return Broken


# The second one is not of the class Exception: something that was awaited has been cancelled.
ERRORS = [LookupError, asyncio.CancelledError]


@pytest.mark.better  # pyzmq's thread goes on waiting for what has been closed
@pytest.mark.parametrize("how", ["destroy", "close"])
def test_it_ends_quietly_with_its_sockets(zmq, submodule, monkeypatch, how):
    told = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    context = zmq.Context()
    made = submodule("auth.thread").ThreadAuthenticator(context)
    made.start()
    thread = made.thread
    context.destroy(linger=0) if how == "destroy" else made.zap_socket.close()
    thread.join(SECONDS)
    assert not thread.is_alive() and told == []
    made.stop()
    context.term()


@pytest.mark.better  # pyzmq's task goes on waiting
def test_its_task_ends_quietly_with_its_context(zmq, submodule):
    async def main():
        context = zmq.Context()
        made = submodule("auth.asyncio").AsyncioAuthenticator(context)
        made.start()
        (task,) = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(0)  # it begins to wait
        context.destroy(linger=0)
        await asyncio.wait_for(task, SECONDS)
        made.stop()

    asyncio.run(main())


@pytest.mark.better  # pyzmq's thread ends with the exception
@pytest.mark.parametrize("error", ERRORS)
def test_what_goes_wrong_in_the_thread_keeps_one_peer_out(zmq, make, submodule, context, error):
    made = broken(submodule("auth.thread").ThreadAuthenticator, error)(context, log=Log())
    made.start()
    bad, good = serve(make, "NULL", ROUTING_ID=b"bad"), serve(make, "NULL")
    never = connect(make, "NULL", bad)
    try_to_send(zmq, never)
    push = send(make, "NULL", good, b"good")
    assert good.recv() == b"good"
    assert received(bad) == []
    assert any(line.startswith("error") for line in made.log.lines)
    made.stop()
    for socket in (never, push):
        socket.close()


def test_on_the_event_loop(zmq, submodule, make, context):
    async def main():
        made = submodule("auth.asyncio").AsyncioAuthenticator(context)
        made.configure_plain(domain="TEST", passwords={"admin": "password"})
        made.start()
        asynchronous = submodule("asyncio")
        bound = serve(make, "PLAIN")
        pull = asynchronous.Socket.shadow(bound)
        pushes = [send(make, "PLAIN", bound, b"%d" % number) for number in range(20)]
        got = [await asyncio.wait_for(pull.recv(), SECONDS) for _ in pushes]
        assert sorted(map(int, got)) == list(range(20))
        made.stop()
        made.stop()
        assert made.zap_socket is None
        for push in pushes:
            push.close()

    asyncio.run(main())


@pytest.mark.better  # pyzmq's task ends with the exception
@pytest.mark.parametrize("error", ERRORS)
def test_what_goes_wrong_on_the_event_loop_keeps_one_peer_out(zmq, submodule, make, context, error):
    async def main():
        made = broken(submodule("auth.asyncio").AsyncioAuthenticator, error)(context, log=Log())
        made.start()
        bad, good = serve(make, "NULL", ROUTING_ID=b"bad"), serve(make, "NULL")
        events = Events(zmq, bad, zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        watched = submodule("asyncio").Socket.shadow(events.monitor)
        pushes = [connect(make, "NULL", bad, RECONNECT_IVL=-1)]
        assert await watched.poll(SECONDS * 1000)
        assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 500)
        pushes.append(send(make, "NULL", good, b"good"))
        assert await asyncio.wait_for(submodule("asyncio").Socket.shadow(good).recv(), SECONDS) == b"good"
        assert any(line.startswith("error") for line in made.log.lines)
        made.stop()
        for push in pushes:
            push.close()

    asyncio.run(main())
