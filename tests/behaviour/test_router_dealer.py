"""ROUTER and DEALER: routing ids, mandatory routing, handover, load balancing and fair queuing."""

import pytest
from awaiting import Events, bound, endpoint, fill, silent, until
from platforms import errno
from transports import NETWORKS


def hello(dealer, router, body=b"hello"):
    """The dealer introduces itself; returns the routing id that the router sees."""
    dealer.send(body)
    routing_id, *rest = router.recv_multipart()
    assert rest == [body]
    return routing_id


def test_ROUTER_1_first_frame_selects_the_peer(zmq, make, fresh, transport):
    router = make("ROUTER")
    router.bind(fresh(transport))
    dealers = {}
    for name in (b"a", b"b", b"c"):
        dealers[name] = make("DEALER", ROUTING_ID=name)
        dealers[name].connect(endpoint(router))
        assert hello(dealers[name], router) == name
    for name in (b"c", b"a", b"b"):
        router.send_multipart([name, b"to ", name])
        assert dealers[name].recv_multipart() == [b"to ", name]
    for dealer in dealers.values():
        assert dealer.poll(0) == 0


def test_ROUTER_1_fair_queuing(zmq, make, fresh):
    router = make("ROUTER")
    router.bind(fresh("inproc"))
    names = [b"a", b"b", b"c"]
    for name in names:
        dealer = make("DEALER", ROUTING_ID=name)
        dealer.connect(endpoint(router))
        for number in range(4):
            dealer.send(b"%d" % number)
    got = [router.recv_multipart() for _ in range(12)]
    for turn in range(4):
        assert sorted(got[3 * turn:3 * turn + 3]) == [[name, b"%d" % turn] for name in names]


def test_ROUTER_2_generated_ids(zmq, make, fresh, transport):
    router = make("ROUTER")
    router.bind(fresh(transport))
    seen = set()
    for _ in range(5):
        dealer = make("DEALER")
        dealer.connect(endpoint(router))
        routing_id = hello(dealer, router)
        assert len(routing_id) == 5 and routing_id[0] == 0
        seen.add(routing_id)
        dealer.close()
    assert len(seen) == 5


def test_ROUTER_2_a_name_for_each_connect(make, fresh):
    dealer = make("DEALER", RECONNECT_IVL=10)
    addresses = [fresh("ipc"), fresh("ipc")]
    for name, address in zip((b"north", b"south"), addresses, strict=True):
        dealer.routing_id = name
        dealer.connect(address)  # nobody is there yet
    routers = [make("ROUTER"), make("ROUTER")]
    for router, address in zip(routers, addresses, strict=True):
        router.bind(address)
    dealer.send(b"x")
    dealer.send(b"x")
    assert [router.recv()[:5] for router in routers] == [b"north", b"south"]


def test_ROUTER_3_metadata_on_every_frame(zmq, pair):
    dealer, router = pair("DEALER", "ROUTER")
    dealer.send_multipart([b"a", b"b"])
    frames = router.recv_multipart(copy=False)
    assert [frame.get("Socket-Type") for frame in frames] == ["DEALER"] * 3
    assert [frame.get("Peer-Address") for frame in frames] == ["127.0.0.1"] * 3


def test_ROUTER_4_unknown_peer_is_dropped_silently(zmq, pair, transport):
    dealer, router = pair("DEALER", "ROUTER", transport)
    routing_id = hello(dealer, router)
    router.send_multipart([b"nobody", b"lost"])
    router.send_multipart([routing_id, b"found"])
    assert dealer.recv() == b"found"


def test_ROUTER_5_mandatory_reports_unknown_peers(zmq, pair, transport):
    dealer, router = pair("DEALER", "ROUTER", transport, binder_options={"ROUTER_MANDATORY": 1})
    for flags in (zmq.SNDMORE, zmq.SNDMORE | zmq.DONTWAIT):
        with pytest.raises(zmq.ZMQError) as caught:
            router.send(b"nobody", flags)
        assert caught.value.errno == zmq.EHOSTUNREACH
    routing_id = hello(dealer, router)
    router.send_multipart([routing_id, b"x"])
    assert dealer.recv() == b"x"


