"""Bounds in bytes, and what a send does at the bound. What one side sent is what the other has received plus what the counters say was dropped."""

import random

import pytest
from awaiting import endpoint, fill, until

pytestmark = pytest.mark.better

BODY = b"b" * 1000
WAIT, DROP_NEWEST, DROP_OLDEST, REFUSE = 1, 2, 3, 4




@pytest.fixture
def away(make):
    """away("PUSH", ...): a socket with a queue for a peer that is not there."""
    from awaiting import dead_endpoint

    def away(kind, **options):
        socket = make(kind, **({"SNDHWM": 0} | options))
        socket.connect(dead_endpoint())
        return socket

    return away


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR", "CLIENT", "SCATTER", "CHANNEL"])
def test_BYTES_1_sending_stops_at_the_bound(zmq, away, kind):
    socket = away(kind, SNDHWM_BYTES=10_000)
    assert fill(zmq, socket, BODY) == 10
    assert not socket.poll(0, zmq.POLLOUT)
    socket.sndhwm_bytes = 12_500
    assert fill(zmq, socket, BODY) == 3  # there is room while fewer bytes are queued
    socket.sndhwm_bytes = 0
    for _ in range(100):
        socket.send(BODY, zmq.DONTWAIT)


def test_BYTES_1_both_marks_hold(zmq, away):
    socket = away("PUSH", SNDHWM=5, SNDHWM_BYTES=10_000)
    assert fill(zmq, socket, BODY) == 5
    socket.sndhwm = 0
    assert fill(zmq, socket, BODY) == 5


def test_BYTES_2_a_message_of_any_size_goes_into_an_empty_queue(zmq, away):
    socket = away("PUSH", SNDHWM_BYTES=10)
    socket.send_multipart([BODY, BODY, BODY], zmq.DONTWAIT)
    with pytest.raises(zmq.Again):
        socket.send(b"", zmq.DONTWAIT)


@pytest.mark.parametrize("kinds", [("PUSH", "PULL"), ("DEALER", "ROUTER"), ("DEALER", "DEALER")], ids="-".join)
def test_BYTES_3_credit_comes_back_by_bytes(zmq, make, fresh, transport, kinds):
    sender, receiver = make(kinds[0], SNDHWM=0, SNDHWM_BYTES=5000), make(kinds[1], RCVHWM=0, RCVHWM_BYTES=5000)
    receiver.bind(fresh(transport))
    sender.connect(endpoint(receiver))
    taken = sent = 0
    for _ in range(3):
        sent += fill(zmq, sender, BODY)
        while receiver.poll(0):
            receiver.recv_multipart()
            taken += 1
    sender.send(BODY)  # waits until there is room
    sent += 1
    while taken < sent:
        receiver.recv_multipart()
        taken += 1
    assert sender.statistics().messages_out == sent == receiver.statistics().messages_in


def test_BYTES_3_a_receiver_holds_no_more_than_its_bound(zmq, make, fresh):
    sender, receiver = make("PUSH"), make("PULL", RCVHWM=0, RCVHWM_BYTES=20_000)
    receiver.bind(fresh("tcp"))
    sender.connect(endpoint(receiver))
    for _ in range(60):
        sender.send(BODY)
    until(lambda: receiver.statistics().full_in)
    assert 20 <= receiver.statistics().queued_in <= 21
    for _ in range(60):
        receiver.recv()


def test_BYTES_3_within_a_process_both_bounds_add_up(zmq, make, fresh):
    sender, receiver = make("PUSH", SNDHWM=0, SNDHWM_BYTES=4000), make("PULL", RCVHWM_BYTES=6000, RCVHWM=0)
    receiver.bind(fresh("inproc"))
    sender.connect(endpoint(receiver))
    assert fill(zmq, sender, BODY) == 10
    for _ in range(5):
        receiver.recv()
    assert fill(zmq, sender, BODY) == 5
    receiver.rcvhwm_bytes = 0  # no limit if either has none
    for _ in range(50):
        sender.send(BODY, zmq.DONTWAIT)


