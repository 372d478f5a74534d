"""PUSH, PULL, PAIR and DEALER: turns, fairness, credit, and pipes that die. On pipes that lead nowhere (pattern_pipes.py)."""


import pytest
from pattern_pipes import AGAIN, DEALER, DROPPED, IN, NOTSUP, OUT, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, SUB, XPUB, XSUB, drain, link, wire
from platforms import errno

from zmqcore import _probe

# ---- PUSH and PULL


def test_push_takes_turns(make):
    push, pulls = make(PUSH), [make(PULL) for _ in range(3)]
    assert push.send(b"nobody") == AGAIN and push.events == 0
    for pull in pulls:
        link(pull, push)
    for i in range(9):
        assert push.send_multipart([b"%d" % i, b"more"]) == 0
    got = [[int(m[0]) for m in drain(pull)] for pull in pulls]
    assert sorted(sum(got, [])) == list(range(9))
    assert all(len({i % 3 for i in numbers}) == 1 and len(numbers) == 3 for numbers in got)
    assert push.recv() == NOTSUP and pulls[0].send(b"x") == NOTSUP


def test_a_full_pipe_leaves_the_rotation_until_credit_returns(make):
    push, slow, fast = make(PUSH), make(PULL), make(PULL)
    link(push, slow, hwm_left=4)
    link(push, fast, hwm_left=1000)
    for i in range(20):
        assert push.send(b"%d" % i) == 0
    assert len(drain(fast)) == 16
    assert slow.recv() == (b"0", False)
    for i in range(4):
        assert push.send(b"-") == 0
    assert len(drain(fast)) == 4  # one read is no lump
    assert slow.recv()[1] is False
    for i in range(4):
        assert push.send(b"+") == 0
    assert len(drain(fast)) == 2
    assert len(drain(slow)) == 4


def test_blocked_until_room(make):
    push, pull = make(PUSH), make(PULL)
    link(push, pull, hwm_left=3)
    for _ in range(3):
        assert push.events == OUT
        assert push.send_multipart([b"a", b"b", b"c"]) == 0
    assert push.events == 0 and push.send(b"x") == AGAIN
    assert pull.recv_multipart() == [b"a", b"b", b"c"]
    assert push.send(b"x") == AGAIN
    assert pull.recv_multipart() == [b"a", b"b", b"c"]
    assert push.events == OUT and push.send(b"x") == 0


def test_a_connection_is_told_of_whole_messages_it_had_no_room_for(make):
    push = make(PUSH)
    w = wire(push, room=1)
    assert push.send(b"1") == 0
    assert not w.queued  # the connection took it
    assert push.send(b"2", True) == 0
    assert not w.queued  # half a message is nothing to fetch
    assert push.send(b"3") == 0
    assert w.queued
    assert w.out() == [[b"1"], [b"2", b"3"]]


def test_parts_of_an_accepted_message_are_never_refused(make):
    push, pull = make(PUSH), make(PULL)
    link(push, pull, hwm_left=1)
    assert push.send_multipart([b"%d" % i for i in range(100)]) == 0
    assert len(pull.recv_multipart()) == 100


@pytest.mark.parametrize("how", ["ended", "forget"])
def test_a_puller_that_dies_inside_a_message(make, how):
    push = make(PUSH)
    dies, lives = wire(push), wire(push)
    assert push.send(b"1", True) == 0
    getattr(dies, how)()
    assert push.events & OUT
    assert push.send(b"2", True) == DROPPED
    assert push.send(b"3", True) == 0
    assert push.send(b"4") == 0
    assert push.send(b"clean") == 0
    assert lives.out() == [[b"clean"]]


def test_a_connection_that_dies_inside_a_message(make):
    push = make(PUSH)
    w = wire(push, local=True)
    assert push.send(b"1", True) == 0
    w.lost()
    assert w.out() == [[b"1", None]]
    assert push.send(b"2") == 0
    assert push.send_multipart([b"waits", b"whole"]) == 0
    w.ready()
    assert w.out() == [[b"waits", b"whole"]]


def test_pull_is_fair(make):
    pull, pushes = make(PULL), [make(PUSH) for _ in range(3)]
    for i, push in enumerate(pushes):
        link(push, pull)
        for _ in range(10 * (i + 1)):
            push.send(b"%d" % i)
    order = [int(m[0]) for m in drain(pull)]
    assert len(order) == 60
    for i in range(0, 30, 3):
        assert sorted(order[i : i + 3]) == [0, 1, 2]
    for i in range(30, 50, 2):
        assert sorted(order[i : i + 2]) == [1, 2]


def test_messages_of_a_dead_pusher_stay_readable(make):
    pull = make(PULL)
    w = wire(pull)
    w.feed(b"1", b"2")
    w.feed(b"3")
    w.ended()
    assert not w.drained
    assert drain(pull) == [[b"1", b"2"], [b"3"]]
    assert w.drained


def test_an_ended_pipe_without_input_is_reported_at_once(make):
    for type in (PULL, PUSH, REQ, REP, DEALER, ROUTER, PUB, XPUB, SUB, XSUB, PAIR):
        w = wire(make(type))
        w.ended()
        assert w.drained, type


