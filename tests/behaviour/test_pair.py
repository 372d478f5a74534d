"""PAIR: exactly one peer."""

import pytest
from awaiting import Events, endpoint, fill, silent, try_to_send, until
from platforms import errno
from transports import NETWORKS


def test_PAIR_1_second_peer_is_turned_away(zmq, make, fresh):
    bound = make("PAIR")
    bound.bind(fresh("tcp"))
    first = make("PAIR")
    first.connect(endpoint(bound))
    first.send(b"1")
    assert bound.recv() == b"1"
    second = make("PAIR", RECONNECT_IVL=-1)
    events = Events(zmq, second)
    second.connect(endpoint(bound))
    try_to_send(zmq, second)
    events.wait("CONNECTED")
    silent(bound)
    bound.send(b"2")
    assert first.recv() == b"2"
    assert second.poll(0) == 0


@pytest.mark.better
def test_PAIR_1_second_peer_is_disconnected(zmq, make, fresh):
    """libzmq leaves the connection open and deaf; a peer that is told can look elsewhere."""
    bound = make("PAIR")
    bound.bind(fresh("tcp"))
    first = make("PAIR")
    first.connect(endpoint(bound))
    first.send(b"1")
    assert bound.recv() == b"1"
    second = make("PAIR", RECONNECT_IVL=-1)
    events = Events(zmq, second)
    second.connect(endpoint(bound))
    events.wait("DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL")


def test_PAIR_1_second_inproc_peer_gets_nothing(zmq, make, fresh):
    bound = make("PAIR")
    bound.bind(fresh("inproc"))
    first, second = make("PAIR"), make("PAIR")
    first.connect(endpoint(bound))
    second.connect(endpoint(bound))
    first.send(b"1")
    assert bound.recv() == b"1"
    bound.send(b"2")
    assert first.recv() == b"2"
    assert second.poll(20) == 0


def test_PAIR_2_mute_without_a_peer(zmq, make, fresh, transport):
    bound = make("PAIR")
    bound.bind(fresh(transport))
    with pytest.raises(zmq.Again):
        bound.send(b"x", zmq.DONTWAIT)


def test_PAIR_2_mute_when_full(zmq, pair):
    left, right = pair("PAIR", "PAIR", "inproc", {"SNDHWM": 2}, {"RCVHWM": 3})
    assert fill(zmq, left) == 5
    right.recv()


def test_PAIR_2_a_new_peer_takes_the_place(zmq, make, fresh, transport):
    bound = make("PAIR")
    bound.bind(fresh(transport))

    def accepted():
        """The old peer's end is noticed asynchronously; until then a newcomer is turned away."""
        peer = make("PAIR")
        peer.connect(endpoint(bound))
        peer.send(b"hello")
        if bound.poll(20):
            assert bound.recv() == b"hello"
            return peer
        peer.close()
        return None

    for _newcomer in range(3):
        peer = until(accepted)
        bound.send(b"back")
        assert peer.recv() == b"back"
        peer.close()


def test_PAIR_3_roundtrip(zmq, pair, transport):
    left, right = pair("PAIR", "PAIR", transport)
    for one, other in ((left, right), (right, left)):
        one.send_multipart([b"a", b"", b"c" * 300])
        assert other.recv_multipart() == [b"a", b"", b"c" * 300]


def test_PAIR_4_multipart_of_shared_buffers(zmq, pair):
    left, right = pair("PAIR", "PAIR", "inproc")
    constant = zmq.Frame(b"constant " * 1000)
    left.send_multipart([constant, constant], copy=False)
    assert right.recv_multipart() == [b"constant " * 1000] * 2
    assert constant.bytes == b"constant " * 1000


def test_PAIR_5_connects_by_name(zmq, make, fresh):
    bound = make("PAIR")
    bound.bind(fresh("tcp"))
    left = make("PAIR")
    left.connect(endpoint(bound).replace("127.0.0.1", "localhost"))
    left.send(b"x")
    assert bound.recv() == b"x"
    silent(left, 10)


def test_PAIR_1_second_connect_is_accepted(zmq, make, fresh, transport):
    """There may be several endpoints; there is one peer."""
    first, second, pair = make("PAIR"), make("PAIR"), make("PAIR")
    first.bind(fresh(transport))
    second.bind(fresh(transport))
    pair.connect(endpoint(first))
    pair.send(b"1")
    assert first.recv() == b"1"
    pair.connect(endpoint(second))
    for number in range(3):
        pair.send(b"%d" % number)
        assert first.recv() == b"%d" % number
    assert second.poll(0) == 0
    first.send(b"back")
    assert pair.recv() == b"back"


@pytest.mark.better
@pytest.mark.parametrize("immediate", [0, 1])
@pytest.mark.parametrize("transport", NETWORKS)
def test_PAIR_1_second_connect_takes_over(zmq, make, fresh, transport, immediate):
    """In libzmq its connection stays open and deaf."""
    first, second, pair = make("PAIR"), make("PAIR"), make("PAIR", IMMEDIATE=immediate)
    first.bind(fresh(transport))
    second.bind(fresh(transport))
    pair.connect(endpoint(first))
    pair.send(b"1")
    assert first.recv() == b"1"
    pair.connect(endpoint(second))
    with pytest.raises(zmq.Again):
        second.send(b"nobody there yet", zmq.DONTWAIT)
    pair.disconnect(endpoint(first))
    pair.send(b"2")
    assert second.recv() == b"2"
    second.send(b"back")
    assert pair.recv() == b"back"
    pair.disconnect(endpoint(second))
    with pytest.raises(zmq.Again):
        pair.send(b"3", zmq.DONTWAIT)


def test_PAIR_1_second_connect_closes_at_once(zmq, make, fresh, transport):
    """Nothing can wait in it, so LINGER has nothing to wait for."""
    bound, pair = make("PAIR"), make("PAIR")
    bound.bind(fresh(transport))
    pair.connect(endpoint(bound))
    pair.send(b"1")
    assert bound.recv() == b"1"
    pair.connect(fresh("ipc"))
    pair.close(linger=-1)


@pytest.mark.parametrize("bound_first", [True, False])
def test_PAIR_1_second_inproc_connect_can_be_let_go(zmq, make, fresh, bound_first):
    """The endpoint that nobody was joined through has nothing to let go of."""
    where = [fresh("inproc"), fresh("inproc")]
    pair, peers = make("PAIR"), [make("PAIR"), make("PAIR")]
    peers[0].bind(where[0])
    if bound_first:
        peers[1].bind(where[1])
    for _ in range(3):
        pair.connect(where[0])
        pair.connect(where[1])
        pair.send(b"x")
        assert peers[0].recv() == b"x"
        for endpoint_ in where:
            try:
                pair.disconnect(endpoint_)
            except zmq.ZMQError as error:
                assert error.errno == errno.ENOENT
        until(lambda: not peers[0].getsockopt(zmq.EVENTS))
    pair.connect(where[0])
    pair.connect(where[1])
    pair.close()


def test_PAIR_1_of_two_connects_that_wait_for_the_bind_one_is_taken(zmq, make, fresh):
    where = fresh("inproc")
    bound, first, second = make("PAIR"), make("PAIR"), make("PAIR")
    first.connect(where)
    second.connect(where)
    bound.bind(where)
    first.send(b"x")
    assert bound.recv() == b"x"
    second.close(linger=0)
    bound.send(b"y")
    assert first.recv() == b"y"
