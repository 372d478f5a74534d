"""send_many and recv_many: our own calls for many single-frame messages at once."""

import signal
import threading

import pytest
from awaiting import until

pytestmark = pytest.mark.better


def test_batches_arrive_in_order(pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    wanted = [b"%d" % number for number in range(5000)]
    sender = threading.Thread(target=push.send_many, args=(wanted,))
    sender.start()
    got = []
    while len(got) < len(wanted):
        some = pull.recv_many(300)
        assert 1 <= len(some) <= 300
        got += some
    sender.join()
    assert got == wanted
    push.send(b"end")
    assert pull.recv() == b"end"


@pytest.mark.parametrize("size", [0, 1, 100, 8192, 70000])
def test_batches_of_every_size_of_message_arrive(pair, transport, size):
    push, pull = pair("PUSH", "PULL", transport)
    wanted = [bytes([number]) * size for number in range(100)]
    assert push.send_many(iter(wanted)) == 100
    got = []
    while len(got) < 100:
        got += pull.recv_many()
    assert got == wanted


def test_whatever_send_takes(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    assert push.send_many([b"a", bytearray(b"b"), memoryview(b"c"), zmq.Frame(b"d")]) == 4
    got = []
    while len(got) < 4:
        got += pull.recv_many()
    assert got == [b"a", b"b", b"c", b"d"]
    assert push.send_many([]) == 0
    assert pull.recv_many(0) == []


def test_an_item_that_cannot_be_sent_stops_the_batch_behind_the_others(pair):
    push, pull = pair("PUSH", "PULL")
    with pytest.raises(TypeError, match="send_string"):
        push.send_many([b"a", b"b", "text", b"never"])
    push.send(b"end")
    assert [pull.recv() for _ in range(3)] == [b"a", b"b", b"end"]


def test_an_iterable_that_fails(pair):
    push, pull = pair("PUSH", "PULL")

    def items():
        yield b"a"
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        push.send_many(items())
    assert pull.recv() == b"a"


@pytest.mark.parametrize("how", ["NOBLOCK", "SNDTIMEO"])
def test_as_many_as_there_is_room_for(zmq, make, fresh, how):
    push = make("PUSH", SNDHWM=100, SNDTIMEO=20)
    flags = zmq.NOBLOCK if how == "NOBLOCK" else 0
    with pytest.raises(zmq.Again):
        push.send_many([b"x"], flags)
    push.connect(fresh("inproc"))
    assert push.send_many([b"x"] * 1000, flags) == 100
    with pytest.raises(zmq.Again):
        push.send_many([b"x"], flags)


def test_nothing_to_receive(zmq, make):
    with pytest.raises(zmq.Again):
        make("PULL").recv_many(flags=zmq.NOBLOCK)


def test_wrong_state_and_closed(zmq, pair):
    req, rep = pair("REQ", "REP")
    with pytest.raises(zmq.ZMQError) as error:
        req.send_many([b"1", b"2"])
    assert error.value.errno == zmq.EFSM
    assert rep.recv_many() == [b"1"]
    req.close()
    with pytest.raises(zmq.ZMQError) as error:
        req.send_many([b"1"])
    assert error.value.errno == zmq.ENOTSOCK


def test_a_signal_ends_a_batch_that_waits(zmq, make, fresh):
    push = make("PUSH", SNDHWM=10, SNDTIMEO=-1)
    push.connect(fresh("inproc"))

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Stop):
            push.send_many([b"x" * 9000] * 1000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_batches_of_several_threads_are_mixed_but_whole(pair):
    push, pull = pair("PUSH", "PULL")
    threads = [threading.Thread(target=push.send_many, args=([b"%d %d" % (who, i) for i in range(2000)],)) for who in range(4)]
    for thread in threads:
        thread.start()
    got = []
    while len(got) < 8000:
        got += pull.recv_many()
    for thread in threads:
        thread.join()
    for who in range(4):
        assert [m for m in got if m.startswith(b"%d " % who)] == [b"%d %d" % (who, i) for i in range(2000)]


def test_publishing_many(pair):
    pub, sub = pair("PUB", "SUB")
    sub.subscribe("a")
    until(lambda: pub.send_many([b"probe", b"a probe"]) == 2 and sub.poll(1))
    pub.send_many([b"b1", b"a1", b"b2", b"a2"])
    got = []
    while b"a2" not in got:
        got += sub.recv_many()
    assert [m for m in got if m != b"a probe"] == [b"a1", b"a2"]