def test_ROUTER_5_mandatory_waits_for_a_full_peer(zmq, pair):
    dealer, router = pair("DEALER", "ROUTER", "inproc", {"RCVHWM": 1}, {"ROUTER_MANDATORY": 1, "SNDHWM": 1})
    routing_id = hello(dealer, router)
    for number in range(2):
        router.send_multipart([routing_id, b"%d" % number], zmq.DONTWAIT)
    with pytest.raises(zmq.Again):
        router.send(routing_id, zmq.SNDMORE | zmq.DONTWAIT)
    router.sndtimeo = 30
    with pytest.raises(zmq.Again):
        router.send(routing_id, zmq.SNDMORE)
    assert dealer.recv() == b"0"
    assert dealer.recv() == b"1"
    router.sndtimeo = 5000
    router.send_multipart([routing_id, b"2"])
    assert dealer.recv() == b"2"


def test_ROUTER_6_mandatory_counts_both_high_water_marks(zmq, pair):
    dealer, router = pair("DEALER", "ROUTER", "inproc", {"RCVHWM": 7}, {"ROUTER_MANDATORY": 1, "SNDHWM": 5})
    routing_id = hello(dealer, router)
    count = 0
    with pytest.raises(zmq.Again):
        for count in range(100):
            router.send_multipart([routing_id, b"x"], zmq.DONTWAIT)
    assert count == 12


def test_ROUTER_7_pollout(zmq, make, pair):
    assert make("ROUTER").poll(0, zmq.POLLOUT) == zmq.POLLOUT
    assert make("ROUTER", ROUTER_MANDATORY=1).poll(0, zmq.POLLOUT) == 0
    dealer, router = pair("DEALER", "ROUTER", binder_options={"ROUTER_MANDATORY": 1})
    hello(dealer, router)
    assert router.poll(5000, zmq.POLLOUT) == zmq.POLLOUT


def test_ROUTER_8_id_alone_is_ignored(zmq, pair, transport):
    dealer, router = pair("DEALER", "ROUTER", transport)
    routing_id = hello(dealer, router)
    router.send(routing_id)
    router.send_multipart([routing_id, b"x"])
    assert dealer.recv_multipart() == [b"x"]


def test_ROUTER_9_id_of_a_gone_peer_becomes_unknown(zmq, make, fresh, transport):
    router = make("ROUTER", ROUTER_MANDATORY=1)
    router.bind(fresh(transport))
    dealer = make("DEALER", ROUTING_ID=b"me")
    dealer.connect(endpoint(router))
    hello(dealer, router)
    dealer.close()

    def unknown():
        try:
            router.send_multipart([b"me", b"x"])
        except zmq.ZMQError as error:
            return error.errno == zmq.EHOSTUNREACH

    until(unknown)


def test_ROUTER_10_second_peer_with_the_same_id_is_ignored(zmq, make, fresh, transport):
    router = make("ROUTER")
    router.bind(fresh(transport))
    first, second = (make("DEALER", ROUTING_ID=b"twin") for _ in range(2))
    first.connect(endpoint(router))
    hello(first, router)
    second.connect(endpoint(router))
    second.send(b"ignored")
    silent(router)
    router.send_multipart([b"twin", b"for the first"])
    assert first.recv() == b"for the first"
    assert second.poll(0) == 0


def test_ROUTER_11_handover(zmq, make, fresh, transport):
    router = make("ROUTER", ROUTER_HANDOVER=1)
    router.bind(fresh(transport))
    first, second = (make("DEALER", ROUTING_ID=b"twin") for _ in range(2))
    first.connect(endpoint(router))
    hello(first, router, b"first")
    second.connect(endpoint(router))
    assert hello(second, router, b"second") == b"twin"
    router.send_multipart([b"twin", b"for the second"])
    assert second.recv() == b"for the second"
    assert first.poll(20) == 0


