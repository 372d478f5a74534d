"""The routing rules of every socket type, on pipes that lead nowhere: pattern_Link joins two patterns, pattern_Wire ends in the test."""

import errno

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zmqcore import _probe

PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB = range(11)
IN, OUT = 1, 2
EFSM = -156384763
AGAIN = -errno.EAGAIN
NOTSUP = -errno.ENOTSUP
DROPPED = 1


@pytest.fixture
def make():
    made = []

    def make(type, **options):
        socket = _probe.pattern_Socket(type)
        for name, value in options.items():
            socket.set(name, value)
        made.append(socket)
        return socket

    yield make
    for socket in made:
        socket.close()


def link(left, right, **more):
    joined = _probe.pattern_Link(left, right, **more)
    assert joined.attached == 0
    return joined


def wire(socket, **more):
    joined = _probe.pattern_Wire(socket, **more)
    assert joined.attached == 0
    return joined


def drain(socket):
    """All messages that can be received."""
    messages = []
    while True:
        message = socket.recv_multipart()
        if isinstance(message, int):
            assert message == AGAIN
            return messages
        messages.append(message)


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


# ---- REQ


def test_req_alternates(make):
    req, rep = make(REQ), make(REP)
    link(req, rep)
    assert req.events == OUT and rep.events == 0
    assert req.recv() == EFSM and rep.send(b"x") == EFSM and rep.recv() == AGAIN
    assert req.send_multipart([b"q", b"uestion"]) == 0
    assert req.send(b"x") == EFSM and req.events == 0 and rep.events == IN
    assert req.recv() == AGAIN
    assert rep.recv_multipart() == [b"q", b"uestion"]
    assert rep.recv() == EFSM and rep.events == OUT
    assert rep.send_multipart([b"an", b"swer"]) == 0
    assert rep.send(b"x") == EFSM and rep.events == 0
    assert req.events == IN
    assert req.recv_multipart() == [b"an", b"swer"]
    assert req.recv() == EFSM and req.events == OUT


def test_req_takes_turns_and_blocks_without_peers(make):
    req, reps = make(REQ), [make(REP) for _ in range(3)]
    assert req.send(b"x") == AGAIN and req.events == 0
    for rep in reps:
        link(req, rep)
    turns = []
    for _ in range(6):
        assert req.send(b"q") == 0
        (rep,) = [rep for rep in reps if rep.events & IN]
        turns.append(rep)
        assert rep.recv() == (b"q", False) and rep.send(b"a") == 0
        assert req.recv() == (b"a", False)
    assert set(turns[:3]) == set(reps) and turns[:3] == turns[3:]


def test_req_on_the_wire(make):
    req = make(REQ)
    w = wire(req)
    assert req.send_multipart([b"a", b"b"]) == 0
    assert w.out() == [[b"", b"a", b"b"]]
    w.feed(b"", b"reply")
    assert req.recv() == (b"reply", False) and req.last is w
    req.set("req_correlate", True)
    assert req.send(b"c") == 0
    ((id, empty, body),) = w.out()
    assert len(id) == 4 and (empty, body) == (b"", b"c")
    w.feed(b"\0\0\0\0", b"", b"wrong id")
    w.feed(b"", b"no id")
    assert req.recv() == AGAIN and req.events == 0
    w.feed(id, b"", b"right")
    w.feed(id, b"", b"twice")
    assert req.recv() == (b"right", False)
    assert req.send(b"d") == 0
    assert req.recv() == AGAIN and req.closing == []
    ((id2, _, _),) = w.out()
    assert id2 != id


@pytest.mark.parametrize("reply", [[b"no delimiter"], [b"", b""][:1], [b"1234", b"body"], [b"x", b"", b"y"], [b"1234", b"5678", b"", b"y"]])
def test_req_drops_a_connection_without_envelope(make, reply):
    req = make(REQ)
    w = wire(req)
    assert req.send(b"q") == 0
    w.feed(*reply)
    assert req.events == 0 and req.recv() == AGAIN
    assert w in req.closing


def test_req_drops_it_also_when_no_reply_is_due(make):
    req = make(REQ)
    w, other = wire(req), wire(req)
    w.feed(b"bad")
    assert req.closing == [w]
    other.feed(b"", b"fine but not asked for")
    assert req.closing == [w]
    assert req.send(b"q") == 0


def test_req_skips_a_bad_envelope_of_an_inproc_peer(make):
    req, dealer = make(REQ), make(DEALER)
    link(req, dealer)
    assert req.send(b"q") == 0
    for message in ([b"bad"], [b"bad", b"", b"x"], [b""], [b"", b"good"]):
        assert dealer.send_multipart(message) == 0
    assert req.recv() == (b"good", False)
    assert req.closing == []