def test_BYTES_4_what_cannot_be_is_refused(zmq, make):
    socket = make("PUSH")
    assert (socket.sndhwm_bytes, socket.rcvhwm_bytes, socket.overflow) == (0, 0, 0)
    for name in ("SNDHWM_BYTES", "RCVHWM_BYTES", "OVERFLOW"):
        with pytest.raises(zmq.ZMQError) as refused:
            socket.set(getattr(zmq, name), -1)
        assert refused.value.errno == zmq.EINVAL
    socket.sndhwm_bytes = 1 << 40
    assert socket.sndhwm_bytes == 1 << 40


# -- policies

CAN = {
    "PUSH": {1, 2, 3, 4}, "DEALER": {1, 2, 3, 4}, "PAIR": {1, 2, 3, 4}, "CLIENT": {1, 2, 3, 4}, "SCATTER": {1, 2, 3, 4}, "CHANNEL": {1, 2, 3, 4},
    "PUB": {1, 2, 3, 4}, "XPUB": {1, 2, 3, 4}, "RADIO": {1, 2, 3, 4}, "ROUTER": {2, 3, 4}, "REQ": {1, 4}, "SERVER": {1, 4}, "PEER": {1, 4},
    "REP": set(), "PULL": set(), "SUB": set(), "XSUB": set(), "STREAM": set(), "DISH": set(), "GATHER": set(),
}  # fmt: skip


@pytest.mark.parametrize("kind", CAN)
def test_FLOW_1_a_type_takes_what_it_can_do(zmq, make, kind):
    socket = make(kind)
    took = set()
    for policy in (1, 2, 3, 4):
        try:
            socket.overflow = policy
        except zmq.ZMQError as error:
            assert error.errno == zmq.EINVAL
        else:
            took.add(policy)
            assert socket.overflow == policy
    assert took == CAN[kind]
    socket.overflow = 0


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR", "CLIENT", "SCATTER", "CHANNEL"])
def test_FLOW_2_the_newest_is_dropped(zmq, away, make, kind):
    socket = away(kind, SNDHWM=5, OVERFLOW=DROP_NEWEST)
    for n in range(12):
        socket.send(b"%d" % n)
    found = socket.statistics()
    assert (found.messages_out, found.queued_out, found.dropped.full) == (5, 5, 7)


def test_FLOW_2_of_a_message_all_frames(zmq, make, fresh):
    push, pull = make("PUSH", SNDHWM=2, OVERFLOW=DROP_NEWEST, IMMEDIATE=1), make("PULL", RCVHWM=1)
    pull.bind(fresh("inproc"))
    push.connect(endpoint(pull))
    for n in range(10):
        push.send_multipart([b"%d" % n, b"b", b"c"])
    got = []
    while pull.poll(0):
        got.append(pull.recv_multipart())
    assert got == [[b"%d" % n, b"b", b"c"] for n in range(3)]
    assert push.statistics().dropped.full == 7
    push.send_multipart([b"x", b"y"])
    assert pull.recv_multipart() == [b"x", b"y"]


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR", "CLIENT", "SCATTER", "CHANNEL"])
def test_FLOW_3_the_oldest_are_dropped(zmq, make, kind):
    peers = {"PUSH": "PULL", "DEALER": "DEALER", "PAIR": "PAIR", "CLIENT": "SERVER", "SCATTER": "GATHER", "CHANNEL": "CHANNEL"}
    from transports import unused_port

    address = f"tcp://127.0.0.1:{unused_port()}"
    socket = make(kind, SNDHWM=5, OVERFLOW=DROP_OLDEST, RECONNECT_IVL=1)
    socket.connect(address)
    for n in range(12):
        socket.send(b"%d" % n)
    found = socket.statistics()
    assert (found.messages_out, found.queued_out, found.dropped.outdated, found.dropped.full) == (12, 5, 7, 0)
    peer = make(peers[kind])
    until(lambda: bind(zmq, peer, address))
    assert [peer.recv() for _ in range(5)] == [b"%d" % n for n in range(7, 12)]
    until(lambda: socket.statistics().messages_left == 5)


def bind(zmq, peer, address):
    try:
        peer.bind(address)
    except zmq.ZMQError:
        return False
    return True


