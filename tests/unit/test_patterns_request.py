"""REQ, REP and ROUTER: envelopes and routing ids. On pipes that lead nowhere (pattern_pipes.py)."""


import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pattern_pipes import AGAIN, DEALER, EFSM, IN, OUT, REP, REQ, ROUTER, drain, link, wire
from platforms import errno

from zmqcore import _probe

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
    w = wire(router, local=True, peer_id=b"one")
    w.feed(b"old 1", b"part")
    w.feed(b"old 2")
    w.lost()
    router.set("router_mandatory", True)
    w.ready(b"two")
    w.feed(b"new")
    assert drain(router) == [[b"one", b"old 1", b"part"], [b"one", b"old 2"], [b"two", b"new"]]
    assert router.send(b"one", True) == -errno.EHOSTUNREACH
    assert router.send_multipart([b"two", b"hi"]) == 0
    assert w.out() == [[b"hi"]]
    # Twice without reading, and in the middle of a message.
    w.feed(b"a")
    w.feed(b"b1", b"b2")
    assert router.recv()[0] == b"two" and router.recv() == (b"a", False)
    assert router.recv()[0] == b"two" and router.recv() == (b"b1", True)
    w.lost()
    w.ready()
    w.feed(b"c")
    w.lost()
    w.ready(b"named")
    w.feed(b"d")
    assert router.recv() == (b"b2", False)
    (id_c, c), (id_d, d) = drain(router)
    assert (c, id_d, d) == (b"c", b"named", b"d") and len(id_c) == 5 and id_c[0] == 0


@pytest.mark.parametrize("name", [b"", b"name"])
def test_a_connecting_router_keeps_the_id_while_its_peer_is_away(make, name):
    router = make(ROUTER, router_mandatory=True)
    w = wire(router, local=True, peer_id=name)
    w.feed(b"1")
    (routing_id, _), = drain(router)
    w.lost()
    assert router.send_multipart([routing_id, b"waits"]) == 0
    w.ready(name)
    w.feed(b"2")
    assert drain(router) == [[routing_id, b"2"]]
    # While it is away the id can be announced elsewhere; when it is back it waits for its turn.
    if name:
        w.lost()
        other = wire(router, peer_id=name)
        other.feed(b"3")
        assert drain(router) == [[name, b"3"]]
        w.ready(name)
        w.feed(b"4")
        assert drain(router) == []
        other.forget()
        assert drain(router) == [[name, b"4"]]


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
    assert router.closing == []
    assert router.send_multipart([b"id", b"x"]) == 0
    assert new.out() == [[b"x"]] and old.out() == []
    old.feed(b"too late")
    new.feed(b"from new")
    assert sorted(drain(router)) == [[b"id", b"from new"], [b"id", b"from old"]]
    old.feed(b"later")
    assert router.events == OUT and router.recv() == AGAIN
    # The new one goes: the old one, still there, has the id again, and what it has sent meanwhile is read.
    new.ended()
    new.forget()
    assert drain(router) == [[b"id", b"too late"], [b"id", b"later"]]
    assert router.send_multipart([b"id", b"y"]) == 0 and old.out() == [[b"y"]]


def test_handover_from_a_peer_that_may_be_dead(make):
    """It has the id again when it says something."""
    router = make(ROUTER, router_handover=True, router_mandatory=True)
    old, new = wire(router, peer_id=b"id"), wire(router, peer_id=b"id")
    new.ended()
    new.forget()
    assert router.send_multipart([b"id", b"lost"]) == -errno.EHOSTUNREACH
    old.feed(b"alive")
    assert drain(router) == [[b"id", b"alive"]]
    assert router.send_multipart([b"id", b"x"]) == 0 and old.out() == [[b"x"]]


def test_handover_back_to_the_one_that_had_it_last(make):
    router = make(ROUTER, router_handover=True)
    first, second, third = (wire(router, peer_id=b"id") for _ in range(3))
    first.feed(b"1")
    second.feed(b"2")
    third.ended()
    third.forget()
    assert drain(router) == [[b"id", b"2"]]
    second.ended()
    second.forget()
    assert drain(router) == [[b"id", b"1"]]


@pytest.mark.parametrize("handover", [False, True])
def test_a_peer_that_gets_its_id_inside_a_message(make, handover):
    """The notice that it is there comes before what it has sent, and tears nothing."""
    router = make(ROUTER, router_handover=handover, router_notify=1)
    first, second = wire(router, peer_id=b"id"), wire(router, peer_id=b"id")
    assert drain(router) == [[b"id", b""]] * (1 + handover)
    served, waits = (second, first) if handover else (first, second)
    waits.feed(b"while waiting")
    waits.feed(b"half", more=True)
    served.ended()
    served.forget()
    assert drain(router) == [[b"id", b""], [b"id", b"while waiting"]]
    waits.feed(b"the rest")
    assert drain(router) == [[b"id", b"half", b"the rest"]]