def test_req_listens_only_to_the_peer_it_asked(make):
    req, one, two = make(REQ), make(DEALER), make(DEALER)
    link(req, one)
    link(req, two)
    assert req.send(b"q") == 0
    asked, other = (one, two) if one.events & IN else (two, one)
    other.send_multipart([b"", b"not asked"])
    assert req.events == 0 and req.recv() == AGAIN
    asked.send_multipart([b"", b"asked"])
    asked.send_multipart([b"", b"stale"])
    assert req.recv() == (b"asked", False)
    assert req.send(b"q2") == 0 and req.recv() == AGAIN
    other.send_multipart([b"", b"asked now"])
    assert req.recv() == (b"asked now", False)
    # Back to the first: what it sent too much is gone.
    assert req.send(b"q3") == 0 and req.recv() == AGAIN


def test_req_relaxed(make):
    req = make(REQ, req_relaxed=True, req_correlate=True)
    one, two = wire(req), wire(req)
    assert req.send(b"1") == 0
    assert req.events == OUT
    assert req.send(b"2") == 0
    sent = {w: w.out() for w in (one, two)}
    assert sorted(m[2] for messages in sent.values() for m in messages) == [b"1", b"2"]
    assert all(len(messages) == 1 for messages in sent.values())
    for w, ((id, _, body),) in sent.items():
        w.feed(id, b"", b"to " + body)
    assert req.recv() == (b"to 2", False)
    assert req.recv() == EFSM
    # Both stay in the rotation.
    for _ in range(4):
        assert req.send(b"again") == 0
    assert len(one.out()) == len(two.out()) == 2
    assert req.closing == []


def test_req_relaxed_requests_pile_up_and_the_last_is_answered(make):
    req = make(REQ, req_relaxed=True, req_correlate=True)
    w = wire(req, connected=False, local=True)
    for i in range(3):
        assert req.send(b"%d" % i) == 0
    w.ready()
    requests = w.out()
    assert [m[2] for m in requests] == [b"0", b"1", b"2"]
    for id, _, body in requests:
        w.feed(id, b"", b"to " + body)
    assert req.recv() == (b"to 2", False)
    assert req.recv() == EFSM


def test_req_whose_peer_dies(make):
    req = make(REQ)
    w = wire(req)
    assert req.send(b"q") == 0
    w.feed(b"", b"in time", b"more")
    w.ended()
    assert not w.drained
    assert req.recv_multipart() == [b"in time", b"more"]
    assert w.drained
    w2 = wire(req)
    assert req.send(b"q") == 0
    w2.ended()
    assert w2.drained
    w2.forget()
    assert req.recv() == AGAIN and req.events == 0 and req.send(b"x") == EFSM
    req.set("req_relaxed", True)
    wire(req)
    assert req.send(b"x") == 0


def test_req_refused_in_the_beginning_changes_nothing(make):
    req = make(REQ, req_correlate=True)
    w = wire(req, hwm=1, room=0)
    assert req.send(b"1") == 0
    ((id, _, _),) = w.out()
    w.feed(id, b"", b"a")
    assert req.recv() == (b"a", False)
    w2 = wire(req, hwm=1, room=0)
    assert req.send(b"2") == 0
    assert req.recv() == AGAIN
    for each in (w, w2):
        for id, _, _ in each.out():
            each.feed(id, b"", b"b")
    assert req.recv() == (b"b", False)


# ---- REP


def test_rep_keeps_envelopes_of_any_depth(make):
    rep = make(REP)
    w = wire(rep)
    w.feed(b"hop1", b"hop2", b"hop3", b"", b"question", b"more")
    assert rep.recv_multipart() == [b"question", b"more"]
    assert rep.send_multipart([b"answer", b"", b"more"]) == 0
    assert w.out() == [[b"hop1", b"hop2", b"hop3", b"", b"answer", b"", b"more"]]


def test_rep_drops_malformed_requests(make):
    rep = make(REP)
    w = wire(rep)
    w.feed(b"no delimiter")
    w.feed(b"a", b"b", b"c")
    w.feed(b"a", b"")
    w.feed(b"")
    assert rep.events == 0
    w.feed(b"", b"good")
    assert rep.events == IN and rep.recv() == (b"good", False)
    assert rep.send(b"r") == 0
    assert w.out() == [[b"", b"r"]]


def test_rep_does_not_stay_with_a_flood_of_malformed_requests(make):
    rep = make(REP)
    w = wire(rep)
    for _ in range(2500):
        w.feed(b"bad")
    w.feed(b"", b"good")
    assert rep.recv() == AGAIN and rep.unfinished
    assert rep.events == 0 and rep.unfinished
    assert rep.recv() == (b"good", False) and not rep.unfinished


