"""MAX_QUEUED_BYTES: what the queues of all sockets of a context may hold together."""

import random
import threading

import pytest
from awaiting import dead_endpoint, endpoint, fill, until
from transports import OPTIONS

pytestmark = pytest.mark.better

BODY = b"b" * 936  # 1000 with the entry
LARGE = b"l" * 100_000


@pytest.fixture
def limited(zmq, request):
    """limited(bytes): a context with a limit, and make() for its sockets, which have no other marks."""
    contexts = []
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    needs = OPTIONS[parameters["transport"]]() if parameters.get("transport") in OPTIONS else {}

    def limited(limit):
        context = zmq.Context()
        context.max_queued_bytes = limit
        contexts.append(context)

        def make(kind, **options):
            socket = context.socket(getattr(zmq, kind))
            socket.linger = 0
            socket.hwm = 0
            socket.rcvtimeo = socket.sndtimeo = 30_000
            for name, value in (needs | options).items():
                setattr(socket, name.lower(), value)
            return socket

        return context, make

    yield limited
    for context in contexts:
        context.destroy(linger=0)


def queued(context):
    return context.statistics().queued_bytes


def test_MEM_1_the_option(zmq, context):
    assert context.max_queued_bytes == context.get(zmq.MAX_QUEUED_BYTES) == 0
    assert context.statistics().queued_bytes is None
    context.set(zmq.MAX_QUEUED_BYTES, 1 << 40)
    assert context.max_queued_bytes == 1 << 40
    for value in (-1, -(1 << 40)):
        with pytest.raises(zmq.ZMQError) as refused:
            context.max_queued_bytes = value
        assert refused.value.errno == zmq.EINVAL
    with pytest.raises(OverflowError):
        context.max_queued_bytes = 1 << 63
    assert context.statistics().max_queued_bytes == 1 << 40
    context.max_queued_bytes = 0


def test_MEM_2_all_queues_count_together(zmq, limited):
    context, make = limited(10_000)
    first, second = make("PUSH"), make("DEALER")
    for one in (first, second):
        one.connect(dead_endpoint())
    assert fill(zmq, first, BODY) == 10
    assert queued(context) == 10_000
    assert fill(zmq, second, BODY) == 1  # its queue was empty
    assert not second.poll(0, zmq.POLLOUT)
    found = context.statistics()
    assert found.queued_bytes == 11_000 and found.limit_hits > 0
    assert "11000 of 10000 bytes queued" in context.describe()
    first.close()
    assert queued(context) == 1000
    assert fill(zmq, second, BODY) == 9
    second.close()
    assert queued(context) == 0


def test_MEM_2_a_reader_that_closes_makes_room(zmq, limited):
    """At once, though the writer does not come by to see it."""
    context, make = limited(10_000)
    writer, reader, other = make("PUSH"), make("PULL"), make("PUSH")
    reader.bind("inproc://closing")
    writer.connect("inproc://closing")
    other.connect(dead_endpoint())
    assert fill(zmq, writer, BODY) == 10
    other.send(BODY)
    reader.close()
    assert fill(zmq, other, BODY) == 9
    assert writer.statistics().messages_out == 10


def test_MEM_2_what_was_received_goes_with_close_and_not_with_linger(zmq, limited, fresh):
    context, make = limited(10_000)
    stuck, other = make("DEALER", linger=-1, sndbuf=4096), make("PUSH")
    peer = make("DEALER", rcvhwm=1, rcvbuf=4096)
    peer.bind(fresh("tcp"))
    stuck.connect(endpoint(peer))
    other.connect(dead_endpoint())
    for _ in range(9):
        peer.send(BODY)
    until(lambda: stuck.statistics().queued_in == 9)
    stuck.send(b"s" * 8_000_000)  # takes a while to leave
    other.send(BODY)
    stuck.close()
    assert len(context.describe().splitlines()) > 4  # it is still there
    assert fill(zmq, other, BODY) > 5


def test_MEM_2_a_frame_costs_its_entry(zmq, limited):
    context, make = limited(10_000)
    push = make("PUSH")
    push.connect(dead_endpoint())
    push.send_multipart([b"", b"a", b"bc"])
    assert queued(context) == 3 + 3 * 64


def test_MEM_2_a_message_for_several_peers_costs_each_time(zmq, limited):
    context, make = limited(1 << 20)
    pub = make("PUB")
    pub.bind("inproc://news")
    subs = [make("SUB") for _ in range(3)]
    for sub in subs:
        sub.subscribe(b"")
        sub.connect("inproc://news")
    pub.send(BODY)
    assert queued(context) == 3000
    assert subs[0].recv() == BODY
    assert queued(context) == 2000
    subs[1].close()
    subs[2].close()
    assert queued(context) == 0