@pytest.mark.better  # libzmq never serves it again
def test_ROUTER_11_a_displaced_peer_that_spoke_before_all_was_read(zmq, make, fresh, transport):
    router = make("ROUTER", ROUTER_HANDOVER=1)
    router.bind(fresh(transport))
    first, second = (make("DEALER", ROUTING_ID=b"twin") for _ in range(2))
    first.connect(endpoint(router))
    first.send(b"1")
    assert router.poll(5000)
    second.connect(endpoint(router))
    second.send(b"new")
    assert sorted([router.recv_multipart(), router.recv_multipart()]) == [[b"twin", b"1"], [b"twin", b"new"]]
    second.close()
    until(lambda: not router.poll(0))
    for number in (b"2", b"3"):
        first.send(number)
    assert [router.recv_multipart(), router.recv_multipart()] == [[b"twin", b"2"], [b"twin", b"3"]]


@pytest.mark.better
@pytest.mark.parametrize("transport", NETWORKS)
def test_ROUTER_9_a_reply_that_arrived_is_not_lost(zmq, make, fresh, transport):
    """The counters of a peer that goes after its reply: it has arrived."""
    router = make("ROUTER")
    router.bind(fresh(transport))
    dealer = make("DEALER")
    dealer.connect(endpoint(router))
    router.send_multipart([hello(dealer, router), b"reply"])
    assert dealer.recv() == b"reply"
    dealer.close()
    until(lambda: router.poll(0) == 0 and router.statistics().disconnections)
    assert router.statistics().messages_out == 1
    assert router.statistics().dropped.lost == 0


@pytest.mark.better
def test_ROUTER_11_a_peer_that_loses_its_id_before_it_is_served(zmq, make, fresh, transport):
    """It takes the id of one, who takes that of another, who takes it back: each has announced what the next has been given."""
    router = make("ROUTER", ROUTER_HANDOVER=1)
    router.bind(fresh(transport))
    where = endpoint(router)
    given = {}
    for announced, name in ((b"one", b"two"), (b"two", b"one")):
        given[announced] = make("DEALER", ROUTING_ID=announced)
        given[announced].bind(fresh(transport))
        router.setsockopt(zmq.CONNECT_ROUTING_ID, name)
        router.connect(endpoint(given[announced]))
        assert hello(given[announced], router) == name
    late = make("DEALER", ROUTING_ID=b"two")
    late.connect(where)
    until(lambda: hello(given[b"two"], router) == b"two")
    router.disconnect(endpoint(given[b"two"]))
    given[b"two"].close()
    late.send(b"late")
    assert router.recv_multipart() == [b"two", b"late"]


@pytest.mark.parametrize("transport", NETWORKS)
def test_ROUTER_11_handover_disconnects_neither_peer(zmq, make, fresh, transport):
    """A peer that lost its connection would come back, take the id again, and so on without end."""
    router = make("ROUTER", ROUTER_HANDOVER=1)
    router.bind(fresh(transport))
    first, second = (make("DEALER", ROUTING_ID=b"twin", RECONNECT_IVL=1) for _ in range(2))
    events = Events(zmq, router)
    first.connect(endpoint(router))
    hello(first, router, b"first")
    second.connect(endpoint(router))
    hello(second, router, b"second")
    for number in range(20):
        first.send(b"unserved")
        second.send(b"%d" % number)
        assert router.recv_multipart() == [b"twin", b"%d" % number]
        router.send_multipart([b"twin", b"%d" % number])
        assert second.recv() == b"%d" % number
    silent(router)
    assert first.poll(0) == 0
    router.disable_monitor()
    assert "DISCONNECTED" not in events.all_until("MONITOR_STOPPED")


