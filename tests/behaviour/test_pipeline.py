"""PUSH and PULL: turns, mute pipes, peers that die."""
import pytest
from awaiting import Events, dead_endpoint, endpoint, fill, received, received_up_to, until


def test_PUSH_1_mute_without_peers_and_no_recv(zmq, make, fresh, transport):
    push = make("PUSH")
    push.bind(fresh(transport))
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)
    with pytest.raises(zmq.ZMQError) as caught:
        push.recv(zmq.DONTWAIT)
    assert caught.value.errno == zmq.ENOTSUP
    push.sndtimeo = 20
    with pytest.raises(zmq.Again):
        push.send(b"x")


def test_PUSH_2_strict_turns(zmq, make, fresh, transport):
    push = make("PUSH")
    pulls = [make("PULL") for _ in range(3)]
    for pull in pulls:
        pull.bind(fresh(transport))
        push.connect(endpoint(pull))
    for number in range(9):
        push.send(b"%d" % number)
    for place, pull in enumerate(pulls):
        assert [pull.recv() for _ in range(3)] == [b"%d" % number for number in range(place, 9, 3)]


def test_PUSH_3_full_pipe_leaves_the_rotation(zmq, make, fresh):
    push = make("PUSH", SNDHWM=1)
    slow, fast = make("PULL", RCVHWM=1), make("PULL", RCVHWM=1000)
    for pull in (slow, fast):
        pull.bind(fresh("inproc"))
        push.connect(endpoint(pull))
    for number in range(100):
        push.send(b"%d" % number, zmq.DONTWAIT)
    assert len(received(slow, 0)) == 2
    assert len(received(fast, 0)) == 98


def test_PUSH_3_credit_brings_a_pipe_back(zmq, make, fresh):
    push = make("PUSH", SNDHWM=1)
    slow, fast = make("PULL", RCVHWM=1), make("PULL", RCVHWM=1)
    for pull in (slow, fast):
        pull.bind(fresh("inproc"))
        push.connect(endpoint(pull))
    assert fill(zmq, push) == 4
    received(slow, 0)
    assert push.poll(5000, zmq.POLLOUT)  # send() itself may notice credit only a millisecond later
    assert fill(zmq, push) == 2
    assert len(received(slow, 0)) == 2


def test_PUSH_4_queue_for_a_gone_accepted_puller_is_discarded(zmq, make, fresh):
    push = make("PUSH")
    push.bind(fresh("inproc"))
    first = make("PULL")
    first.connect(endpoint(push))
    push.send(b"for the first")
    first.close()
    until(lambda: not push.poll(0, zmq.POLLOUT))
    second = make("PULL")
    second.connect(endpoint(push))
    push.send(b"for the second")
    assert second.recv() == b"for the second"


