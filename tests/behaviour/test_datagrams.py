"""What holds over every transport, as far as it can hold for datagrams: RADIO to DISH over each way to send them. What belongs to udp: test_udp.py."""

import asyncio
import gc
import importlib
import os
import select
import threading

import pytest
from awaiting import Events, endpoint, received, until
from platforms import descriptors, errno
from transports import DATAGRAMS

pytestmark = [pytest.mark.better, pytest.mark.parametrize("transport", DATAGRAMS)]  # a release of libzmq has none of these types

NUMBERED = [b"%d" % number for number in range(100)]


@pytest.fixture
def couple(make, transport):
    """couple() -> a RADIO that sends to a DISH, which has joined "g"."""

    def couple(radio_options=None, dish_options=None):
        dish = make("DISH", IPV6=1, **(dish_options or {}))
        dish.join("g")
        dish.bind(DATAGRAMS[transport])
        radio = make("RADIO", IPV6=1, **(radio_options or {}))
        radio.connect(endpoint(dish))
        return radio, dish

    return couple


def refused(zmq, error, call, *args, **kwargs):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*args, **kwargs)
    assert caught.value.errno == error, caught.value


def send_all(radio, bodies, group="g"):
    for body in bodies:
        radio.send(body, group=group)


def test_DRAFT_12_groups_are_told_apart(zmq, couple):
    radio, dish = couple()
    dish.join("h")
    for group, body in (("g", b"1"), ("gg", b"no"), ("", b"no"), ("h", b"2"), ("G", b"no"), ("g" * 255, b"no")):
        radio.send(body, group=group)
    got = [dish.recv(copy=False) for _ in range(2)]
    assert [(frame.group, frame.bytes) for frame in got] == [("g", b"1"), ("h", b"2")]
    dish.leave("g")
    send_all(radio, [b"no"])
    send_all(radio, [b"3"], "h")
    assert dish.recv() == b"3"
    assert dish.statistics().dropped.filtered == 5


def test_DRAFT_12_every_size_arrives_as_it_was(couple):
    radio, dish = couple()
    for size in (0, 1, 33, 254, 255, 256, 1471, 1472, 1473, 8190, 8192, 65000):
        body = os.urandom(size)
        radio.send(body, group="g")
        assert dish.recv() == body


def test_DRAFT_12_one_radio_to_several_dishes(make, couple, transport):
    radio, dish = couple()
    other = make("DISH", IPV6=1)
    other.join("g")
    other.bind(DATAGRAMS[transport])
    radio.connect(endpoint(other))
    send_all(radio, NUMBERED)
    for each in (dish, other):
        assert [each.recv() for _ in NUMBERED] == NUMBERED


def test_HWM_7_a_full_dish_keeps_its_mark_and_reads_on(couple):
    radio, dish = couple(None, {"RCVHWM": 10})
    send_all(radio, NUMBERED)
    until(lambda: dish.statistics().full_in)
    assert dish.statistics().queued_in == 10
    assert [dish.recv() for _ in NUMBERED] == NUMBERED
    assert dish.statistics().dropped.total == 0


def test_HWM_7_a_radio_never_waits(zmq, couple):
    radio, dish = couple({"SNDHWM": 1}, {"RCVHWM": 1, "RCVBUF": 4096})
    for number in range(3000):
        radio.send(b"%d" % number, zmq.DONTWAIT, group="g")
    assert radio.poll(0, zmq.POLLOUT)
    until(lambda: radio.statistics().queued_out == 0)
    sent = radio.statistics()
    assert sent.messages_out + sent.dropped.full == 3000
    assert dish.recv() == b"0"


def test_LIFE_2_linger_sends_what_was_sent(context, couple):
    radio, dish = couple(None, {"RCVHWM": 0})
    send_all(radio, NUMBERED)
    radio.close(linger=-1)
    assert [dish.recv() for _ in NUMBERED] == NUMBERED


def test_LIFE_2_nothing_keeps_a_close_waiting(zmq, couple):
    radio, dish = couple()
    dish.unbind(endpoint(dish))  # nobody listens any more
    send_all(radio, NUMBERED)
    report = radio.close(linger=10_000, timeout=10_000)
    assert report.ended and not report.undelivered


def test_STAT_10_what_a_dish_leaves_unread_is_counted(couple):
    radio, dish = couple()
    send_all(radio, NUMBERED)
    until(lambda: dish.statistics().queued_in == 100)
    dish.recv()
    dish.close()
    assert (dish.statistics().messages_in, dish.statistics().dropped.unread) == (100, 99)


def test_CTX_5_term_ends_a_recv(zmq, transport):
    context = zmq.Context()
    dish = context.socket(zmq.DISH)
    dish.setsockopt(zmq.IPV6, 1)
    dish.bind(DATAGRAMS[transport])
    caught = []

    def receive():
        try:
            dish.recv()
        except zmq.ZMQError as error:
            caught.append(error.errno)
        dish.close(linger=0)

    receiver = threading.Thread(target=receive)
    receiver.start()
    context.term()
    receiver.join(10)
    assert caught == [zmq.ETERM]


