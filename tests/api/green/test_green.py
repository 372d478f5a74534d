"""Sockets for greenlets: calls that wait let others run, and whatever ends the wait loses nothing."""

import random
import subprocess
import sys
import threading
from collections import deque

import pytest
from awaiting import SECONDS, endpoint
from channels import Channel

gevent = pytest.importorskip("gevent")
pool = pytest.importorskip("gevent.pool")


def result(greenlet):
    return greenlet.get(timeout=SECONDS)


# -- sending and receiving


def test_receive_lets_others_run(pair, spawn, transport):
    push, pull = pair("PUSH", "PULL", transport)
    ran = []
    received = spawn(pull.recv)
    spawn(ran.append, 1).join()
    assert ran and not received.ready()
    push.send(b"x")
    assert result(received) == b"x"


def test_kinds_of_messages(green, pair, spawn, transport):
    one, two = pair("PAIR", "PAIR", transport)
    buffer = bytearray(8)
    for send, receive, expected in (
        (lambda: one.send(b"x"), lambda: two.recv(), b"x"),
        (lambda: one.send(b"x"), lambda: two.recv(copy=False).bytes, b"x"),
        (lambda: one.send_multipart([b"a", b"b"]), lambda: two.recv_multipart(), [b"a", b"b"]),
        (lambda: one.send_multipart([b"a", b"b"]), lambda: [two.recv(), two.recv()], [b"a", b"b"]),
        (lambda: [one.send(b"a", green.SNDMORE), one.send(b"b")], lambda: two.recv_multipart(), [b"a", b"b"]),
        (lambda: one.send_string("é"), lambda: two.recv_string(), "é"),
        (lambda: one.send_json([1]), lambda: two.recv_json(), [1]),
        (lambda: one.send_pyobj({1}), lambda: two.recv_pyobj(), {1}),
        (lambda: one.send(b"into"), lambda: (two.recv_into(buffer), bytes(buffer[:4])), (4, b"into")),
    ):
        received = spawn(receive)
        gevent.sleep(0)
        send()
        assert result(received) == expected


@pytest.mark.better
def test_objects(green, pair, spawn):
    one, two = pair("PAIR", "PAIR", "tcp")
    key = b"k" * 32
    for send, receive, expected in (
        (lambda: one.send_object([1]), lambda: two.recv_object(list[int]), [1]),
        (lambda: one.send_pyobj({1}, key=key), lambda: two.recv_pyobj(key=key), {1}),
    ):
        received = spawn(receive)
        gevent.sleep(0)
        send()
        assert result(received) == expected


def test_tracked_send(green, pair, spawn):
    push, pull = pair("PUSH", "PULL")
    received = spawn(pull.recv)
    assert isinstance(push.send(b"x" * 100_000, copy=False, track=True), green.MessageTracker)
    assert len(result(received)) == 100_000


def test_dontwait(green, pair):
    push, pull = pair("PUSH", "PULL")
    for call in (pull.recv, pull.recv_multipart):
        with pytest.raises(green.Again):
            call(green.DONTWAIT)


def test_send_waits_for_a_peer_and_for_room(green, context, fresh, spawn, transport):
    push, pull = context.socket(green.PUSH), context.socket(green.PULL)
    push.sndhwm = pull.rcvhwm = 1
    push.linger = 0
    count = 3000
    body = b"x" * 1000

    def send():
        for i in range(count):
            push.send(b"%d %s" % (i, body))

    sender = spawn(send)
    gevent.sleep(0.01)
    assert not sender.ready()
    pull.bind(fresh(transport))
    push.connect(endpoint(pull))
    if transport == "inproc":  # a network has buffers of its own
        gevent.sleep(0.05)
        assert not sender.ready()
    for i in range(count):
        assert pull.recv() == b"%d %s" % (i, body)
    result(sender)