def test_PUSH_4_queue_of_a_connected_endpoint_survives(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("ipc"))
    where = endpoint(pull)
    push = make("PUSH", RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(where)
    push.send(b"1")
    assert pull.recv() == b"1"
    pull.close()
    events.wait("DISCONNECTED")
    push.send(b"2")
    push.send(b"3")
    pull = make("PULL")
    pull.bind(where)
    assert [pull.recv(), pull.recv()] == [b"2", b"3"]


def test_PUSH_5_rest_of_a_multipart_for_a_dead_puller_is_dropped(zmq, make, fresh):
    push = make("PUSH")
    push.bind(fresh("inproc"))
    first = make("PULL")
    first.connect(endpoint(push))
    push.send(b"a", zmq.SNDMORE)
    first.close()
    push.send(b"b")
    until(lambda: not push.poll(0, zmq.POLLOUT))
    second = make("PULL")
    second.connect(endpoint(push))
    push.send(b"whole")
    assert second.recv_multipart() == [b"whole"]


def test_PUSH_6_unconnected_endpoint_gets_its_share(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    push = make("PUSH")
    push.connect(dead_endpoint())
    push.connect(endpoint(pull))
    for number in range(10):
        push.send(b"%d" % number)
    for _ in range(2):
        push.send(b"end")  # one of the two is for the endpoint that is there
    assert len(received_up_to(pull, b"end")) == 5 + 1


def test_PUSH_6_immediate_only_to_completed_connections(zmq, make, fresh):
    pull = make("PULL")
    pull.bind(fresh("tcp"))
    push = make("PUSH", IMMEDIATE=1)
    push.connect(dead_endpoint())
    push.connect(endpoint(pull))
    for number in range(10):
        push.send(b"%d" % number)
    assert [pull.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]


def test_PULL_1_send_is_not_supported_and_recv_waits(zmq, make, fresh, transport):
    pull = make("PULL")
    with pytest.raises(zmq.ZMQError) as caught:
        pull.send(b"x", zmq.DONTWAIT)
    assert caught.value.errno == zmq.ENOTSUP
    pull.bind(fresh(transport))
    pull.rcvtimeo = 20
    with pytest.raises(zmq.Again):
        pull.recv()


def test_PULL_2_fair_queuing(zmq, make, fresh, transport):
    pull = make("PULL")
    pull.bind(fresh(transport))
    pushes = [make("PUSH") for _ in range(3)]
    for push in pushes:
        push.connect(endpoint(pull))
        push.send(b"attached")
    assert [pull.recv() for _ in range(3)] == [b"attached"] * 3
    for place, push in enumerate(pushes):
        for _ in range(5):
            push.send(b"%d" % place)
    got = [pull.recv() for _ in range(15)]
    assert sorted(got) == [b"0"] * 5 + [b"1"] * 5 + [b"2"] * 5
    if transport == "inproc":  # over a network the first messages may be there alone
        assert all(len(set(got[turn:turn + 3])) == 3 for turn in range(0, 15, 3)), got


def test_PULL_3_messages_of_a_dead_pusher_stay_readable(zmq, make, fresh, transport):
    pull = make("PULL")
    pull.bind(fresh(transport))
    events = Events(zmq, pull) if transport != "inproc" else None
    push = make("PUSH", LINGER=-1)
    push.connect(endpoint(pull))
    for number in range(20):
        push.send(b"%d" % number)
    push.close()
    if events:
        events.wait("DISCONNECTED")
    assert [pull.recv() for _ in range(20)] == [b"%d" % number for number in range(20)]


def test_PUSH_multipart_is_atomic_over_many_pullers(zmq, make, fresh, transport):
    push = make("PUSH")
    pulls = [make("PULL") for _ in range(2)]
    for pull in pulls:
        pull.bind(fresh(transport))
        push.connect(endpoint(pull))
    for number in range(20):
        push.send_multipart([b"%d" % number] * 4)
    for pull in pulls:
        for _ in range(10):
            frames = pull.recv_multipart()
            assert len(frames) == 4 and len(set(frames)) == 1


@pytest.mark.parametrize("binds", [True, False])
@pytest.mark.parametrize(("deaf", "speaker"), [("PUSH", "DEALER"), ("SCATTER", "CLIENT"), ("PUB", "DEALER"), ("RADIO", "DEALER")])
def test_PUSH_7_what_a_peer_sends_is_discarded(zmq, make, fresh, deaf, speaker, binds):
    """Over inproc, where types are not compared; more than fits the queues. It reads when it is called: its events are asked for."""
    deaf, speaker = make(deaf, RCVHWM=10), make(speaker, SNDHWM=10, SNDTIMEO=0)
    first, second = (deaf, speaker) if binds else (speaker, deaf)
    first.bind(fresh("inproc"))
    second.connect(endpoint(first))
    for number in range(100):
        until(lambda: deaf.events is not None and speaker.events & zmq.POLLOUT)
        speaker.send(b"%d" % number)
    until(lambda: deaf.statistics().dropped.unwanted == 100)