def test_ROUTER_11_handover_keeps_what_the_old_peer_sent(zmq, make, fresh, transport):
    router = make("ROUTER", ROUTER_HANDOVER=1)
    router.bind(fresh(transport))
    first, second = (make("DEALER", ROUTING_ID=b"twin") for _ in range(2))
    first.connect(endpoint(router))
    first.send_multipart([b"old", b"1"])
    assert router.poll(5000)
    second.connect(endpoint(router))
    second.send_multipart([b"new", b"2"])

    def handed_over():
        router.send_multipart([b"twin", b"?"])
        router.getsockopt(zmq.EVENTS)
        return second.poll(5)

    until(handed_over)
    assert sorted([router.recv_multipart(), router.recv_multipart()]) == [[b"twin", b"new", b"2"], [b"twin", b"old", b"1"]]
    silent(router, 20)


@pytest.mark.parametrize("name", [b"server", b""])
@pytest.mark.parametrize("transport", NETWORKS)
def test_ROUTER_9_a_connecting_router_keeps_its_peer(zmq, make, fresh, transport, name):
    """The id belongs to the pipe, and that of a connect() outlives the connections: messages wait for the peer to come back."""

    def server():
        socket = make("DEALER")
        if name:
            socket.routing_id = name
        return socket

    router, first = make("ROUTER", ROUTER_MANDATORY=1, RECONNECT_IVL=10), server()
    first.bind(fresh(transport))
    where = endpoint(first)
    events = Events(zmq, router)
    router.connect(where)
    first.send(b"hello")
    routing_id, body = router.recv_multipart()
    assert body == b"hello" and (not name or routing_id == name)
    first.close()
    events.wait("DISCONNECTED")
    for number in range(20):
        router.send_multipart([routing_id, b"%d" % number])
    second = server()
    until(lambda: bound(zmq, second, where))
    assert [second.recv() for _ in range(20)] == [b"%d" % number for number in range(20)]
    second.send(b"back")
    assert router.recv_multipart() == [routing_id, b"back"]


@pytest.mark.better
@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("handover", [0, 1])
@pytest.mark.parametrize("transport", NETWORKS)
def test_ROUTER_9_an_id_whose_peer_is_away_goes_to_the_one_that_waits(zmq, make, fresh, transport, handover, early):
    router = make("ROUTER", ROUTER_HANDOVER=handover, RECONNECT_IVL=10)
    router.bind(fresh(transport))
    where, events = endpoint(router), Events(zmq, router)
    one, two = (make("DEALER", ROUTING_ID=b"twin") for _ in range(2))
    one.bind(fresh(transport))
    if handover:
        two.connect(where)
        hello(two, router)
    router.connect(endpoint(one))
    hello(one, router)
    events.wait("HANDSHAKE_SUCCEEDED")
    if not handover:
        two.connect(where)
    events.wait("HANDSHAKE_SUCCEEDED")
    if early:
        two.send(b"two")
        silent(router)
    one.close()
    events.wait("DISCONNECTED")
    if not early:
        two.send(b"two")
    assert router.recv_multipart() == [b"twin", b"two"]
    router.send_multipart([b"twin", b"answer"])
    assert two.recv() == b"answer"


@pytest.mark.better
@pytest.mark.parametrize("transport", NETWORKS)
def test_ROUTER_9_another_peer_gets_its_own_id(zmq, make, fresh, transport):
    """libzmq goes on calling it by the name of the one before."""
    router, first = make("ROUTER", ROUTER_MANDATORY=1, RECONNECT_IVL=10), make("DEALER", ROUTING_ID=b"first")
    first.bind(fresh(transport))
    where = endpoint(first)
    router.connect(where)
    first.send(b"1")
    assert router.recv_multipart() == [b"first", b"1"]
    first.close()
    second = make("DEALER", ROUTING_ID=b"second")
    until(lambda: bound(zmq, second, where))
    second.send(b"2")
    assert router.recv_multipart() == [b"second", b"2"]
    router.send_multipart([b"second", b"3"])
    assert second.recv() == b"3"
    with pytest.raises(zmq.ZMQError) as caught:
        router.send_multipart([b"first", b"4"])
    assert caught.value.errno == zmq.EHOSTUNREACH


