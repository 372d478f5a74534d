"""One publisher and many subscribers, more than its thread writes to at once: order, completeness, full queues."""

import pytest
from awaiting import endpoint
from transports import NETWORKS

MANY = 24


@pytest.fixture(params=NETWORKS)
def crowd(zmq, make, fresh, request):
    """crowd() -> an XPUB and MANY subscribers to everything, all joined. Options: the XPUB's, the subscribers'."""

    def opened(publishing=None, subscribing=None):
        xpub = make("XPUB", XPUB_VERBOSE=1, **(publishing or {}))
        xpub.bind(fresh(request.param))
        subs = []
        for _ in range(MANY):
            sub = make("SUB", SUBSCRIBE=b"", **(subscribing or {}))
            sub.connect(endpoint(xpub))
            assert xpub.recv() == b"\1"
            subs.append(sub)
        return xpub, subs

    return opened


def test_PUB_1_many_each_gets_all_in_order(crowd):
    """Bursts of all lengths: buffers begin small, and are changed for larger ones in the middle of a burst."""
    xpub, subs = crowd()
    for burst in (1, 2, 20, 300):
        sent = [b"%d %d " % (burst, number) + b"x" * (number * 37 % 900) for number in range(burst)]
        for message in sent:
            xpub.send(message)
        for sub in subs:
            assert [sub.recv() for _ in sent] == sent


def test_PUB_1_many_sizes_in_one_burst(crowd):
    """Frames that are copied and frames that are lent, and what lies just below and above each limit."""
    xpub, subs = crowd()
    sizes = (0, 1, 255, 256, 3600, 3660, 3670, 3700, 4000, 8191, 8192, 20000, 50, 70000, 5)
    sent = [[b"%d" % size, bytes([size % 251]) * size] for size in sizes] * 3
    for message in sent:
        xpub.send_multipart(message)
    for sub in subs:
        assert [sub.recv_multipart() for _ in sent] == sent


def test_PUB_1_many_get_a_message_that_nothing_follows(crowd):
    """The publisher never calls again, and waits nowhere."""
    xpub, subs = crowd()
    for number in range(3):
        xpub.send(b"alone %d" % number)
        for sub in subs:
            assert sub.recv() == b"alone %d" % number


def test_PUB_1_many_get_what_is_sent_before_a_wait_elsewhere(zmq, crowd, make, fresh):
    """The publisher does not come back to its socket before the answer is there."""
    xpub, subs = crowd()
    answers = make("PULL")
    answers.bind(fresh("tcp"))
    back = make("PUSH")
    back.connect(endpoint(answers))
    for number in range(30):
        for part in range(3):
            xpub.send(b"%d.%d" % (number, part))
        if number % 2:
            assert not answers.poll(1)
        for sub in subs:
            assert [sub.recv() for _ in range(3)] == [b"%d.%d" % (number, part) for part in range(3)]
        back.send(b"done")
        assert answers.recv() == b"done"


def test_PUB_2_many_full_ones_miss_whole_messages(crowd):
    """Nobody reads: what both queues of a subscriber have room for comes whole and in order."""
    xpub, subs = crowd({"SNDHWM": 10, "SNDBUF": 4096}, {"RCVHWM": 10, "RCVBUF": 4096})
    sent = [[b"%d" % number, b"y" * 3000] for number in range(400)]
    for message in sent:
        xpub.send_multipart(message)
    for sub in subs:
        assert [sub.recv_multipart() for _ in range(20)] == sent[:20]


def test_PUB_1_many_leave_while_output_waits_for_them(crowd):
    """Whoever goes, whatever its place among those that are to be written to, leaves the others what is theirs."""
    xpub, subs = crowd()
    for round_, gone in enumerate((0, -1, 7)):
        for number in range(5):
            xpub.send(b"%d.%d" % (round_, number))
        subs.pop(gone).close()
        for number in range(5, 10):
            xpub.send(b"%d.%d" % (round_, number))
        for sub in subs:
            assert [sub.recv() for _ in range(10)] == [b"%d.%d" % (round_, number) for number in range(10)]