def test_FLOW_3_as_many_as_bytes_need_room(zmq, away):
    push = away("PUSH", SNDHWM_BYTES=4000, OVERFLOW=DROP_OLDEST)
    for _ in range(4):
        push.send(BODY)
    push.send(BODY * 3)
    found = push.statistics()
    assert (found.queued_out, found.dropped.outdated) == (4, 1)
    push.send(b"")
    found = push.statistics()
    assert found.dropped.outdated == 4 and found.queued_out == 2


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "REQ", "CLIENT"])
def test_FLOW_4_a_send_is_refused(zmq, away, kind):
    socket = away(kind, SNDHWM=1, OVERFLOW=REFUSE, **({"REQ_RELAXED": 1} if kind == "REQ" else {}))
    socket.send(b"x")
    with pytest.raises(zmq.ZMQError, match="OVERFLOW") as refused:
        socket.send(b"x")
    assert refused.value.errno == zmq.ENOBUFS
    assert socket.statistics().dropped.total == 0


@pytest.mark.parametrize("policy", [DROP_NEWEST, DROP_OLDEST, REFUSE])
def test_FLOW_5_without_a_peer_nothing_overflows(zmq, make, policy):
    push = make("PUSH", OVERFLOW=policy)
    push.bind("inproc://nobody")
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)
    assert push.statistics().dropped.total == 0


@pytest.fixture
def slow(zmq, make, fresh):
    """slow(PUB, SUB, policy): a subscriber that does not read yet, and its publisher, over tcp."""

    def slow(kind, policy):
        pub, sub = make(kind, SNDHWM=10, OVERFLOW=policy), make("SUB", RCVHWM=10)
        sub.subscribe(b"")
        pub.bind(fresh("tcp"))
        sub.connect(endpoint(pub))
        pub.wait_for_subscribers(1, b"", timeout=15000)
        return pub, sub

    return slow


LARGE = b"l" * 100_000


@pytest.mark.parametrize("kind", ["PUB", "XPUB"])
def test_FLOW_6_a_slow_subscriber_gets_the_newest(zmq, slow, kind):
    pub, sub = slow(kind, DROP_OLDEST)
    for n in range(300):
        pub.send(b"%03d" % n + LARGE)
    dropped = pub.statistics().dropped
    assert dropped.outdated and not dropped.full
    got = [sub.recv()[:3]]
    while got[-1] != b"299":
        got.append(sub.recv()[:3])
    assert got[-10:] == [b"%03d" % n for n in range(290, 300)]
    assert len(got) + pub.statistics().dropped.outdated == 300


@pytest.mark.parametrize("kind", ["PUB", "XPUB"])
def test_FLOW_6_a_publisher_that_refuses(zmq, slow, kind):
    pub, sub = slow(kind, REFUSE)
    sent = 0
    with pytest.raises(zmq.ZMQError) as refused:
        while sent < 10000:
            pub.send(LARGE)
            sent += 1
    assert refused.value.errno == zmq.ENOBUFS
    for _ in range(sent):
        sub.recv()
    assert pub.statistics().dropped.total == 0
    pub.overflow = DROP_NEWEST
    for _ in range(300):
        pub.send(LARGE)
    assert pub.statistics().dropped.full


@pytest.mark.parametrize("policy", [DROP_NEWEST, DROP_OLDEST, REFUSE])
def test_FLOW_7_a_router_and_a_peer_that_does_not_read(zmq, make, fresh, policy):
    router, dealer = make("ROUTER", SNDHWM=10, OVERFLOW=policy), make("DEALER", RCVHWM=10, ROUTING_ID=b"d")
    router.bind(fresh("tcp"))
    dealer.connect(endpoint(router))
    dealer.send(b"here")
    router.recv_multipart()
    sent = refused = 0
    for n in range(300):
        try:
            router.send_multipart([b"d", b"%03d" % n + LARGE])
            sent += 1
        except zmq.ZMQError as error:
            assert error.errno == zmq.ENOBUFS
            refused += 1
    dropped = router.statistics().dropped
    assert {DROP_NEWEST: dropped.full, DROP_OLDEST: dropped.outdated, REFUSE: refused}[policy] > 0
    assert sent + refused == 300 and (not refused or policy == REFUSE)
    arrived = sent - dropped.full - dropped.outdated
    got = [dealer.recv()[:3] for _ in range(arrived)]
    assert got == sorted(got)
    if policy == DROP_OLDEST:
        assert got[-1] == b"299"
    assert not dealer.poll(100)