def test_rep_is_fair(make):
    rep, reqs = make(REP), [make(REQ) for _ in range(3)]
    for req in reqs:
        link(req, rep)
    for _ in range(3):
        for i, req in enumerate(reqs):
            assert req.send(b"%d" % i) == 0
        seen = set()
        for _ in reqs:
            name = rep.recv()[0]
            assert rep.send(b"to " + name) == 0
            seen.add(name)
        assert len(seen) == 3
        for i, req in enumerate(reqs):
            assert req.recv() == (b"to %d" % i, False)


@pytest.mark.parametrize("how", ["ended", "forget", "lost"])
@pytest.mark.parametrize("when", ["before", "inside"])
def test_rep_whose_requester_dies(make, how, when):
    rep = make(REP)
    w = wire(rep, local=True)
    w.feed(b"", b"q")
    assert rep.recv() == (b"q", False)
    if when == "inside":
        assert rep.send(b"1", True) == 0
    getattr(w, how)()
    w.out()
    assert rep.send_multipart([b"2", b"3"]) == 0
    if how == "lost":
        w.ready()
        assert w.out() == []
        w.feed(b"", b"q2")
        assert rep.recv() == (b"q2", False)
        assert rep.send(b"r2") == 0
        assert w.out() == [[b"", b"r2"]]
    else:
        assert rep.events == 0
        other = wire(rep)
        other.feed(b"", b"q2")
        assert rep.recv() == (b"q2", False) and rep.send(b"r2") == 0
        assert other.out() == [[b"", b"r2"]]


def test_rep_drops_a_reply_that_finds_no_room(make):
    rep, dealer = make(REP), make(DEALER)
    link(dealer, rep, hwm_right=1)
    for i in range(3):
        dealer.send_multipart([b"", b"%d" % i])
        assert rep.recv() == (b"%d" % i, False)
        assert rep.send_multipart([b"reply", b"%d" % i]) == 0
    assert drain(dealer) == [[b"", b"reply", b"0"]]


# ---- ROUTER


def test_router_names_its_peers(make):
    router, named, nameless = make(ROUTER), make(DEALER), make(DEALER)
    link(named, router, id_left=b"bob")
    joined = link(nameless, router)
    named.send_multipart([b"1", b"2"])
    assert router.recv_multipart() == [b"bob", b"1", b"2"]
    nameless.send(b"3")
    id, body = router.recv_multipart()
    assert len(id) == 5 and id[0] == 0 and body == b"3"
    assert router.last is joined
    assert router.send_multipart([id, b"to you"]) == 0
    assert router.send_multipart([b"bob", b"to", b"bob"]) == 0
    assert drain(nameless) == [[b"to you"]] and drain(named) == [[b"to", b"bob"]]


def test_router_unknown_and_full(make):
    router, dealer = make(ROUTER), make(DEALER)
    assert router.events == OUT
    assert router.send_multipart([b"nobody", b"x", b"y"]) == 0
    assert router.send(b"only an id") == 0
    joined = link(dealer, router, id_left=b"d", hwm_right=2)
    for _ in range(3):
        assert router.send_multipart([b"d", b"x"]) == 0
    assert len(drain(dealer)) == 2
    router.set("router_mandatory", True)
    assert router.send(b"nobody", True) == -errno.EHOSTUNREACH
    assert router.peer_state(b"d") == OUT and router.peer_state(b"e") == -errno.EHOSTUNREACH
    for _ in range(2):
        assert router.events == OUT
        assert router.send_multipart([b"d", b"x"]) == 0
    assert router.events == 0 and router.send(b"d", True) == AGAIN and router.peer_state(b"d") == 0
    assert dealer.recv() == (b"x", False)
    assert router.events == OUT
    assert router.send_multipart([b"d", b"y"]) == 0
    joined.forget(dealer)
    assert router.send(b"d", True) == -errno.EHOSTUNREACH and router.events == 0


def test_router_ids_of_reconnections(make):
    router = make(ROUTER)
    w = wire(router, local=True)
    w.feed(b"old 1", b"part")
    w.feed(b"old 2")
    w.lost()
    router.set("router_mandatory", True)
    w.ready()
    w.feed(b"new")
    messages = drain(router)
    assert [m[1] for m in messages] == [b"old 1", b"old 2", b"new"]
    assert messages[0][0] == messages[1][0] != messages[2][0]
    assert router.send(messages[0][0], True) == -errno.EHOSTUNREACH
    assert router.send_multipart([messages[2][0], b"hi"]) == 0
    assert w.out() == [[b"hi"]]
    # Twice without reading, and in the middle of a message.
    w.feed(b"a")
    w.feed(b"b1", b"b2")
    assert router.recv()[0] == messages[2][0] and router.recv() == (b"a", False)
    assert router.recv()[0] == messages[2][0] and router.recv() == (b"b1", True)
    w.lost()
    w.ready()
    w.feed(b"c")
    w.lost()
    w.ready(b"named")
    w.feed(b"d")
    assert router.recv() == (b"b2", False)
    (id_c, c), (id_d, d) = drain(router)
    assert (c, id_d, d) == (b"c", b"named", b"d") and id_c not in (messages[0][0], messages[2][0])