def test_MEM_3_the_limit_may_change(zmq, limited):
    context, make = limited(5000)
    push = make("PUSH")
    push.connect(dead_endpoint())
    assert fill(zmq, push, BODY) == 5
    context.max_queued_bytes = 8000
    assert fill(zmq, push, BODY) == 3
    context.max_queued_bytes = 0
    assert fill(zmq, push, BODY, 100) == 100
    context.max_queued_bytes = 1000
    assert queued(context) == 108_000
    assert fill(zmq, push, BODY) == 0


def test_MEM_3_a_blocked_sender_goes_on_when_the_limit_is_raised(zmq, limited):
    context, make = limited(1000)
    push = make("PUSH")
    push.connect(dead_endpoint())
    push.send(BODY)
    thread = threading.Thread(target=push.send, args=(BODY,))
    thread.start()
    until(lambda: context.statistics().limit_hits)
    context.max_queued_bytes = 2000
    thread.join(30)
    assert not thread.is_alive() and push.statistics().messages_out == 2


def test_MEM_4_sockets_from_before_and_other_contexts_are_free(zmq, limited, make):
    context, make_limited = limited(0)
    before = make_limited("PUSH")
    context.max_queued_bytes = 2000
    after, other = make_limited("PUSH"), make("PUSH", SNDHWM=0)
    for one in (before, after, other):
        one.connect(dead_endpoint())
    assert fill(zmq, before, BODY, 50) == 50 == fill(zmq, other, BODY, 50)
    assert fill(zmq, after, BODY) == 2


def test_MEM_5_a_sender_is_woken_by_another_sockets_reader(zmq, limited, fresh, transport):
    context, make = limited(20_000)
    hog, reader = make("PUSH"), make("PULL")
    reader.bind("inproc://hog")
    hog.connect("inproc://hog")
    sender, sink = make("PUSH", sndbuf=4096), make("PULL", rcvbuf=4096)
    sink.bind(fresh(transport))
    sender.connect(endpoint(sink))
    assert fill(zmq, hog, BODY) == 20
    sent = fill(zmq, sender, LARGE, 500)
    assert sent < 500  # at most what is on its way besides, and one in each queue
    done = threading.Event()

    def send():
        for _ in range(sent):
            sender.send(LARGE)
        done.set()

    thread = threading.Thread(target=send)
    thread.start()
    for _ in range(20):
        reader.recv()
    for _ in range(2 * sent):
        assert sink.recv() == LARGE
    thread.join(30)
    assert done.is_set()
    assert queued(context) == 0


def test_MEM_6_reading_stops_and_goes_on(zmq, limited, make, fresh):
    context, make_limited = limited(50_000)
    hog, held = make_limited("PUSH"), make_limited("PULL")
    held.bind("inproc://hog")
    hog.connect("inproc://hog")
    assert fill(zmq, hog, BODY) == 50
    pull = make_limited("PULL")
    pull.bind(fresh("tcp"))
    push = make("PUSH", SNDHWM=0)
    push.connect(endpoint(pull))
    for n in range(40):
        push.send(b"%d" % n)
    until(lambda: pull.statistics().full_in)
    assert pull.statistics().queued_in == 1  # its queue was empty
    got = [pull.recv()]
    until(lambda: pull.statistics().queued_in == 1)
    reader = threading.Thread(target=lambda: got.extend(pull.recv() for _ in range(39)))
    reader.start()
    for _ in range(50):
        held.recv()
    reader.join(30)
    assert got == [b"%d" % n for n in range(40)]


def test_MEM_7_what_forwards_never_waits_for_itself(zmq, limited, fresh, transport):
    """The queue that is read from may hold all there is: the one that is written to still takes what was read."""
    context, make_limited = limited(5000)
    pull, push = make_limited("PULL"), make_limited("PUSH")
    pull.bind(fresh(transport))
    push.bind("inproc://back")
    source, sink = make_limited("PUSH"), make_limited("PULL")
    source.connect(endpoint(pull))
    sink.connect("inproc://back")

    def feed():
        for n in range(1000):
            source.send(b"%03d" % n + BODY)

    feeder = threading.Thread(target=feed)
    feeder.start()
    drain = threading.Thread(target=lambda: got.extend(sink.recv()[:3] for _ in range(1000)))
    got = []
    drain.start()
    for _ in range(1000):
        push.send(pull.recv())
    feeder.join(30)
    drain.join(30)
    assert got == [b"%03d" % n for n in range(1000)]