# -- the oldest, wherever they are


def test_FLOW_8_within_a_process_the_oldest_are_dropped(zmq, make, fresh):
    push, pull = make("PUSH", SNDHWM=3, OVERFLOW=DROP_OLDEST), make("PULL", RCVHWM=2)
    pull.bind(fresh("inproc"))
    push.connect(endpoint(pull))
    for n in range(12):
        push.send_multipart([b"%d" % n, b"b"])
    assert [pull.recv_multipart()[0] for _ in range(5)] == [b"%d" % n for n in range(7, 12)]
    sent, got = push.statistics(), pull.statistics()
    assert (sent.messages_out, sent.dropped.outdated, sent.dropped.full) == (12, 7, 0)
    assert (got.messages_in, got.queued_in, got.bytes_in) == (5, 0, 5 + 2 + 5)
    assert not pull.poll(0)


def test_FLOW_8_before_the_bind(zmq, make, fresh):
    address = fresh("inproc")
    push = make("PUSH", SNDHWM=3, OVERFLOW=DROP_OLDEST)
    push.connect(address)
    for n in range(9):
        push.send(b"%d" % n)
    pull = make("PULL")
    pull.bind(address)
    assert [pull.recv() for _ in range(3)] == [b"6", b"7", b"8"]
    assert pull.statistics().messages_in == 3


def test_FLOW_8_a_message_that_is_being_read_stays_whole(zmq, make, fresh):
    push, pull = make("PUSH", SNDHWM=2, OVERFLOW=DROP_OLDEST), make("PULL", RCVHWM=2)
    pull.bind(fresh("inproc"))
    push.connect(endpoint(pull))
    for n in range(4):
        push.send_multipart([b"%d" % n, b"b", b"c"])
    assert pull.recv() == b"0"
    for n in range(4, 9):
        push.send_multipart([b"%d" % n, b"b", b"c"])
    assert [pull.recv(), pull.recv()] == [b"b", b"c"]
    got = [pull.recv_multipart() for _ in range(3)]
    assert got == [[b"%d" % n, b"b", b"c"] for n in range(6, 9)]
    assert push.statistics().dropped.outdated == 5
    assert not pull.poll(0)


def test_FLOW_8_readers_at_work(zmq, make, fresh):
    import threading

    push, pull = make("PUSH", SNDHWM=5, OVERFLOW=DROP_OLDEST), make("PULL", RCVHWM=5)
    pull.bind(fresh("inproc"))
    push.connect(endpoint(pull))
    got = []

    def read():
        while not got or got[-1] != 5000:
            first, second = pull.recv_multipart()
            assert first == second
            got.append(int(first))

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(5000):
        push.send_multipart([b"%d" % n] * 2)
    push.overflow = WAIT
    push.send_multipart([b"5000"] * 2)
    reader.join()
    assert got == sorted(set(got))
    dropped = push.statistics().dropped
    assert len(got) + dropped.outdated + dropped.full == 5001
    assert pull.statistics().messages_in == len(got)


@pytest.mark.parametrize("kind", ["PUSH", "DEALER"])
def test_FLOW_8_in_the_middle_of_a_message_that_leaves(zmq, make, fresh, kind):
    """The output ends with the first frame of a message: its rest is first in the queue, and stays."""
    peers = {"PUSH": "PULL", "DEALER": "DEALER"}
    sender = make(kind, SNDHWM=4, OVERFLOW=DROP_OLDEST, SNDBUF=4096)
    reader = make(peers[kind], RCVHWM=1, RCVBUF=4096)
    reader.bind(fresh("tcp"))
    sender.connect(endpoint(reader))
    sender.wait_for_peers(1, timeout=15000)
    for n in range(200):
        sender.send_multipart([b"%03d" % n + LARGE, b"b" * 200_000, b"c" * 200_000])
    dropped = sender.statistics().dropped
    assert dropped.outdated and not dropped.full
    got = [reader.recv_multipart() for _ in range(200 - dropped.outdated)]
    assert all([len(frame) for frame in one] == [100_003, 200_000, 200_000] for one in got)
    numbers = [one[0][:3] for one in got]
    # The rest of the one that leaves has a place of the four.
    assert numbers == sorted(numbers) and numbers[-3:] == [b"197", b"198", b"199"]