def test_a_second_peer_with_the_same_id_waits(make):
    router, one, two = make(ROUTER, router_mandatory=True), make(DEALER), make(DEALER)
    first = link(one, router, id_left=b"same")
    link(two, router, id_left=b"same")
    two.send(b"from two")
    one.send(b"from one")
    assert drain(router) == [[b"same", b"from one"]]
    assert router.send_multipart([b"same", b"x"]) == 0
    assert drain(one) == [[b"x"]] and drain(two) == []
    assert router.closing == []
    first.forget(one)
    assert drain(router) == [[b"same", b"from two"]]
    assert router.send_multipart([b"same", b"y"]) == 0 and drain(two) == [[b"y"]]


def test_a_waiting_peer_may_go_again(make):
    router = make(ROUTER)
    first, second, third = (wire(router, peer_id=b"same") for _ in range(3))
    second.feed(b"never read")
    second.ended()
    assert second.drained
    second.forget()
    first.ended()
    third.feed(b"3")
    assert drain(router) == [[b"same", b"3"]]


def test_handover(make):
    router = make(ROUTER, router_handover=True)
    old = wire(router, peer_id=b"id")
    old.feed(b"from old")
    new = wire(router, peer_id=b"id")
    assert router.closing == [old]
    assert router.send_multipart([b"id", b"x"]) == 0
    assert new.out() == [[b"x"]] and old.out() == []
    new.feed(b"from new")
    assert drain(router) == [[b"id", b"from old"], [b"id", b"from new"]]
    old.ended()
    old.forget()
    assert router.send_multipart([b"id", b"y"]) == 0 and new.out() == [[b"y"]]


def test_connect_routing_id(make):
    router, other = make(ROUTER, router_mandatory=True), make(ROUTER)
    assert router.connect_routing_id(b"") == -errno.EINVAL
    assert router.connect_routing_id(b"x" * 256) == -errno.EINVAL
    assert router.connect_routing_id(b"x" * 255) == 0
    assert router.connect_routing_id(b"mine") == 0
    link(router, other, id_left=b"me", id_right=b"ignored")
    assert router.connect_routing_id(b"mine") == -errno.EINVAL
    assert router.send_multipart([b"mine", b"hi"]) == 0
    assert other.recv_multipart() == [b"me", b"hi"]
    assert other.send_multipart([b"me", b"back"]) == 0
    assert router.recv_multipart() == [b"mine", b"back"]
    # one shot
    link(router, make(ROUTER), id_right=b"its own")
    assert router.send_multipart([b"its own", b"hi"]) == 0
    # A network connection may be written to before it is up, and keeps the id.
    assert router.connect_routing_id(b"far") == 0
    w = wire(router, connected=False, local=True)
    assert router.send_multipart([b"far", b"early"]) == 0
    w.ready(b"announced")
    assert w.out() == [[b"early"]]
    w.lost()
    assert router.send_multipart([b"far", b"again"]) == 0
    w.ready()
    assert w.out() == [[b"again"]]
    assert make(DEALER).connect_routing_id(b"x") == -errno.EINVAL


def test_a_duplicate_connect_routing_id_does_no_harm(make):
    router = make(ROUTER)
    assert router.connect_routing_id(b"dup") == 0
    wire(router, peer_id=b"dup")
    w = _probe.pattern_Wire(router, connected=False, local=True)
    assert w.attached == -errno.EEXIST


def test_probe_and_notices(make):
    router = make(ROUTER, router_notify=3, disconnect_msg=b"bye")
    w = wire(router, peer_id=b"p")
    w.feed(b"")
    w.feed(b"1")
    w.ended()
    assert drain(router) == [[b"p", b""], [b"p", b""], [b"p", b"1"], [b"p", b"bye"], [b"p", b""]]
    quiet = wire(router, connected=False, local=True)
    quiet.ended()
    assert drain(router) == []
    probing = make(ROUTER, probe_router=True)
    dealer_side = make(ROUTER)
    link(probing, dealer_side, id_left=b"prober")
    assert drain(dealer_side) == [[b"prober", b""]]


def test_disconnect_msg_of_an_inproc_peer(make):
    router, dealer = make(ROUTER, disconnect_msg=b"bye"), make(DEALER)
    joined = link(dealer, router, id_left=b"d")
    dealer.send(b"whole")
    dealer.send(b"unfinished", True)
    joined.forget(dealer)
    assert drain(router) == [[b"d", b"whole"], [b"d", b"bye"]]


