"""REQ and REP: strict alternation, envelopes, relaxed and correlated requests."""
import pytest
from awaiting import Events, bound, dead_endpoint, endpoint, until


def refuses(zmq, errno, call, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == errno


def test_REQ_1_send_is_mute_without_a_peer(zmq, make):
    req = make("REQ")
    with pytest.raises(zmq.Again):
        req.send(b"", zmq.DONTWAIT)
    req.bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.Again):
        req.send(b"", zmq.DONTWAIT)


def test_REQ_2_strict_alternation(zmq, pair, transport):
    req, rep = pair("REQ", "REP", transport)
    refuses(zmq, zmq.EFSM, req.recv, zmq.DONTWAIT)
    req.send(b"q")
    refuses(zmq, zmq.EFSM, req.send, b"again", zmq.DONTWAIT)
    assert rep.recv() == b"q"
    rep.send(b"a")
    assert req.recv() == b"a"
    refuses(zmq, zmq.EFSM, req.recv, zmq.DONTWAIT)


def test_REQ_3_events_follow_the_state(zmq, pair, transport):
    req, rep = pair("REQ", "REP", transport)
    assert req.poll(5000, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLOUT
    req.send(b"q")
    assert req.poll(0, zmq.POLLIN | zmq.POLLOUT) == 0
    rep.recv()
    rep.send(b"a")
    assert req.poll(5000, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN
    req.recv()
    assert req.poll(5000, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLOUT


def test_REQ_4_requests_go_round(zmq, make, fresh, transport):
    req, reps = make("REQ"), [make("REP") for _ in range(3)]
    for rep in reps:
        rep.bind(fresh(transport))
        req.connect(endpoint(rep))
    for number in range(9):
        req.send(b"%d" % number)
        rep = reps[number % 3]
        assert rep.recv() == b"%d" % number
        rep.send(b"a%d" % number)
        assert req.recv() == b"a%d" % number


def test_REQ_5_delimiter_is_invisible(zmq, pair, transport):
    req, router = pair("REQ", "ROUTER", transport)
    req.send(b"q")
    routing_id, empty, body = router.recv_multipart()
    assert (empty, body) == (b"", b"q")
    router.send_multipart([routing_id, b"", b"a"])
    assert req.recv_multipart() == [b"a"]


def test_REQ_6_only_the_asked_peer_may_answer(zmq, make, fresh, transport):
    req = make("REQ")
    req.bind(fresh(transport))
    routers = [make("ROUTER", ROUTING_ID=b"r%d" % number) for number in range(2)]
    ids = []
    for router in routers:
        router.connect(endpoint(req))
        # Served one after the other, so that each router learns the requester's routing id.
        req.send(b"hello")
        asked = until(lambda: next((peer for peer in routers if peer.poll(1)), None))
        ids.append(asked.recv_multipart()[0])
        asked.send_multipart([ids[-1], b"", b"hi"])
        assert req.recv() == b"hi"
    req.send(b"q")
    asked = until(lambda: next((peer for peer in routers if peer.poll(1)), None))
    other = routers[1 - routers.index(asked)]
    requester = asked.recv_multipart()[0]
    other.send_multipart([ids[routers.index(other)], b"", b"wrong"])
    req.rcvtimeo = 50
    with pytest.raises(zmq.Again):  # not poll(): libzmq reports POLLIN for what recv() then discards
        req.recv()
    asked.send_multipart([requester, b"", b"right"])
    req.rcvtimeo = 5000
    assert req.recv() == b"right"


def test_REQ_7_inproc_reply_without_envelope_is_skipped(zmq, pair):
    req, router = pair("REQ", "ROUTER", "inproc")
    req.send(b"q")
    routing_id = router.recv_multipart()[0]
    router.send_multipart([routing_id, b"no delimiter"])
    router.send_multipart([routing_id, b"", b"good"])
    assert req.recv() == b"good"


def test_REQ_8_blocked_send_wakes_when_a_peer_connects(zmq, make, fresh, transport):
    import threading

    req = make("REQ")
    req.bind(fresh(transport))
    where = endpoint(req)
    sender = threading.Thread(target=req.send, args=(b"q",))
    sender.start()
    rep = make("REP")
    rep.connect(where)
    assert rep.recv() == b"q"
    sender.join(5)
    assert not sender.is_alive()


def test_REQ_9_connecting_req_keeps_the_request_for_a_later_peer(zmq, make, fresh, transport):
    where = fresh(transport, ahead=True)
    req = make("REQ", RECONNECT_IVL=10)
    req.connect(where)
    req.send(b"early")
    late = make("REP")
    until(lambda: bound(zmq, late, where))
    assert late.recv() == b"early"


def test_REQ_10_strict_req_stays_waiting_when_the_peer_dies(zmq, pair):
    req, rep = pair("REQ", "REP")
    events = Events(zmq, req)
    req.send(b"q")
    rep.recv()
    rep.close()
    events.wait("DISCONNECTED")
    assert req.poll(0) == 0
    refuses(zmq, zmq.EFSM, req.send, b"q", zmq.DONTWAIT)


def test_REQ_11_relaxed_and_correlated(zmq, pair, transport):
    req, router = pair("REQ", "ROUTER", transport, {"REQ_RELAXED": 1, "REQ_CORRELATE": 1})
    req.send(b"first")
    late = router.recv_multipart()
    req.send(b"second")
    second = router.recv_multipart()
    assert (late[-1], second[-1]) == (b"first", b"second")
    router.send_multipart(late[:-1] + [b"late"])
    router.send_multipart(second[:-1] + [b"in time"])
    assert req.recv() == b"in time"


def test_REQ_12_relaxed_goes_on_to_the_next_peer(zmq, make, fresh, transport):
    req = make("REQ", REQ_RELAXED=1, REQ_CORRELATE=1)
    reps = [make("REP") for _ in range(2)]
    for rep in reps:
        rep.bind(fresh(transport))
        req.connect(endpoint(rep))
    req.send(b"A")
    req.send(b"B")
    for rep, question in zip(reps, [b"A", b"B"]):
        assert rep.recv() == question
        rep.send(b"answer to " + question)
    assert req.recv() == b"answer to B"
    for rep in reps:
        req.send(b"again")
        assert rep.recv() == b"again"
        rep.send(b"ok")
        assert req.recv() == b"ok"


def test_REQ_13_relaxed_requests_pile_up_until_the_server_binds(zmq, make):
    where = dead_endpoint()
    req = make("REQ", REQ_RELAXED=1, REQ_CORRELATE=1, RECONNECT_IVL=10)
    req.connect(where)
    for number in range(3):
        req.send(b"%d" % number)
    rep = make("REP")
    until(lambda: bound(zmq, rep, where))
    for number in range(3):
        assert rep.recv() == b"%d" % number
        rep.send(b"answer %d" % number)
    assert req.recv() == b"answer 2"
    refuses(zmq, zmq.EFSM, req.recv, zmq.DONTWAIT)


def test_REQ_14_correlate_discards_wrong_ids(zmq, pair, transport):
    req, router = pair("REQ", "ROUTER", transport, {"REQ_CORRELATE": 1})
    req.send(b"q")
    routing_id, request_id, empty, body = router.recv_multipart()
    assert (len(request_id), empty, body) == (4, b"", b"q")
    router.send_multipart([routing_id, bytes(octet ^ 255 for octet in request_id), b"", b"wrong"])
    router.send_multipart([routing_id, request_id, b"", b"right"])
    assert req.recv() == b"right"


def test_REQ_15_stale_replies_are_thrown_away_before_a_new_request(zmq, pair, transport):
    req, router = pair("REQ", "ROUTER", transport, {"REQ_RELAXED": 1})
    req.send(b"one")
    routing_id = router.recv_multipart()[0]
    router.send_multipart([routing_id, b"", b"answer to one"])
    assert req.poll(5000)
    req.send(b"two")
    router.recv_multipart()
    router.send_multipart([routing_id, b"", b"answer to two"])
    assert req.recv() == b"answer to two"


def test_REQ_16_multiframe_requests_and_replies(zmq, pair, transport):
    req, rep = pair("REQ", "REP", transport)
    req.send_multipart([b"a", b"", b"b" * 1000])
    assert rep.recv_multipart() == [b"a", b"", b"b" * 1000]
    rep.send_multipart([b"", b"c"])
    assert req.recv_multipart() == [b"", b"c"]


def test_REP_1_strict_order(zmq, pair, transport):
    req, rep = pair("REQ", "REP", transport)
    refuses(zmq, zmq.EFSM, rep.send, b"no", zmq.DONTWAIT)
    req.send(b"q")
    assert rep.recv() == b"q"
    refuses(zmq, zmq.EFSM, rep.recv, zmq.DONTWAIT)
    rep.send(b"a")
    refuses(zmq, zmq.EFSM, rep.send, b"second", zmq.DONTWAIT)
    assert req.recv() == b"a"


def test_REP_1_parts_of_a_request_are_read_before_the_reply(zmq, pair):
    req, rep = pair("REQ", "REP")
    req.send_multipart([b"a", b"b"])
    assert rep.recv() == b"a"
    refuses(zmq, zmq.EFSM, rep.send, b"too early", zmq.DONTWAIT)
    assert rep.recv() == b"b"
    rep.send(b"ok")
    assert req.recv() == b"ok"


def test_REP_2_envelope_of_any_depth_comes_back(zmq, pair, transport):
    dealer, rep = pair("DEALER", "REP", transport)
    dealer.send_multipart([b"hop1", b"hop2", b"hop3", b"", b"q", b""])
    assert rep.recv_multipart() == [b"q", b""]
    rep.send_multipart([b"a", b"b"])
    assert dealer.recv_multipart() == [b"hop1", b"hop2", b"hop3", b"", b"a", b"b"]


def test_REP_3_request_without_delimiter_is_dropped(zmq, pair, transport):
    dealer, rep = pair("DEALER", "REP", transport)
    dealer.send(b"no delimiter")
    dealer.send_multipart([b"none", b"either"])
    dealer.send_multipart([b"", b"good"])
    assert rep.recv() == b"good"
    rep.send(b"ok")
    assert dealer.recv_multipart() == [b"", b"ok"]


def test_REP_4_invalid_envelope_from_a_router_leaves_rep_usable(zmq, pair, transport):
    router, rep = pair("DEALER", "REP", transport)
    router.send_multipart([b""], copy=True)  # a delimiter with nothing behind it
    router.send_multipart([b"", b"valid"])
    assert rep.recv() == b"valid"


def test_REP_5_reply_to_a_requester_that_has_gone(zmq, pair, make, transport):
    req, rep = pair("REQ", "REP", transport)
    req.send(b"q")
    assert rep.recv() == b"q"
    req.close()
    rep.send(b"into the void")
    other = make("REQ")
    other.connect(endpoint(rep))
    other.send(b"next")
    assert rep.recv() == b"next"


def test_REP_6_fair_queuing(zmq, make, fresh, transport):
    rep = make("REP")
    rep.bind(fresh(transport))
    dealers = [make("DEALER") for _ in range(3)]
    for number, dealer in enumerate(dealers):
        dealer.connect(endpoint(rep))
        for _ in range(3):
            dealer.send_multipart([b"", b"%d" % number])
    order = []
    for _ in range(9):
        order.append(rep.recv())
        rep.send(b"")
    assert sorted(order) == [b"0"] * 3 + [b"1"] * 3 + [b"2"] * 3
    if transport == "inproc":  # only there all peers are certain to be attached before the first recv
        assert all(len(set(order[turn:turn + 3])) == 3 for turn in (0, 3, 6)), order


def test_REP_7_recv_waits_for_a_request(zmq, make, fresh):
    rep = make("REP")
    rep.bind(fresh("tcp"))
    rep.rcvtimeo = 30
    with pytest.raises(zmq.Again):
        rep.recv()


def test_REP_8_router_options_are_accepted(zmq, make):
    make("REP", ROUTER_MANDATORY=1)


def test_REP_9_requester_dies_before_the_reply_over_the_network(zmq, make, fresh):
    rep = make("REP")
    rep.bind(fresh("tcp"))
    events = Events(zmq, rep)
    req = make("REQ")
    req.connect(endpoint(rep))
    req.send(b"q")
    assert rep.recv() == b"q"
    req.close()
    events.wait("DISCONNECTED")
    rep.send(b"dropped")
    refuses(zmq, zmq.EFSM, rep.send, b"", zmq.DONTWAIT)
    assert rep.poll(0) == 0