def test_FLOW_9_an_inverted_publisher(zmq, make, fresh, transport):
    """INVERT_MATCHING sends to those who have not asked; who is full loses its oldest."""
    pub = make("XPUB", SNDHWM=2, OVERFLOW=DROP_OLDEST, INVERT_MATCHING=1)
    pub.bind(fresh(transport))
    subs = [make("XSUB", RCVHWM=2) for _ in range(3)]
    for sub in subs:
        sub.connect(endpoint(pub))
    subs[0].send(b"\x01x")
    assert pub.recv() == b"\x01x"
    pub.wait_for_peers(3, timeout=15000)
    noise = random.Random(1).randbytes(len(LARGE))  # that cannot be compressed
    for n in range(300):
        pub.send(b"x%03d" % n + noise)
    pub.send(b"y")
    found = pub.statistics().dropped
    assert found.outdated and not found.full
    for sub in subs[1:]:
        got = [sub.recv()[:4]]
        while got[-1] != b"y":
            got.append(sub.recv()[:4])
        assert got[-2] == b"x299" and got == sorted(got)
    assert subs[0].recv() == b"y"


# -- it is told


def test_FLOW_8_what_a_router_has_begun_to_read_stays(zmq, make, fresh):
    """It has given out the id, and nothing of the message itself."""
    router, dealer = make("ROUTER", RCVHWM_BYTES=100), make("DEALER", SNDHWM_BYTES=100, OVERFLOW=DROP_OLDEST, ROUTING_ID=b"d")
    router.bind(fresh("inproc"))
    dealer.connect(endpoint(router))
    dealer.send(b"old" * 100)
    assert router.recv() == b"d" and router.rcvmore
    dealer.send(b"new", zmq.SNDMORE)
    assert router.recv(zmq.DONTWAIT) == b"old" * 100
    dealer.send(b"rest")
    assert dealer.statistics().dropped.full == 1


def test_FLOW_8_what_is_taken_back_under_an_earlier_id(zmq, make, fresh):
    """The peer announced "own", had an id of ours, and has lost that to another: what follows has its own, however much of the rest is left."""
    dealer = make("DEALER", ROUTING_ID=b"own", SNDHWM=3, OVERFLOW=DROP_OLDEST)
    dealer.bind(fresh("inproc"))
    router = make("ROUTER", RCVHWM=3, ROUTER_HANDOVER=1, CONNECT_ROUTING_ID=b"ours")
    router.connect(endpoint(dealer))
    router.bind(fresh("inproc"))
    for n in range(6):
        dealer.send(b"old%d" % n)
    assert router.poll(5000)
    other = make("DEALER", ROUTING_ID=b"ours")
    other.connect(endpoint(router))
    router.poll(0)
    for n in range(4):
        dealer.send(b"new%d" % n)
    assert [router.recv_multipart() for _ in range(6)] == [
        [b"ours", b"old4"], [b"ours", b"old5"], [b"own", b"new0"], [b"own", b"new1"], [b"own", b"new2"], [b"own", b"new3"],
    ]  # fmt: skip


@pytest.mark.parametrize("sent", [1, 5, 6, 7])
def test_FLOW_8_what_is_taken_back_by_a_displaced_peer(zmq, make, fresh, sent):
    """Of its place there is only what it had sent in it; the rest waits until the id is free."""
    router = make("ROUTER", RCVHWM=3, ROUTER_HANDOVER=1)
    router.bind(fresh("inproc"))
    first, second = (make("DEALER", ROUTING_ID=b"twin", SNDHWM=3, OVERFLOW=DROP_OLDEST) for _ in range(2))
    first.connect(endpoint(router))
    for n in range(6):
        first.send(b"old%d" % n)
    assert router.poll(5000)
    second.connect(endpoint(router))
    router.poll(0)
    for n in range(sent):
        first.send(b"new%d" % n)
    for n in range(sent, 6):
        assert router.recv_multipart(zmq.DONTWAIT) == [b"twin", b"old%d" % n]
    assert not router.poll(0)
    with pytest.raises(zmq.Again):
        router.recv(zmq.DONTWAIT)
    second.send(b"other")
    assert router.recv_multipart() == [b"twin", b"other"]
    second.close()
    for n in range(max(0, sent - 6), sent):
        assert router.recv_multipart() == [b"twin", b"new%d" % n]