def test_router_peer_dies_inside_a_message(make):
    router = make(ROUTER)
    w = wire(router, peer_id=b"p")
    assert router.send(b"p", True) == 0 and router.send(b"1", True) == 0
    w.forget()
    assert router.send(b"2", True) == 0 and router.send(b"3") == 0
    w = wire(router, peer_id=b"p")
    w.feed(b"1", b"2")
    assert router.recv() == (b"p", True)
    w.forget()
    assert router.recv() == (b"1", True) and router.recv() == (b"2", False)
    assert router.send_multipart([b"p", b"gone"]) == 0


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=3)), max_size=60))
def test_routing_table_like_a_dict(steps):
    router = _probe.pattern_Socket(ROUTER)
    router.set("router_mandatory", True)
    peers = {}
    try:
        for come, id in steps:
            if come and id not in peers:
                peers[id] = wire(router, peer_id=id)
            elif not come and id in peers:
                peers.pop(id).forget()
            for _, other in steps[:20]:
                rc = router.send_multipart([other, other])
                assert rc == (0 if other in peers else -errno.EHOSTUNREACH)
        for id, peer in peers.items():
            assert all(message == [id] for message in peer.out())
    finally:
        router.close()


# ---- PUB and SUB


def test_pub_sub(make):
    pub, sub = make(PUB), make(SUB)
    link(sub, pub)
    assert pub.recv() == NOTSUP and sub.send(b"x") == NOTSUP
    assert pub.events == OUT and pub.send(b"nobody") == 0 and drain(sub) == []
    assert sub.subscribe(b"a") == 0 and sub.subscribe(b"ab") == 0
    assert pub.topics == 2 and sub.topics == 2
    for message in ([b"a"], [b"abc", b"body"], [b"b", b"a"], [b""]):
        assert pub.send_multipart(message) == 0
    assert sub.events == IN
    assert drain(sub) == [[b"a"], [b"abc", b"body"]]
    assert sub.unsubscribe(b"a") == 0 and sub.unsubscribe(b"unknown") == 0
    pub.send(b"a1")
    pub.send(b"ab1")
    assert drain(sub) == [[b"ab1"]]
    assert pub.subscribe(b"x") == -errno.EINVAL
    sub.subscribe(b"")
    pub.send(b"")
    pub.send(b"zz")
    assert drain(sub) == [[b""], [b"zz"]]


def test_subscriptions_are_counted_here_and_sets_there(make):
    sub = make(SUB)
    w = wire(sub)
    for _ in range(3):
        sub.subscribe(b"t")
    assert w.out() == [("sub", b"t")] * 3
    sub.unsubscribe(b"t")
    sub.unsubscribe(b"t")
    assert w.out() == []
    w.feed(b"topic")
    assert sub.recv() == (b"topic", False)
    sub.unsubscribe(b"t")
    assert w.out() == [("cancel", b"t")]
    w.feed(b"topic")
    assert sub.recv() == AGAIN


def test_subscriptions_are_sent_again_at_every_connection(make):
    for type in (SUB, XSUB):
        sub = make(type)
        w = wire(sub, connected=False, local=True)
        for i in range(2000):
            if type == SUB:
                sub.subscribe(b"%d" % i)
            else:
                sub.send(b"\1%d" % i)
        assert w.out() == []
        for _ in range(2):
            w.ready()
            assert sorted(w.out()) == sorted(("sub", b"%d" % i) for i in range(2000))
            w.lost()


def test_subscriptions_are_not_subject_to_a_mark(make):
    pub, sub = make(XPUB), make(SUB)
    link(sub, pub, hwm_left=2, hwm_right=2)
    for i in range(100):
        sub.subscribe(b"%d" % i)
    assert pub.topics == 100 and len(drain(pub)) == 100


def test_filtering_does_not_go_on_for_ever(make):
    sub = make(SUB)
    w = wire(sub)
    sub.subscribe(b"yes")
    for _ in range(2500):
        w.feed(b"no", b"body")
    w.feed(b"yes")
    assert sub.recv() == AGAIN and sub.unfinished
    assert sub.events == 0 and sub.unfinished
    assert sub.events == IN and not sub.unfinished
    assert sub.recv() == (b"yes", False)
    assert sub.recv() == AGAIN and not sub.unfinished


def test_xsub_sees_everything(make):
    xsub = make(XSUB)
    w = wire(xsub)
    w.feed(b"unasked", b"for")
    assert xsub.events == IN | OUT
    assert xsub.recv_multipart() == [b"unasked", b"for"]


def test_a_full_subscriber_misses_whole_messages(make):
    pub, slow, fast = make(PUB), make(SUB), make(SUB)
    link(pub, slow, hwm_left=2)
    link(pub, fast)
    for sub in (slow, fast):
        sub.subscribe(b"")
    for i in range(5):
        assert pub.send_multipart([b"%d" % i, b"a", b"b"]) == 0
    assert [m[0] for m in drain(fast)] == [b"0", b"1", b"2", b"3", b"4"]
    # Room comes back in the middle of a message: that one is missed, too.
    pub.send(b"5", True)
    assert slow.recv_multipart() == [b"0", b"a", b"b"]
    pub.send(b"rest")
    pub.send(b"6")
    assert [m[0] for m in drain(slow)] == [b"1", b"6"]
    assert [m[0] for m in drain(fast)] == [b"5", b"6"]