@pytest.mark.better
@pytest.mark.parametrize("transport", NETWORKS)
def test_ROUTER_9_a_peer_that_is_away_does_not_block_its_id(zmq, make, fresh, transport):
    router, first = make("ROUTER", RECONNECT_IVL=10), make("DEALER", ROUTING_ID=b"name")
    first.bind(fresh(transport))
    router.connect(endpoint(first))
    first.send(b"1")
    assert router.recv_multipart() == [b"name", b"1"]
    events = Events(zmq, router)
    first.close()
    events.wait("DISCONNECTED")
    router.bind(fresh(transport))
    moved = make("DEALER", ROUTING_ID=b"name")
    moved.connect(endpoint(router))
    moved.send(b"2")
    assert router.recv_multipart() == [b"name", b"2"]
    router.send_multipart([b"name", b"3"])
    assert moved.recv() == b"3"


def test_ROUTER_13_connect_routing_id_names_the_next_connection(zmq, make, fresh, transport):
    servers = {}
    router = make("ROUTER", ROUTER_MANDATORY=1)
    for name in (b"one", b"two"):
        servers[name] = make("DEALER")
        servers[name].bind(fresh(transport))
        router.setsockopt(zmq.CONNECT_ROUTING_ID, name)
        router.connect(endpoint(servers[name]))
    for name, server in servers.items():
        router.send_multipart([name, b"hello ", name])
        assert server.recv_multipart() == [b"hello ", name]
        server.send(b"back")
        assert router.recv_multipart() == [name, b"back"]


@pytest.mark.better
def test_ROUTER_13_duplicate_connect_routing_id_is_refused(zmq, make, fresh):
    router, server = make("ROUTER"), make("DEALER")
    server.bind(fresh("tcp"))
    router.setsockopt(zmq.CONNECT_ROUTING_ID, b"same")
    router.connect(endpoint(server))
    other = make("DEALER")
    other.bind(fresh("tcp"))
    router.setsockopt(zmq.CONNECT_ROUTING_ID, b"same")
    with pytest.raises(zmq.ZMQError):
        router.connect(endpoint(other))
    router.send_multipart([b"same", b"still alive"])
    assert server.recv() == b"still alive"


def test_ROUTER_14_both_ends_may_name_the_pipe_differently(zmq, make, fresh, transport):
    bound = make("ROUTER", ROUTING_ID=b"server", ROUTER_MANDATORY=1)
    bound.bind(fresh(transport))
    connecting = make("ROUTER", ROUTING_ID=b"client", ROUTER_MANDATORY=1)
    connecting.setsockopt(zmq.CONNECT_ROUTING_ID, b"my name for it")
    connecting.connect(endpoint(bound))
    connecting.send_multipart([b"my name for it", b"hi"])
    assert bound.recv_multipart() == [b"client", b"hi"]
    bound.send_multipart([b"client", b"yo"])
    assert connecting.recv_multipart() == [b"my name for it", b"yo"]


@pytest.mark.parametrize("kind", ["DEALER", "REQ", "ROUTER"])
def test_ROUTER_15_probe(zmq, make, fresh, transport, kind):
    router = make("ROUTER")
    router.bind(fresh(transport))
    prober = make(kind, PROBE_ROUTER=1, ROUTING_ID=b"prober")
    prober.connect(endpoint(router))
    assert router.recv_multipart() == [b"prober", b""]


@pytest.mark.better  # libzmq's probes once in the life of a connect(), and a ROUTER that was started anew does not learn the id
@pytest.mark.parametrize("kind", ["DEALER", "REQ", "ROUTER"])
def test_ROUTER_15_probe_of_every_connection(zmq, make, kind):
    router = make("ROUTER")
    router.bind("tcp://127.0.0.1:*")
    where = endpoint(router)
    prober = make(kind, PROBE_ROUTER=1, ROUTING_ID=b"prober", RECONNECT_IVL=10)
    prober.connect(where)
    for _ in range(3):
        assert router.recv_multipart() == [b"prober", b""]
        router.close()
        router = make("ROUTER", ROUTER_MANDATORY=1)
        router.bind(where)
    assert router.recv_multipart() == [b"prober", b""]
    router.send_multipart([b"prober", b"is known"])