@pytest.mark.better
def test_batches(green, pair, spawn):
    push, pull = pair("PUSH", "PULL", "inproc", SNDHWM=10, RCVHWM=10)
    frames = [b"%d" % i for i in range(5000)]
    sender = spawn(push.send_many, iter(frames))
    received = []
    while len(received) < 5000:
        received += pull.recv_many(100)
    assert received == frames
    assert result(sender) == 5000
    with pytest.raises(green.Again):
        pull.recv_many(5, green.DONTWAIT)
    assert pull.recv_many(0) == []


# -- time limits


@pytest.mark.better  # pyzmq has no such limits for greenlets
def test_timeouts(green, pair, context, spawn):
    push, pull = pair("PUSH", "PULL")
    pull.rcvtimeo = 20
    ran = []
    ticker = spawn(ran.append, 1)
    with pytest.raises(green.Again):
        pull.recv()
    with pytest.raises(green.Again):
        pull.recv_multipart()
    assert ticker.ready()
    lonely = context.socket(green.PUSH)
    lonely.sndtimeo = 20
    with pytest.raises(green.Again):
        lonely.send(b"x")
    pull.rcvtimeo = 0
    with pytest.raises(green.Again):
        pull.recv()
    pull.rcvtimeo = int(SECONDS * 1000)
    received = spawn(pull.recv)
    gevent.sleep(0)
    push.send(b"x")
    assert result(received) == b"x"


def test_gevent_timeout_in_receive_loses_nothing(pair):
    push, pull = pair("PUSH", "PULL")
    for _ in range(5):
        with gevent.Timeout(0.001, False):
            pull.recv()
    push.send(b"x")
    with gevent.Timeout(SECONDS):
        assert pull.recv() == b"x"


@pytest.mark.better  # in pyzmq one greenlet at a time may wait for a socket
@pytest.mark.parametrize("seed", range(3))
def test_all_kinds_of_interruption_lose_nothing(green, pair, spawn, seed, transport):
    """Receivers that are killed and time out all the time, while numbered messages come; each arrives once, in order for who gets it."""
    push, pull = pair("PUSH", "PULL", transport)
    dice = random.Random(seed)
    count = 1500
    taken = deque()

    def receive():
        while True:
            with gevent.Timeout(dice.choice([0, 0.0001, 0.001]), False):
                while True:
                    # The result is kept in the same step: nothing switches between.
                    taken.append(pull.recv())

    receivers = [spawn(receive) for _ in range(4)]

    def send():
        for i in range(count):
            push.send(b"%d" % i)
            if dice.random() < 0.3:
                gevent.sleep(dice.choice([0, 0.0005]))

    def kill():
        while len(taken) < count:
            victim = dice.randrange(4)
            receivers[victim].kill(block=False)
            receivers[victim] = spawn(receive)
            gevent.sleep(0.0005)

    spawn(send)
    result(spawn(kill))
    assert sorted(int(body) for body in taken) == list(range(count))


@pytest.mark.better
def test_greenlet_killed_before_it_runs_passes_on(pair, spawn):
    push, pull = pair("PUSH", "PULL", "inproc")
    first, second = spawn(pull.recv), spawn(pull.recv)
    gevent.sleep(0)
    push.send(b"x")
    first.kill(block=False)
    pull._awaiting.look()  # as the hub does
    assert len(pull._awaiting.waiters) == 1
    pull._awaiting.stop_listening()  # so that nothing else wakes it up
    assert result(second) == b"x"
    assert isinstance(result(first), gevent.GreenletExit)


# -- many greenlets


@pytest.mark.better  # in pyzmq one at a time may wait
def test_many_greenlets_receive(pair, spawn, transport):
    push, pull = pair("PUSH", "PULL", transport)
    receivers = [spawn(pull.recv) for _ in range(100)]
    gevent.sleep(0)
    for i in range(100):
        push.send(b"%d" % i)
    assert {result(receiver) for receiver in receivers} == {b"%d" % i for i in range(100)}


@pytest.mark.better
def test_greenlets_receive_in_the_order_of_their_coming(pair, spawn):
    push, pull = pair("PUSH", "PULL")
    receivers = [spawn(pull.recv) for _ in range(20)]
    gevent.sleep(0)
    for i in range(20):
        push.send(b"%d" % i)
    assert [result(receiver) for receiver in receivers] == [b"%d" % i for i in range(20)]