def test_nodrop(make):
    pub, one, two = make(XPUB, xpub_nodrop=True), make(SUB), make(SUB)
    link(pub, one, hwm_left=2)
    link(pub, two)
    one.subscribe(b"a")
    two.subscribe(b"")
    assert pub.send(b"a1") == 0 and pub.send_multipart([b"a2", b"more"]) == 0
    assert pub.events & OUT
    assert pub.send(b"a3") == AGAIN
    assert pub.events & OUT == 0
    assert pub.send(b"b") == 0
    assert drain(two) == [[b"a1"], [b"a2", b"more"], [b"b"]]
    assert one.recv() == (b"a1", False)
    assert pub.events & OUT
    assert pub.send(b"a3") == 0
    assert drain(one) == [[b"a2", b"more"], [b"a3"]]
    assert drain(two) == [[b"a3"]]


def test_nodrop_is_unblocked_when_the_full_subscriber_goes(make):
    pub, one = make(PUB, xpub_nodrop=True), make(SUB)
    joined = link(pub, one, hwm_left=1)
    one.subscribe(b"")
    assert pub.send(b"1") == 0 and pub.send(b"2") == AGAIN and pub.events == 0
    joined.forget(one)
    assert pub.events == OUT and pub.send(b"2") == 0


def test_invert_matching(make):
    pub, sub = make(PUB, invert_matching=True), make(SUB, invert_matching=True)
    everything = make(SUB, invert_matching=True)
    link(sub, pub)
    link(everything, pub)
    sub.subscribe(b"no")
    for name in (b"no", b"not", b"yes"):
        pub.send(name)
    assert drain(sub) == [[b"yes"]]
    assert drain(everything) == [[b"no"], [b"not"], [b"yes"]]


def test_a_legacy_peer_gets_everything(make):
    xpub = make(XPUB)
    w = wire(xpub, legacy=True)
    xpub.send(b"anything")
    assert w.out() == [[b"anything"]]
    assert drain(xpub) == [[b"\1"]]


def test_both_forms_of_a_subscription(make):
    for type in (PUB, XPUB):
        pub = make(type)
        w = wire(pub)
        w.feed(("sub", b"A"))
        w.feed(b"\1B")
        for name in (b"A", b"B", b"C"):
            pub.send(name)
        assert w.out() == [[b"A"], [b"B"]]
        w.feed(b"\0A")
        w.feed(("cancel", b"B"))
        for name in (b"A", b"B", b"C"):
            pub.send(name)
        assert w.out() == []
        if type == XPUB:
            assert drain(pub) == [[b"\1A"], [b"\1B"], [b"\0A"], [b"\0B"]]


@pytest.mark.parametrize("size", [0, 1, 245, 246, 255, 5000])
def test_topics_are_reported_exactly(make, size):
    xpub, xsub = make(XPUB), make(XSUB)
    link(xsub, xpub)
    xsub.send(b"\1" + b"t" * size)
    assert xpub.recv() == (b"\1" + b"t" * size, False)
    xpub.send(b"t" * size)
    assert xsub.recv() == (b"t" * size, False)
    xsub.send(b"\0" + b"t" * size)
    assert xpub.recv() == (b"\0" + b"t" * size, False)


def reports(xpub):
    return [m[0] for m in drain(xpub)]


@pytest.mark.parametrize(
    ("verbose", "verboser", "expected"),
    [
        (False, False, [b"\1t", b"\0t"]),
        (True, False, [b"\1t", b"\1t", b"\1t", b"\0t"]),
        (True, True, [b"\1t", b"\1t", b"\1t", b"\0t", b"\0t"]),
    ],
)
def test_verbose(make, verbose, verboser, expected):
    xpub = make(XPUB, xpub_verbose=verbose, xpub_verboser=verboser)
    one, two = wire(xpub), wire(xpub)
    one.feed(("sub", b"t"))
    one.feed(("sub", b"t"))
    two.feed(("sub", b"t"))
    one.feed(("cancel", b"t"))
    two.feed(("cancel", b"t"))
    assert reports(xpub) == expected
    # A cancellation of what nobody holds is reported like a real one.
    one.feed(("cancel", b"never"))
    assert reports(xpub) == [b"\0never"]