def test_POLL_1_and_20_it_can_be_waited_for(zmq, couple):
    radio, dish = couple()
    assert not dish.poll(0)
    refused(zmq, zmq.EAGAIN, dish.recv, zmq.DONTWAIT)
    dish.setsockopt(zmq.RCVTIMEO, 1)
    refused(zmq, zmq.EAGAIN, dish.recv)
    dish.setsockopt(zmq.RCVTIMEO, 10_000)
    send_all(radio, [b"x"])
    assert select.select([dish.FD], [], [], 10)[0]
    assert dish.poll(10_000) == zmq.POLLIN
    assert dish.recv() == b"x"
    assert radio.poll(0, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLOUT


def test_MON_7_the_events_of_both_ends(zmq, make, transport):
    dish, radio = make("DISH", IPV6=1), make("RADIO", IPV6=1)
    of_dish, of_radio = Events(zmq, dish), Events(zmq, radio)
    dish.bind(DATAGRAMS[transport])
    where = endpoint(dish)
    assert of_dish.next()[::2] == ("LISTENING", where)
    radio.connect(where)
    assert of_radio.next()[::2] == ("CONNECTED", where)
    dish.unbind(where)
    assert of_dish.next()[::2] == ("CLOSED", where)
    dish.close()
    assert of_dish.next()[0] == "MONITOR_STOPPED"


def test_END_3_12_and_21_addresses(zmq, make, couple, transport):
    radio, dish = couple()
    where = endpoint(dish)
    assert where.startswith("udp://") and "*" not in where
    refused(zmq, zmq.ENOCOMPATPROTO, make("RADIO", IPV6=1).bind, where)
    refused(zmq, zmq.ENOCOMPATPROTO, make("DISH", IPV6=1).connect, where)
    refused(zmq, zmq.ENOCOMPATPROTO, make("PULL", IPV6=1).bind, where)
    refused(zmq, errno.ENOENT, dish.unbind, DATAGRAMS[transport])
    refused(zmq, errno.ENOENT, radio.disconnect, where + "1")
    refused(zmq, errno.EINVAL, radio.connect, where.rpartition(":")[0])
    for _ in range(3):  # the address is free at once
        dish.unbind(where)
        dish.bind(where)
    radio.disconnect(where)
    send_all(radio, [b"to nobody"])
    assert radio.statistics().dropped.nobody == 1
    radio.connect(where)
    send_all(radio, [b"x"])
    assert dish.recv() == b"x"


def test_DRAFT_1_many_threads_send(couple):
    radio, dish = couple({"SNDHWM": 0}, {"RCVHWM": 0})
    threads = [threading.Thread(target=send_all, args=(radio, [b"%d %d" % (name, number) for number in range(100)])) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = [dish.recv() for _ in range(400)]
    for name in range(4):
        assert [body for body in got if body.startswith(b"%d " % name)] == [b"%d %d" % (name, number) for number in range(100)]


def test_DRAFT_12_many_at_once(couple):
    radio, dish = couple()
    dish.join("")
    assert radio.send_many(NUMBERED) == 100
    got = []
    while len(got) < 100:
        got += dish.recv_many()
    assert got == NUMBERED


def test_DRAFT_12_asyncio(zmq, transport):
    zmq_asyncio = importlib.import_module(f"{zmq.__name__}.asyncio")

    async def main():
        with zmq_asyncio.Context() as context:
            radio, dish = context.socket(zmq.RADIO), context.socket(zmq.DISH)
            for socket in (radio, dish):
                socket.setsockopt(zmq.IPV6, 1)
            dish.join("g")
            dish.bind(DATAGRAMS[transport])
            radio.connect(endpoint(dish))
            waiting = asyncio.ensure_future(dish.recv())
            await asyncio.sleep(0)
            for body in NUMBERED:
                await radio.send(body, group="g")
            got = [await asyncio.wait_for(waiting, 10)]
            while len(got) < 100:
                got.append(await asyncio.wait_for(dish.recv(), 10))
            assert got == NUMBERED
            context.destroy(linger=0)

    asyncio.run(main())


@pytest.mark.skipif(descriptors() is None, reason="counts descriptors, and nobody tells how many there are")
def test_END_26_no_descriptor_is_left(zmq, make, couple):
    radio, dish = couple()
    where = endpoint(dish)

    def cycle():
        radio.disconnect(where)
        dish.unbind(where)
        dish.bind(where)
        radio.connect(where)
        send_all(radio, [b"x"])
        assert dish.recv() == b"x"

    cycle()
    gc.collect()
    before = descriptors()
    for _ in range(10):
        cycle()
    assert descriptors() == before
    assert received(dish, 0) == []