@pytest.mark.better
def test_many_greenlets_send(pair, spawn):
    push, pull = pair("PUSH", "PULL", "inproc", SNDHWM=1, RCVHWM=1)
    senders = [spawn(push.send_multipart, [b"%d" % i, b"end"]) for i in range(100)]
    gevent.sleep(0)
    bodies = set()
    for _ in range(100):
        body, end = pull.recv_multipart()
        assert end == b"end"
        bodies.add(int(body))
    assert bodies == set(range(100))
    gevent.joinall(senders, timeout=SECONDS, raise_error=True)


def test_both_directions_at_once(pair, spawn, transport):
    one, two = pair("DEALER", "DEALER", transport, SNDHWM=5, RCVHWM=5)
    count = 2000

    def send(socket):
        for i in range(count):
            socket.send(b"%d" % i)

    def receive(socket):
        return [socket.recv() for _ in range(count)]

    greenlets = [spawn(receive, one), spawn(receive, two), spawn(send, one), spawn(send, two)]
    assert result(greenlets[0]) == result(greenlets[1]) == [b"%d" % i for i in range(count)]


def test_questions_and_answers(green, pair, context, spawn, transport):
    """No event is missed: each of many clients waits for each answer before it goes on."""
    first, router = pair("REQ", "ROUTER", transport)
    clients = [first]
    for _ in range(9):
        clients.append(context.socket(green.REQ))
        clients[-1].linger = 0
        clients[-1].connect(endpoint(router))

    def serve():
        while True:
            router.send_multipart(router.recv_multipart())

    def ask(client, number):
        for i in range(100):
            client.send(b"%d %d" % (number, i))
            assert client.recv() == b"%d %d" % (number, i)

    spawn(serve)
    for asker in [spawn(ask, client, number) for number, client in enumerate(clients)]:
        result(asker)


@pytest.mark.better
def test_others_run_though_no_call_waits(pair, spawn):
    push, pull = pair("PUSH", "PULL", "inproc", SNDHWM=0, RCVHWM=0)
    ticks = []

    def tick():
        while True:
            ticks.append(1)
            gevent.sleep(0)

    spawn(tick)
    for _ in range(5000):
        push.send(b"x")
    for _ in range(5000):
        pull.recv()
    assert 5 <= len(ticks) <= 1000