@pytest.mark.parametrize(("verboser", "expected"), [(False, [b"\0mine"]), (True, [b"\0mine", b"\0t"])])
@pytest.mark.parametrize("how", ["lost", "ended", "forget"])
def test_a_lost_peer_is_an_unsubscription(make, verboser, expected, how):
    xpub = make(XPUB, xpub_verboser=verboser)
    one, two = wire(xpub, local=True), wire(xpub)
    one.feed(("sub", b"t"))
    two.feed(("sub", b"t"))
    one.feed(("sub", b"mine"))
    drain(xpub)
    getattr(one, how)()
    assert sorted(reports(xpub)) == sorted(expected)
    assert xpub.topics == 1
    two.forget()
    assert reports(xpub) == [b"\0t"] and xpub.topics == 0


def test_upstream_messages(make):
    xpub, pub, xsub = make(XPUB), make(PUB), make(XSUB)
    link(xsub, xpub)
    link(xsub, pub)
    xsub.send_multipart([b"user", b"data", b""])
    xsub.send(b"")
    assert drain(xpub) == [[b"user", b"data", b""], [b""]]
    assert pub.topics == 0


def test_every_frame_may_be_a_subscription(make):
    xpub, xsub = make(XPUB), make(XSUB)
    link(xsub, xpub)
    xsub.send_multipart([b"user", b"\1B", b"data", b"\1C"])
    assert drain(xpub) == [[b"user", b"data"], [b"\1B"], [b"\1C"]]
    assert xpub.topics == 2 and xsub.topics == 2
    xsub.send_multipart([b"user", b"\0B"])
    assert drain(xpub) == [[b"user"], [b"\0B"]]
    assert xpub.topics == 1 and xsub.topics == 1


def test_only_the_first_frame_may_be_a_subscription(make):
    xpub, xsub = make(XPUB, only_first_subscribe=True), make(XSUB, only_first_subscribe=True)
    link(xsub, xpub)
    xsub.send_multipart([b"user", b"\1B", b"\0C"])
    assert drain(xpub) == [[b"user", b"\1B", b"\0C"]]
    assert xpub.topics == 0 and xsub.topics == 0
    xsub.send_multipart([b"\1A", b"\1B", b"user"])
    assert drain(xpub) == [[b"\1A"], [b"\1B"], [b"user"]]
    assert xpub.topics == 2


def test_interleaved_multipart_messages_of_several_peers(make):
    xpub, one, two = make(XPUB), make(XSUB), make(XSUB)
    link(one, xpub)
    link(two, xpub)
    one.send(b"1a", True)
    two.send(b"2a", True)
    one.send(b"\1t", True)
    two.send(b"2b")
    assert drain(xpub) == [[b"2a", b"2b"]]
    one.send(b"1b")
    assert drain(xpub) == [[b"1a", b"1b"], [b"\1t"]]


def test_xsub_unsubscribing_inside_a_message_keeps_a_counted_topic(make):
    xpub, xsub = make(XPUB), make(XSUB)
    link(xsub, xpub)
    xsub.send(b"\1t")
    xsub.send(b"\1t")
    xsub.send_multipart([b"user", b"\0t"])
    assert drain(xpub)[:2] == [[b"\1t"], [b"user"]]
    xpub.send(b"topic")
    assert drain(xsub) == [[b"topic"]]
    xsub.send_multipart([b"user", b"\0t"])
    xpub.send(b"topic")
    assert drain(xsub) == [] and xpub.topics == 0


def test_xsub_counts_and_verbose_unsubscribe(make):
    xsub = make(XSUB)
    w = wire(xsub)
    for _ in range(2):
        xsub.send(b"\1t")
    xsub.send(b"\0t")
    xsub.send(b"\0unknown")
    assert w.out() == [("sub", b"t"), ("sub", b"t")]
    xsub.send(b"\0t")
    assert w.out() == [("cancel", b"t")]
    xsub.set("xsub_verbose_unsubscribe", True)
    for _ in range(2):
        xsub.send(b"\1t")
    for _ in range(2):
        xsub.send(b"\0t")
    assert w.out() == [("sub", b"t"), ("sub", b"t"), ("cancel", b"t"), ("cancel", b"t")]


def test_xsub_never_blocks(make):
    xsub, xpub = make(XSUB), make(XPUB)
    link(xsub, xpub, hwm_left=2)
    # Nobody has looked at the other end yet, so nothing has been read.
    for i in range(10):
        assert xsub.events & OUT and xsub.send_multipart([b"%d" % i, b"x"]) == 0
    assert [m[0] for m in drain(xpub)] == [b"0", b"1"]