@pytest.mark.better
@pytest.mark.parametrize("mode", [1, 2, 3])
def test_ROUTER_16_notify(zmq, make, fresh, mode):
    router = make("ROUTER", ROUTER_NOTIFY=mode)
    router.bind(fresh("tcp"))
    dealer = make("DEALER", ROUTING_ID=b"d")
    dealer.connect(endpoint(router))
    if mode & 1:
        assert router.recv_multipart() == [b"d", b""]
    hello(dealer, router)
    dealer.close()
    if mode & 2:
        assert router.recv_multipart() == [b"d", b""]
    else:
        silent(router)


@pytest.mark.better
def test_ROUTER_17_state_of_one_peer(zmq, pair, transport):
    dealer, router = pair("DEALER", "ROUTER", transport)
    routing_id = hello(dealer, router)
    assert router.peer_state(routing_id) == zmq.POLLOUT
    with pytest.raises(zmq.ZMQError) as caught:
        router.peer_state(b"nobody")
    assert caught.value.errno == errno.EHOSTUNREACH
    with pytest.raises(zmq.ZMQError) as caught:
        dealer.peer_state(routing_id)
    assert caught.value.errno == zmq.ENOTSUP


@pytest.mark.better
def test_ROUTER_17_a_full_peer_and_one_that_has_read(zmq, pair):
    dealer, router = pair("DEALER", "ROUTER", "inproc", {"RCVHWM": 1}, {"ROUTER_MANDATORY": 1, "SNDHWM": 1})
    routing_id = hello(dealer, router)
    for number in range(2):
        router.send_multipart([routing_id, b"%d" % number], zmq.DONTWAIT)
    assert router.peer_state(routing_id) == 0
    assert [dealer.recv(), dealer.recv()] == [b"0", b"1"]
    assert router.peer_state(routing_id) == zmq.POLLOUT


def test_ROUTER_19_messages_of_a_dead_peer_stay_readable(zmq, make, fresh, transport):
    router = make("ROUTER")
    router.bind(fresh(transport))
    events = Events(zmq, router) if transport != "inproc" else None
    dealer = make("DEALER", ROUTING_ID=b"d", LINGER=-1)
    dealer.connect(endpoint(router))
    hello(dealer, router)
    for number in range(10):
        dealer.send(b"%d" % number)
    dealer.close()
    if events:
        events.wait("DISCONNECTED")
    assert [router.recv_multipart()[1] for _ in range(10)] == [b"%d" % number for number in range(10)]


def test_DEALER_1_send_never_drops(zmq, pair):
    dealer, _other = pair("DEALER", "DEALER", "inproc", {"SNDHWM": 3}, {"RCVHWM": 4})
    assert fill(zmq, dealer) == 7
    dealer.sndtimeo = 20
    with pytest.raises(zmq.Again):
        dealer.send(b"x")


def test_DEALER_2_turns_in_both_directions(zmq, make, fresh, transport):
    dealer = make("DEALER")
    peers = [make("DEALER") for _ in range(3)]
    for peer in peers:
        peer.bind(fresh(transport))
        dealer.connect(endpoint(peer))
    for number in range(9):
        dealer.send(b"%d" % number)
    for place, peer in enumerate(peers):
        assert [peer.recv() for _ in range(3)] == [b"%d" % number for number in range(place, 9, 3)]
    for place, peer in enumerate(peers):
        for _ in range(2):
            peer.send(b"%d" % place)
    assert sorted(dealer.recv() for _ in range(6)) == [b"0", b"0", b"1", b"1", b"2", b"2"]