def test_the_rest_of_a_message_survives_its_pipe(make):
    for type in (PULL, DEALER, PAIR, XSUB):
        s = make(type)
        w = wire(s)
        w.feed(b"1", b"2", b"3")
        w.feed(b"lost")
        assert s.recv() == (b"1", True)
        w.forget()
        other = wire(s)
        other.feed(b"next")
        assert s.recv() == (b"2", True)
        assert s.events & IN
        assert s.recv() == (b"3", False)
        assert s.recv() == (b"next", False)
        assert s.recv() == AGAIN


def test_control_frames_mean_nothing_to_others(make):
    for type in (PULL, DEALER, PAIR, XSUB):
        s = make(type)
        w = wire(s)
        w.feed(("sub", b"x"))
        assert s.events & IN == 0 and s.recv() == AGAIN
        w.feed(b"a", ("cancel", b"y"), b"b")
        w.feed(("sub", b"x"))
        assert drain(s) == [[b"a", b"b"]]
    push = make(PUSH)
    w = wire(push)
    w.feed(("sub", b"x"))
    w.feed(b"message")
    w.ended()
    assert w.drained


def test_a_stalled_connection_goes_on_when_the_reader_finds_nothing(make):
    pull = make(PULL)
    w = wire(pull, hwm_in=10)
    w.stall()
    assert pull.recv() == AGAIN
    assert w.resumed


def test_a_lowered_mark_does_not_block_an_empty_ring_for_ever(make):
    ring = _probe.ring_Queue(1000)
    for _ in range(400):
        ring.push(b"x")
    for _ in range(400):
        ring.pop()
    ring.set_hwm(2)
    assert ring.full
    ring.settle()
    assert not ring.full


def test_the_writer_of_an_emptied_pipe_is_woken(make):
    push, pull = make(PUSH), make(PULL)
    joined = link(push, pull, hwm_left=1000)
    for _ in range(400):
        assert push.send(b"x") == 0
    joined.set_hwm_left(2)
    assert push.events == 0 and push.send(b"x") == AGAIN
    assert len(drain(pull)) == 400
    assert push.events == OUT and push.send(b"x") == 0


def test_conflate(make):
    push, pull = make(PUSH), make(PULL)
    link(push, pull, hwm_left=1, conflate=True)
    for i in range(20):
        assert push.send_multipart([b"%d" % i, b"part"]) == 0
    assert drain(pull) == [[b"19", b"part"]]
    assert push.send(b"again") == 0 and pull.events == IN
    assert drain(pull) == [[b"again"]]
    far = wire(push, connected=False, conflate=True, local=True)
    for i in range(4):
        assert push.send(b"%d" % i) == 0
    assert far.out() == [[b"3"]] or far.out() == []


# ---- PAIR


def test_pair_has_one_peer(make):
    a, b, c = make(PAIR), make(PAIR), make(PAIR)
    assert a.send(b"x") == AGAIN
    ab = link(a, b)
    assert _probe.pattern_Link(c, a).attached == -errno.EEXIST
    assert a.send_multipart([b"1", b"2"]) == 0 and b.recv_multipart() == [b"1", b"2"]
    assert b.send(b"back") == 0 and a.recv() == (b"back", False)
    assert b.send(b"last words") == 0
    ab.forget(b)
    assert a.events == IN and a.send(b"x") == AGAIN
    link(c, a)
    assert c.send(b"new") == 0
    assert sorted(drain(a)) == [[b"last words"], [b"new"]]


# ---- DEALER


def test_dealer_turns_out_and_fair_in(make):
    dealer, peers = make(DEALER), [make(DEALER) for _ in range(3)]
    for peer in peers:
        link(peer, dealer)
    for i in range(6):
        assert dealer.send(b"%d" % i) == 0
    assert sorted(len(drain(peer)) for peer in peers) == [2, 2, 2]
    for peer in peers:
        for _ in range(2):
            peer.send(b"x")
    seen = []
    for _ in range(6):
        assert dealer.recv() == (b"x", False)
        seen.append(dealer.last)
    assert len(set(seen[:3])) == 3 and seen[:3] == seen[3:]


def test_greetings_come_first(make):
    dealer = make(DEALER, hello_msg=b"hello", probe_router=True)
    w = wire(dealer, connected=False, local=True)
    assert dealer.send(b"early") == 0
    w.ready()
    assert w.out() == [[b"hello"], [b""], [b"early"]]
    w.lost()
    assert dealer.send(b"waits") == 0
    w.ready()
    assert w.out() == [[b"hello"], [b""], [b"waits"]]


def test_hiccup(make):
    dealer = make(DEALER, hiccup_msg=b"hiccup")
    mine, theirs = wire(dealer, local=True), wire(dealer)
    mine.feed(b"1")
    mine.lost()
    theirs.ended()
    assert drain(dealer) == [[b"1"], [b"hiccup"]]
    mine.lost()  # there was no connection
    assert drain(dealer) == []