@pytest.mark.parametrize("greeting", [{"hello_msg": b"HELLO"}, {"probe_router": True}])
def test_a_peer_is_greeted_once(make, greeting):
    router = make(ROUTER, router_handover=True, **greeting)
    hello = [[greeting.get("hello_msg", b"")]]
    first = wire(router, peer_id=b"id")
    assert first.out() == hello
    assert router.send(b"id", True) == 0 and router.send(b"begun", True) == 0
    second = wire(router, peer_id=b"id")
    assert second.out() == hello
    first.feed(b"alive")
    second.ended()
    second.forget()
    assert router.send(b"ended") == 0
    assert first.out() == [[b"begun", b"ended"]]


@pytest.mark.parametrize("frames", [2, 3])
def test_handover_inside_a_message(make, frames):
    """What is being read is read to its end, and nothing after it."""
    router = make(ROUTER, router_handover=True)
    old = wire(router, peer_id=b"id")
    old.feed(*[b"%d" % i for i in range(frames)])
    assert router.recv() == (b"id", True) and router.recv() == (b"0", True)
    wire(router, peer_id=b"id")
    old.feed(b"too late")
    assert [router.recv() for _ in range(frames - 1)] == [(b"%d" % i, i < frames - 1) for i in range(1, frames)]
    assert router.recv() == AGAIN


def test_handover_and_the_old_peer_ends(make):
    router = make(ROUTER, router_handover=True)
    old = wire(router, peer_id=b"id")
    old.feed(b"1")
    old.feed(b"2")
    new = wire(router, peer_id=b"id")
    assert router.recv_multipart() == [b"id", b"1"]
    old.ended()
    assert drain(router) == [[b"id", b"2"]]
    old.forget()
    assert router.send_multipart([b"id", b"x"]) == 0 and new.out() == [[b"x"]]


def test_handover_and_a_displaced_peer_that_goes(make):
    """What it had sent before is read, what it sent since is not, whatever has been read when it goes."""
    for early in (False, True):
        router = make(ROUTER, router_handover=True)
        old = wire(router, peer_id=b"id")
        old.feed(b"before")
        wire(router, peer_id=b"id")
        old.feed(b"since")
        read = drain(router) if early else []
        old.ended()
        assert read + drain(router) == [[b"id", b"before"]]
        assert old.drained
        old.forget()


def test_handover_in_a_ring(make):
    """Whoever has to give way announces the id that the newcomer has taken: one of them is read under it."""
    router = make(ROUTER, router_handover=True)
    assert router.connect_routing_id(b"a") == 0
    first = wire(router, peer_id=b"b", local=True)
    assert router.connect_routing_id(b"b") == 0
    second = wire(router, peer_id=b"a", local=True)
    newcomer = wire(router, peer_id=b"a")
    for number, each in enumerate((first, second, newcomer)):
        each.feed(b"%d" % number)
    read = drain(router)
    assert len(read) == len({id for id, _ in read}) == 2
    for id, number in read:
        assert router.send_multipart([id, b"answer"]) == 0
        assert (first, second, newcomer)[int(number)].out() == [[b"answer"]]


def test_a_waiting_peer_of_a_connect_has_its_own_id(make):
    """Not that of the peer which was there before, and the next one has not its."""
    router = make(ROUTER)
    holder = wire(router, peer_id=b"y")
    pipe = wire(router, peer_id=b"x", local=True)
    pipe.feed(b"x")
    pipe.lost()
    pipe.ready(b"y")
    pipe.feed(b"y1")
    pipe.lost()
    pipe.ready(b"z")
    pipe.feed(b"z")
    assert drain(router) == [[b"x", b"x"], [b"y", b"y1"], [b"z", b"z"]]
    pipe.lost()
    pipe.ready(b"y")
    pipe.feed(b"y2")
    assert drain(router) == []
    holder.ended()
    holder.forget()
    assert drain(router) == [[b"y", b"y2"]]


@pytest.mark.parametrize("announced", [b"its own", b""])
def test_handover_of_an_id_given_here(make, announced):
    """Its pipe goes on, under the id that its peer announces or one that is made."""
    router = make(ROUTER, router_handover=True)
    assert router.connect_routing_id(b"id") == 0
    old = wire(router, peer_id=announced, local=True)
    old.feed(b"before")
    new = wire(router, peer_id=b"id")
    assert router.closing == []
    assert router.send_multipart([b"id", b"x"]) == 0 and new.out() == [[b"x"]]
    old.feed(b"after")
    (given, before), (own, after) = drain(router)
    assert (given, before, after) == (b"id", b"before", b"after")
    assert own == announced or (not announced and len(own) == 5 and own[0] == 0)
    assert router.send_multipart([own, b"y"]) == 0 and old.out() == [[b"y"]]


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