def test_HWM_16_what_gives_way_counts_for_no_id(zmq, make, fresh):
    """As with the oldest that are dropped: a message has the id of its time, and a displaced peer is not read."""
    dealer = make("DEALER", ROUTING_ID=b"own", CONFLATE=1)
    dealer.bind(fresh("inproc"))
    router = make("ROUTER", ROUTER_HANDOVER=1, CONNECT_ROUTING_ID=b"ours")
    router.connect(endpoint(dealer))
    router.bind(fresh("inproc"))
    for n in range(5):
        dealer.send(b"old%d" % n)
    assert router.recv_multipart() == [b"ours", b"old4"]
    other = make("DEALER", ROUTING_ID=b"ours")
    other.connect(endpoint(router))
    router.poll(0)
    for n in range(3):
        dealer.send(b"new%d" % n)
        assert router.recv_multipart() == [b"own", b"new%d" % n]
    dealer.send(b"unread")
    taker = make("DEALER", ROUTING_ID=b"own")
    taker.connect(endpoint(router))
    assert router.recv_multipart() == [b"own", b"unread"]
    for _ in range(3):
        dealer.send(b"displaced")
    assert not router.poll(0)
    taker.close()
    assert router.recv_multipart() == [b"own", b"displaced"]


@pytest.mark.parametrize("policy", [DROP_NEWEST, DROP_OLDEST, REFUSE])
@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PUB"])
def test_FLOW_10_a_full_queue_is_told_once_until_there_is_room(zmq, make, fresh, kind, policy):
    peers = {"PUSH": "PULL", "DEALER": "DEALER", "PUB": "SUB"}
    sender, reader = make(kind, SNDHWM=2, OVERFLOW=policy), make(peers[kind], RCVHWM=2)
    if kind == "PUB":
        reader.subscribe(b"")
    reader.bind(fresh("inproc"))
    sender.connect(endpoint(reader))
    if kind == "PUB":
        sender.wait_for_subscribers(1, b"", timeout=15000)

    def overrun():
        for _ in range(10):
            try:
                sender.send(b"x")
            except zmq.ZMQError as error:
                assert error.errno == zmq.ENOBUFS

    with sender.watch(zmq.EVENT_QUEUE_FULL) as events:
        for _ in range(2):
            overrun()
            event = events.recv()
            # A publisher that refuses looks for room among all.
            assert (event.name, event.value) == ("QUEUE_FULL", policy)
            assert event.peer_id == 0 if (kind, policy) == ("PUB", REFUSE) else event.peer.queued_out == 4
            assert not events.poll(0)
            for _ in range(4):
                reader.recv()
    overrun()  # nobody watches


def test_FLOW_10_a_router_tells_of_the_peer(zmq, make, fresh):
    router, dealer = make("ROUTER", SNDHWM=1), make("DEALER", RCVHWM=1, ROUTING_ID=b"slow")
    router.bind(fresh("inproc"))
    dealer.connect(endpoint(router))
    router.wait_for_peers(1, timeout=15000)
    with router.watch() as events:
        for _ in range(4):
            router.send_multipart([b"slow", b"x"])
        event = events.recv()
        assert (event.name, event.value, event.peer.routing_id) == ("QUEUE_FULL", DROP_NEWEST, b"slow")


def test_FLOW_10_a_function_is_called(zmq, make, fresh):
    import queue

    told = queue.Queue()
    push = make("PUSH", SNDHWM=1, OVERFLOW=DROP_NEWEST)
    pull = make("PULL", RCVHWM=1)
    pull.bind(fresh("inproc"))
    push.connect(endpoint(pull))
    events = push.watch(zmq.EVENT_QUEUE_FULL)
    thread = events.call(told.put)
    for _ in range(4):
        push.send(b"x")
    assert told.get(timeout=30).name == "QUEUE_FULL"
    push.close()
    thread.join(30)
    assert not thread.is_alive() and told.empty()