def test_manual(make):
    xpub = make(XPUB, xpub_manual=True)
    one, two = wire(xpub), wire(xpub)
    one.feed(("sub", b"A"))
    one.feed(("sub", b"A"))
    two.feed(("sub", b"B"))
    assert xpub.subscribe(b"nobody asked yet") == 0
    xpub.send(b"A")
    assert one.out() == []
    assert xpub.recv() == (b"\1A", False)
    assert xpub.subscribe(b"XA") == 0
    assert xpub.recv() == (b"\1A", False)
    assert xpub.recv() == (b"\1B", False)
    assert xpub.subscribe(b"XB") == 0
    for name in (b"A", b"B", b"XA", b"XB"):
        xpub.send(name)
    assert one.out() == [[b"XA"]] and two.out() == [[b"XB"]]
    one.feed(("cancel", b"A"))
    assert xpub.recv() == (b"\0A", False)
    assert xpub.unsubscribe(b"XA") == 0
    xpub.send(b"XA")
    assert one.out() == []
    # What was asked for is reported at the end, what took effect is not.
    two.feed(("sub", b"C"))
    assert xpub.recv() == (b"\1C", False)
    two.forget()
    assert sorted(reports(xpub)) == [b"\0B", b"\0C"]
    assert xpub.subscribe(b"ignored") == 0 and xpub.topics == 0
    xpub.set("xpub_manual", False)
    assert xpub.subscribe(b"x") == -errno.EINVAL


def test_manual_request_of_a_peer_that_has_gone(make):
    xpub = make(XPUB, xpub_manual=True)
    gone = wire(xpub)
    gone.feed(("sub", b"A"))
    gone.forget()
    stays = wire(xpub)
    assert xpub.recv() == (b"\1A", False)
    assert xpub.subscribe(b"A") == 0
    xpub.send(b"A")
    assert stays.out() == [] and xpub.topics == 0
    assert reports(xpub) == [b"\0A"]


def test_last_value(make):
    xpub = make(XPUB, xpub_manual_last_value=True)
    one, two = wire(xpub), wire(xpub)
    for w in (one, two):
        w.feed(("sub", b"t"))
        assert xpub.recv() == (b"\1t", False)
        assert xpub.subscribe(b"t") == 0
        assert xpub.send_multipart([b"t", b"cached"]) == 0
        assert xpub.send(b"t for all") == 0
    assert one.out() == [[b"t", b"cached"], [b"t for all"], [b"t for all"]]
    assert two.out() == [[b"t", b"cached"], [b"t for all"]]


def test_welcome(make):
    xpub = make(XPUB, welcome_msg=b"W")
    w = wire(xpub)
    assert w.out() == [[b"W"]]
    pub, sub, deaf = make(PUB, welcome_msg=b"W"), make(SUB), make(SUB)
    sub.subscribe(b"W")
    link(sub, pub)
    link(deaf, pub)
    assert drain(sub) == [[b"W"]] and drain(deaf) == []


def test_subscriber_that_goes_in_the_middle_of_a_message(make):
    pub = make(PUB)
    one, two = wire(pub), wire(pub)
    for w in (one, two):
        w.feed(("sub", b""))
    pub.send(b"1", True)
    one.forget()
    pub.send(b"2")
    assert two.out() == [[b"1", b"2"]]


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("sub"), st.integers(0, 3), st.text("ab", max_size=3).map(str.encode)),
            st.tuples(st.just("unsub"), st.integers(0, 3), st.text("ab", max_size=3).map(str.encode)),
            st.tuples(st.just("send"), st.integers(1, 3), st.text("ab", max_size=4).map(str.encode)),
            st.tuples(st.just("read"), st.integers(0, 3), st.just(b"")),
            st.tuples(st.just("leave"), st.integers(0, 3), st.just(b"")),
        ),
        max_size=60,
    )
)
def test_pub_sub_like_a_model(steps):
    """Whoever holds a prefix gets the message, whole and in order; nobody else gets anything."""
    pub = _probe.pattern_Socket(PUB)
    subs, links, models, expected = [], [], [], []

    def fresh():
        sub = _probe.pattern_Socket(SUB)
        return sub, link(sub, pub), {}, []

    for _ in range(4):
        for place, value in zip((subs, links, models, expected), fresh()):
            place.append(value)
    number = 0
    try:
        for what, n, name in steps:
            if what == "sub":
                subs[n].subscribe(name)
                models[n][name] = models[n].get(name, 0) + 1
            elif what == "unsub":
                subs[n].unsubscribe(name)
                if name in models[n]:
                    models[n][name] -= 1
                    if not models[n][name]:
                        del models[n][name]
                # what is under way is filtered by the new set
                expected[n] = [m for m in expected[n] if any(m[0].startswith(t) for t in models[n])]
            elif what == "send":
                number += 1
                message = [name] + [b"%d" % number] * n
                assert pub.send_multipart(message) == 0
                for i in range(4):
                    if any(name.startswith(t) for t in models[i]):
                        expected[i].append(message)
            elif what == "read":
                assert drain(subs[n]) == expected[n]
                expected[n] = []
            else:
                links[n].forget(subs[n])
                subs[n].close()
                subs[n], links[n], models[n], expected[n] = fresh()
        for n in range(4):
            assert drain(subs[n]) == expected[n]
    finally:
        for sub in subs:
            sub.close()
        pub.close()