def test_MEM_7_a_proxy_serves_the_other_way_while_one_is_full(zmq, limited):
    context, make = limited(20_000)
    frontend, backend, client = make("DEALER"), make("DEALER"), make("DEALER")
    frontend.rcvtimeo = frontend.sndtimeo = backend.rcvtimeo = backend.sndtimeo = -1
    frontend.bind("inproc://frontend")
    backend.bind("inproc://backend")
    client.connect("inproc://frontend")

    def proxy():
        with pytest.raises(zmq.ZMQError):
            zmq.proxy(frontend, backend)

    def work():
        worker = make("DEALER")
        worker.connect("inproc://backend")
        with pytest.raises(zmq.ZMQError):
            while True:
                worker.send(worker.recv())

    def feed():
        for _ in range(150):
            client.send(BODY)

    threads = [threading.Thread(target=one) for one in (proxy, work, work, feed)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(150):
            assert client.recv() == BODY
    finally:
        context.destroy(linger=0)
        for thread in threads:
            thread.join(60)


@pytest.mark.parametrize("policy", [2, 3, 4])
def test_MEM_8_overflow_is_as_at_a_mark(zmq, limited, policy):
    context, make = limited(10_000)
    hog, push = make("PUSH"), make("PUSH", overflow=policy)
    for one in (hog, push):
        one.connect(dead_endpoint())
    for n in range(3):
        push.send(b"%d" % n + BODY)
    fill(zmq, hog, BODY)
    with push.watch(zmq.EVENT_QUEUE_FULL) as events:
        for n in range(3, 10):
            try:
                push.send(b"%d" % n + BODY)
            except zmq.ZMQError as error:
                assert (policy, error.errno) == (4, zmq.ENOBUFS)
        assert events.recv().value == policy
    found = push.statistics()
    assert found.queued_out == 3
    assert (found.dropped.full, found.dropped.outdated) == {2: (7, 0), 3: (0, 7), 4: (0, 0)}[policy]


def test_MEM_9_a_lost_connection_keeps_the_account(zmq, limited, make, fresh):
    context, make_limited = limited(1 << 23)
    pull = make("PULL", RCVHWM=1, RCVBUF=4096)
    pull.bind(fresh("tcp"))
    push = make_limited("PUSH", sndbuf=4096, reconnect_ivl=1)
    push.connect(endpoint(pull))
    push.wait_for_peers(1, timeout=15000)
    for _ in range(30):
        push.send(LARGE)
    address = endpoint(pull)
    pull.close()
    until(lambda: push.statistics().disconnections)
    (peer,) = push.statistics().peers
    assert queued(context) == peer.queued_out * (len(LARGE) + 64)
    again = make("PULL")
    until(lambda: bound(zmq, again, address))
    for _ in range(peer.queued_out):
        again.recv()
    until(lambda: queued(context) == 0)


def test_MEM_11_room_that_was_found_stays(zmq, limited):
    context, make = limited(10_000)
    router, dealer, hog = make("ROUTER", router_mandatory=1), make("DEALER", routing_id=b"d"), make("PUSH")
    router.bind("inproc://room")
    dealer.connect("inproc://room")
    hog.connect(dead_endpoint())
    router.send_multipart([b"d", b"first"])
    router.send(b"d", zmq.SNDMORE)
    assert fill(zmq, hog, BODY)
    router.send(b"second")
    assert [dealer.recv(), dealer.recv()] == [b"first", b"second"]
    dealer.send(b"first")
    hog.connect(dead_endpoint())
    hog.send(BODY)
    context.max_queued_bytes = 1 << 20
    assert dealer.poll(0, zmq.POLLOUT)
    context.max_queued_bytes = 1
    dealer.send(b"second", zmq.DONTWAIT)
    with pytest.raises(zmq.Again):
        dealer.send(b"third", zmq.DONTWAIT)


def bound(zmq, socket, address):
    try:
        socket.bind(address)
    except zmq.ZMQError:
        return False
    return True


def test_MEM_10_many_threads_and_nothing_is_left(zmq, limited):
    """Pairs of sockets in four threads: all that went in comes out, and in the end nothing is charged."""
    context, make = limited(30_000)
    seeds = random.Random(7)
    failed = []

    def work(number, seed):
        dice = random.Random(seed)
        push, pull = make("PUSH"), make("PULL")
        pull.bind(f"inproc://work-{number}" if number % 2 else "tcp://127.0.0.1:*")
        push.connect(endpoint(pull))

        def feed():
            for n in range(400):
                push.send_multipart([b"%d" % n] + [b"x" * dice.randrange(3000) for _ in range(dice.randrange(3))])

        feeder = threading.Thread(target=feed)
        feeder.start()
        got = [int(pull.recv_multipart()[0]) for _ in range(400)]
        feeder.join()
        if got != list(range(400)):
            failed.append(number)
        push.close()
        pull.close()

    threads = [threading.Thread(target=work, args=(number, seeds.random())) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads) and not failed
    assert queued(context) == 0