def test_DEALER_3_blocks_without_pipes(zmq, make, fresh, transport):
    dealer = make("DEALER")
    with pytest.raises(zmq.Again):
        dealer.send(b"x", zmq.DONTWAIT)
    dealer.bind(fresh(transport))
    with pytest.raises(zmq.Again):
        dealer.send(b"x", zmq.DONTWAIT)
    assert dealer.poll(0, zmq.POLLOUT) == 0


def test_DEALER_4_queue_for_a_gone_accepted_peer_is_discarded(zmq, make, fresh):
    dealer = make("DEALER")
    dealer.bind(fresh("inproc"))
    first = make("DEALER")
    first.connect(endpoint(dealer))
    dealer.send(b"for the first")
    first.close()
    until(lambda: not dealer.poll(0, zmq.POLLOUT))
    second = make("DEALER")
    second.connect(endpoint(dealer))
    dealer.send(b"for the second")
    assert second.recv() == b"for the second"


def test_DEALER_6_second_connect_to_the_same_endpoint_does_nothing(zmq, make, fresh):
    pull = make("DEALER")
    pull.bind(fresh("tcp"))
    dealer = make("DEALER")
    for _ in range(2):
        dealer.connect(endpoint(pull))
    dealer.send(b"1")
    assert pull.recv() == b"1"
    events = Events(zmq, pull)
    dealer.connect(endpoint(pull))
    dealer.send(b"2")
    assert pull.recv() == b"2"
    assert events.monitor.poll(50) == 0


def test_DEALER_7_talks_to_rep_with_its_own_delimiter(zmq, pair, transport):
    dealer, rep = pair("DEALER", "REP", transport)
    dealer.send_multipart([b"", b"q"])
    assert rep.recv() == b"q"
    rep.send(b"a")
    assert dealer.recv_multipart() == [b"", b"a"]


@pytest.mark.better  # a draft of libzmq, as the next two
def test_ROUTER_20_hello_msg(zmq, make, fresh, transport):
    """The first message on each connection, of whichever side; a DEALER has it, too."""
    router, dealer = make("ROUTER", HELLO_MSG=b"from the router"), make("DEALER", HELLO_MSG=b"from the dealer", ROUTING_ID=b"d")
    router.bind(fresh(transport))
    dealer.connect(endpoint(router))
    assert dealer.recv_multipart() == [b"from the router"]
    assert router.recv_multipart() == [b"d", b"from the dealer"]
    router.send_multipart([b"d", b"then this"])
    assert dealer.recv_multipart() == [b"then this"]


@pytest.mark.better
def test_ROUTER_20_disconnect_msg(zmq, make, fresh, transport):
    """It comes from the peer that has gone, behind all that this peer had sent."""
    router = make("ROUTER", DISCONNECT_MSG=b"gone")
    router.bind(fresh(transport))
    stays, goes = make("DEALER", ROUTING_ID=b"stays"), make("DEALER", ROUTING_ID=b"goes", LINGER=-1)
    for dealer in (stays, goes):
        dealer.connect(endpoint(router))
        hello(dealer, router)
    goes.send(b"last words")
    goes.close()
    assert router.recv_multipart() == [b"goes", b"last words"]
    assert router.recv_multipart() == [b"goes", b"gone"]
    silent(router)
    stays.send(b"still here")
    assert router.recv_multipart() == [b"stays", b"still here"]


@pytest.mark.better
@pytest.mark.parametrize("transport", NETWORKS)
def test_ROUTER_20_and_DEALER_5_hiccup_msg(zmq, make, fresh, transport):
    """A connection of ours that is lost is told here, and not to the peer."""
    dealer, router = make("DEALER", HICCUP_MSG=b"hiccup", RECONNECT_IVL=10, ROUTING_ID=b"d"), make("ROUTER")
    router.bind(fresh(transport))
    dealer.connect(endpoint(router))
    assert hello(dealer, router) == b"d"
    router.close()
    assert dealer.recv_multipart() == [b"hiccup"]