@pytest.mark.better
def test_two_threads_with_hubs_of_their_own(green, pair):
    push, pull = pair("PUSH", "PULL")
    received = []

    def receive():
        workers = pool.Pool()
        for _ in range(5):
            workers.spawn(lambda: received.append(pull.recv()))
        workers.join(timeout=SECONDS)

    threads = [threading.Thread(target=receive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(10):
        push.send(b"%d" % i)
    for thread in threads:
        thread.join(2 * SECONDS)
    assert sorted(received) == [b"%d" % i for i in range(10)]


# -- the end


@pytest.mark.better  # in pyzmq several cannot wait, and polls are not ended
@pytest.mark.parametrize("call", ["recv", "poll", "poller"])
def test_close_while_waiting(green, pair, spawn, call):
    _, pull = pair("PUSH", "PULL")
    poller = green.Poller()
    poller.register(pull, green.POLLIN)
    waiting = [spawn({"recv": pull.recv, "poll": pull.poll, "poller": poller.poll}[call]) for _ in range(3)]
    gevent.sleep(0.01)
    pull.close()
    for greenlet in waiting:
        with pytest.raises(green.ZMQError) as caught:
            result(greenlet)
        assert caught.value.errno in (green.ENOTSOCK, green.ENOTSUP)


@pytest.mark.better
def test_closed_by_another_thread(green, pair, spawn):
    _, pull = pair("PUSH", "PULL")
    waiting = spawn(pull.recv)
    gevent.sleep(0.01)
    thread = threading.Thread(target=pull.close)
    thread.start()
    with pytest.raises(green.ZMQError) as caught:
        result(waiting)
    assert caught.value.errno == green.ENOTSOCK
    thread.join()


@pytest.mark.better  # pyzmq's blocks everything
def test_term_lets_others_run_and_ends_their_waits(green, spawn):
    context = green.Context()
    pull = context.socket(green.PULL)

    def receive():
        with pytest.raises(green.ContextTerminated):
            pull.recv()
        pull.close()
        return True

    receiver = spawn(receive)
    gevent.sleep(0)
    context.term()
    assert result(receiver)
    assert context.closed


def test_instance_of_its_own(green, zmq):
    context = green.Context.instance()
    assert type(context) is green.Context and context is green.Context.instance()
    assert context is not zmq.Context.instance()
    context.term()


# -- polling


def test_poll(green, pair, spawn):
    push, pull = pair("PUSH", "PULL")
    assert pull.poll(0) == 0
    assert pull.poll(5) == 0
    assert pull.poll(5, green.POLLOUT) == 0
    polled = [spawn(pull.poll, SECONDS * 1000) for _ in range(3)]
    gevent.sleep(0.01)
    assert not any(greenlet.ready() for greenlet in polled)
    push.send(b"x")
    assert [result(greenlet) for greenlet in polled] == [green.POLLIN] * 3
    assert pull.poll() == green.POLLIN
    assert pull.poll(None, 0) == pull.poll(None, None) == 0
    assert pull.recv() == b"x"


def test_poll_for_room(green, context, spawn):
    push, pull = context.socket(green.PUSH), context.socket(green.PULL)
    polled = spawn(push.poll, None, green.POLLOUT)
    gevent.sleep(0.01)
    assert not polled.ready()
    pull.bind("tcp://127.0.0.1:*")
    push.connect(endpoint(pull))
    assert result(polled) == green.POLLOUT


def test_poller(green, pair, spawn):
    push, pull = pair("PUSH", "PULL")
    channel = Channel()
    reader = channel.reader
    poller = green.Poller()
    poller.register(pull, green.POLLIN)
    poller.register(reader, green.POLLIN)
    assert poller.poll(5) == []
    polled = spawn(poller.poll)
    gevent.sleep(0.01)
    push.send(b"x")
    assert result(polled) == [(pull, green.POLLIN)]
    pull.recv()
    polled = spawn(poller.poll, SECONDS * 1000)
    gevent.sleep(0.01)
    channel.write(b"x")
    assert result(polled) == [(reader, green.POLLIN)]
    push.send(b"x")
    assert pull.poll(SECONDS * 1000)
    assert dict(poller.poll(0)) == {pull: green.POLLIN, reader: green.POLLIN}
    channel.close_reader()
    channel.close_writer()


@pytest.mark.better  # pyzmq's block all greenlets
def test_select_and_zmq_poll(green, pair, spawn):
    push, pull = pair("PUSH", "PULL")
    assert green.select([pull], [], [], 0.005) == ([], [], [])
    assert green.zmq_poll([(pull, green.POLLIN)], 5) == []
    waiting = spawn(green.select, [pull], [], []), spawn(green.zmq_poll, [(pull, green.POLLIN)])
    gevent.sleep(0)
    push.send(b"x")
    assert result(waiting[0]) == ([pull], [], [])
    assert result(waiting[1]) == [(pull, green.POLLIN)]


def test_interrupted_poll(green, pair):
    push, pull = pair("PUSH", "PULL")
    poller = green.Poller()
    poller.register(pull, green.POLLIN)
    with pytest.raises(gevent.Timeout):
        with gevent.Timeout(0.01):
            poller.poll()
    push.send(b"x")
    assert poller.poll(SECONDS * 1000) == [(pull, green.POLLIN)]


@pytest.mark.better
def test_nothing_is_left_on_the_hub(green, pair, spawn):
    _, pull = pair("PUSH", "PULL")
    with gevent.Timeout(0.01, False):
        pull.recv()
    pull.poll(5)
    assert not pull._awaiting.waiters and pull._awaiting.watcher is None and pull._awaiting.timer is None


@pytest.mark.better
def test_no_spin_on_messages_that_nobody_takes(green, pair, spawn):
    """A send waits for room, and a message is there that nobody receives."""
    one, two = pair("PAIR", "PAIR", "inproc", SNDHWM=1, RCVHWM=1)
    two.send(b"for nobody")
    sent = []

    def send():
        for i in range(10):
            one.send(b"%d" % i)
            sent.append(i)

    sender = spawn(send)
    gevent.sleep(0)
    looks = []
    waits = one._awaiting
    look, waits.look = waits.look, lambda: (looks.append(1), look())
    waits.stop_listening()
    waits.listen()
    gevent.sleep(0.1)
    assert not sender.ready() and 1 <= len(looks) <= 20
    assert [two.recv() for _ in range(10)] == [b"%d" % i for i in range(10)]
    result(sender)


@pytest.mark.better
def test_no_spin_on_room_at_another_peer(green, context, fresh, spawn):
    """A message for a peer that is full waits, while the socket says that there is room: for others."""
    router = context.socket(green.ROUTER)
    router.sndhwm, router.router_mandatory, router.linger = 1, 1, 0
    router.bind(fresh("inproc"))
    dealers = [context.socket(green.DEALER) for _ in range(2)]
    for name, dealer in zip((b"a", b"b"), dealers):
        dealer.rcvhwm, dealer.linger, dealer.routing_id = 1, 0, name
        dealer.connect(endpoint(router))
        dealer.send(b"here")
        assert router.recv_multipart() == [name, b"here"]

    def send():
        for i in range(10):
            router.send_multipart([b"a", b"%d" % i])

    sender = spawn(send)
    gevent.sleep(0)
    loops = []
    check = gevent.get_hub().loop.check()
    check.start(lambda: loops.append(1))
    gevent.sleep(0.1)
    check.stop()
    check.close()
    assert not sender.ready() and len(loops) <= 60
    assert [dealers[0].recv() for _ in range(10)] == [b"%d" % i for i in range(10)]
    result(sender)


# -- devices


@pytest.mark.better  # pyzmq's does not return
def test_device(green, context, fresh, spawn):
    router, dealer, rep, req = (context.socket(getattr(green, kind)) for kind in ("ROUTER", "DEALER", "REP", "REQ"))
    for socket in (router, dealer):
        socket.bind(fresh("tcp"))
    rep.connect(endpoint(dealer))
    req.connect(endpoint(router))
    device = spawn(green.device, green.QUEUE, router, dealer)

    def serve():
        while True:
            rep.send(rep.recv().upper())

    spawn(serve)
    for i in range(20):
        req.send(b"hello %d" % i)
        assert req.recv() == b"HELLO %d" % i
    router.close()
    with pytest.raises(green.ZMQError):
        result(device)
    for socket in (dealer, rep, req):
        socket.close(0)


def test_device_of_one_socket(green, pair, spawn):
    req, rep = pair("REQ", "REP")
    spawn(green.device, green.QUEUE, rep, rep)
    for i in range(5):
        req.send(b"%d" % i)
        with gevent.Timeout(SECONDS):
            assert req.recv() == b"%d" % i


@pytest.mark.better
@pytest.mark.better  # pyzmq's blocks all greenlets of the thread
@pytest.mark.parametrize("kind", ["PAIR", "REP"])
def test_steerable_proxy(green, context, pair, spawn, kind):
    """Each command is carried out, and answered, while other greenlets run."""
    push, frontend = pair("PUSH", "PULL", "inproc")
    pull, backend = pair("PULL", "PUSH", "inproc")
    boss, control = pair("PAIR" if kind == "PAIR" else "REQ", kind, "inproc")

    def tell(command):
        boss.send(command)
        return boss.recv_multipart()

    proxy = spawn(green.proxy_steerable, frontend, backend, None, control)

    def play():
        push.send_multipart([b"1", b"23"])
        assert pull.recv_multipart() == [b"1", b"23"]
        tell(b"PAUSE")
        assert len(tell(b"STATISTICS")) == 8  # by now it has paused
        push.send(b"4")
        for _ in range(10):
            gevent.sleep(0)
        assert pull.poll(0) == 0
        tell(b"RESUME")
        assert pull.recv() == b"4"
        numbers = [int.from_bytes(frame, sys.byteorder) for frame in tell(b"STATISTICS")]
        assert numbers == [3, 4, 0, 0, 0, 0, 3, 4]
        tell(b"TERMINATE")
        return proxy.get(timeout=SECONDS)

    assert result(spawn(play)) == 0


@pytest.mark.parametrize("of", ["frontend", "control"])
def test_steerable_proxy_ends_with_its_error(green, pair, spawn, of):
    _, frontend = pair("PUSH", "PULL", "inproc")
    _, backend = pair("PULL", "PUSH", "inproc")
    _, control = pair("PAIR", "PAIR", "inproc")
    proxy = spawn(green.proxy_steerable, frontend, backend, None, control)
    gevent.sleep(0)
    {"frontend": frontend, "control": control}[of].close()
    with pytest.raises(green.ZMQError):
        result(proxy)


def test_killed_proxy_loses_nothing(green, context, fresh, spawn):
    pull, push, source, sink, tap, taps = (
        context.socket(getattr(green, kind)) for kind in ("PULL", "PUSH", "PUSH", "PULL", "PUSH", "PULL")
    )
    for socket in (pull, push, taps):
        socket.bind(fresh("inproc"))
    source.connect(endpoint(pull))
    sink.connect(endpoint(push))
    tap.connect(endpoint(taps))
    count = 300

    def run():
        for _ in range(50):
            with gevent.Timeout(0.0005, False):
                green.proxy(pull, push, tap)
        green.proxy(pull, push, tap)

    spawn(run)
    for i in range(count):
        source.send(b"%d" % i)
    assert [sink.recv() for _ in range(count)] == [b"%d" % i for i in range(count)]
    assert [taps.recv() for _ in range(count)] == [b"%d" % i for i in range(count)]
    for socket in (pull, push, source, sink, tap, taps):
        socket.close(0)


# -- names


def test_names(green, zmq):
    assert not [name for name in zmq.__all__ if not hasattr(green, name)]
    changed = {"Context", "Socket", "Poller", "device"}
    assert all(getattr(green, name) is not getattr(zmq, name) for name in changed)
    assert green.ZMQError is zmq.ZMQError and green.PUSH is zmq.PUSH
    assert (green._Context, green._Socket, green._Poller) == (green.Context, green.Socket, green.Poller)


@pytest.mark.parametrize("name", ["core", "poll", "device", "eventloop", "eventloop.ioloop", "eventloop.zmqstream"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_modules(submodule, name):
    pytest.importorskip("tornado")
    assert submodule(f"green.{name}")


def test_zmqstream(green, submodule, pair, spawn):
    asyncio = pytest.importorskip("asyncio")
    pytest.importorskip("tornado")
    ZMQStream = submodule("green.eventloop.zmqstream").ZMQStream
    push, pull = pair("PUSH", "PULL")

    async def main():
        received = asyncio.Queue()
        stream = ZMQStream(pull)
        stream.on_recv(received.put_nowait)
        push.send(b"x")
        assert await asyncio.wait_for(received.get(), SECONDS) == [b"x"]
        stream.close()

    asyncio.run(main())


@pytest.mark.better
def test_program_that_is_patched_ends_by_itself():
    program = """
import gevent.monkey; gevent.monkey.patch_all()
import threading, zmqcore.green as zmq
context = zmq.Context()
push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
pull.bind("tcp://127.0.0.1:*"); push.connect(pull.last_endpoint)
thread = threading.Thread(target=lambda: push.send(pull.recv())); thread.start()
push.send(b"x"); thread.join()
assert pull.recv() == b"x"
push.close(); pull.close(); context.term()
print("done")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("done\n", "")
