"""Signals that arrive while a call waits, or is just about to."""
import os
import random
import signal
import socket as sockets
import threading
import time

import pytest
from awaiting import endpoint
from platforms import INTERRUPT
from transports import TRANSPORTS

TIMEOUT_MS = 10000      # how late a lost signal would be


class Alarm(Exception):
    pass


def raise_alarm(*_):
    raise Alarm


@pytest.fixture
def alarm():
    """alarm(seconds): Alarm is raised so long after."""
    old = signal.signal(signal.SIGALRM, raise_alarm)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, old)


def interrupted(alarm, call, rounds, greatest=150e-6):
    """Interrupts the call `rounds` times, soon after it has begun."""
    for _ in range(rounds):
        with pytest.raises(Alarm):
            alarm(random.uniform(2e-6, greatest))
            call()


def polls(zmq, flag, *wanted):
    poller = zmq.Poller()
    for item in wanted:
        poller.register(item, flag)
    return poller.poll(TIMEOUT_MS)


# name -> the call: (zmq, a connected PUSH, its PULL, a PUSH without a peer)
WAITING = {
    "recv": lambda zmq, push, pull, full: pull.recv(),
    "recv_multipart": lambda zmq, push, pull, full: pull.recv_multipart(),
    "recv_into": lambda zmq, push, pull, full: pull.recv_into(bytearray(10)),
    "poll": lambda zmq, push, pull, full: pull.poll(TIMEOUT_MS),
    "send": lambda zmq, push, pull, full: full.send(b"x"),
    "send_multipart": lambda zmq, push, pull, full: full.send_multipart([b"x", b"y"]),
    "poll_out": lambda zmq, push, pull, full: full.poll(TIMEOUT_MS, zmq.POLLOUT),
    "poller": lambda zmq, push, pull, full: polls(zmq, zmq.POLLIN, pull),
    "poller_of_two": lambda zmq, push, pull, full: polls(zmq, zmq.POLLIN, pull, full),
    "poller_of_a_descriptor": lambda zmq, push, pull, full: polls(zmq, zmq.POLLIN, pull, full.getsockopt(zmq.FD)),
    "proxy": lambda zmq, push, pull, full: zmq.proxy(pull, full),
}


@pytest.mark.better     # libzmq loses a few that come between its last look and the sleep
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", WAITING)
def test_a_signal_on_the_way_to_sleep_is_not_lost(zmq, make, pair, alarm, name, transport):
    push, pull = pair("PUSH", "PULL", transport)
    full = make("PUSH", SNDTIMEO=TIMEOUT_MS)
    pull.rcvtimeo = TIMEOUT_MS
    for _ in range(3):          # so that waiting for input begins with looking for it again and again
        push.send(b"x")
        assert pull.recv() == b"x"
    interrupted(alarm, lambda: WAITING[name](zmq, push, pull, full), 150)
    # And the sockets are as good as before.
    push.send_multipart([b"a", b"b"])
    assert pull.recv_multipart() == [b"a", b"b"]


@pytest.mark.parametrize("name", WAITING)
def test_ctrl_c_ends_every_call_that_waits(zmq, make, pair, name):
    """Also on Windows, where no signal interrupts a call of the system. (It raises Alarm here, as an exception of nobody else.)"""
    push, pull = pair("PUSH", "PULL")
    full = make("PUSH", SNDTIMEO=TIMEOUT_MS)
    pull.rcvtimeo = TIMEOUT_MS
    old = signal.signal(signal.SIGINT, raise_alarm)
    # When the turns are over that handlers get because a signal may have come on the way to sleep.
    timer = threading.Timer(0.3, eval, [INTERRUPT, globals()])
    began = time.monotonic()
    try:
        with pytest.raises(Alarm):
            timer.start()
            WAITING[name](zmq, push, pull, full)
        assert time.monotonic() - began < 0.9 * TIMEOUT_MS / 1000, "the handler ran when the call was over anyway"
        timer.join()
    finally:
        signal.signal(signal.SIGINT, old)


def test_a_call_goes_on_with_the_time_that_is_left(zmq, make):
    """A handler that returns, again and again: RCVTIMEO does not begin anew."""
    pull = make("PULL", RCVTIMEO=300)
    pull.bind("tcp://127.0.0.1:*")
    handled = []
    old = signal.signal(signal.SIGALRM, lambda *_: handled.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.02)
        with pytest.raises(zmq.Again):
            pull.recv()         # would never end
        assert pull.poll(100) == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert handled


def test_other_threads_wait_on_while_the_main_thread_is_interrupted(zmq, pair, alarm):
    """Six threads blocked in calls of their own take no part in it and lose nothing."""
    pairs = [pair("PUSH", "PULL") for _ in range(3)]
    got = []
    threads = [threading.Thread(target=lambda pull=pull: got.append((pull.poll(TIMEOUT_MS), pull.recv()))) for _, pull in pairs]
    for thread in threads:
        thread.start()
    mine = pair("PUSH", "PULL")
    mine[1].rcvtimeo = TIMEOUT_MS
    interrupted(alarm, mine[1].recv, 100)
    for push, _ in pairs:
        push.send(b"x")
    for thread in threads:
        thread.join(20)
    assert got == [(zmq.POLLIN, b"x")] * 3


def test_the_wakeup_descriptor_of_the_signal_module_is_written(zmq, make):
    """As asyncio and others use it: the handler's number arrives there, and the blocked call goes on."""
    reading, writing = sockets.socketpair()
    with reading, writing:
        writing.setblocking(False)
        push, pull = make("PUSH"), make("PULL")
        pull.bind("tcp://127.0.0.1:*")
        push.connect(endpoint(pull))
        old = signal.signal(signal.SIGUSR1, lambda *_: push.send(b"woken"))
        old_fd = signal.set_wakeup_fd(writing.fileno())
        try:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            assert pull.recv() == b"woken"
            assert reading.recv(1) == bytes([signal.SIGUSR1])
        finally:
            signal.set_wakeup_fd(old_fd)
            signal.signal(signal.SIGUSR1, old)


def test_a_proxy_interrupted_while_it_waits_for_room_loses_nothing(zmq, pair, make):
    """The handler returns: what the proxy had in hand goes on when there is room."""
    source, front = pair("PUSH", "PULL")
    back = make("PUSH", SNDHWM=1)
    back.bind("inproc://proxy-room")
    capture = make("PUSH", SNDHWM=1)
    capture.bind("inproc://proxy-capture")
    sink, copies = make("PULL", RCVHWM=1, RCVTIMEO=20000), make("PULL", RCVHWM=1, RCVTIMEO=20000)
    got, copied = [], []
    handled = threading.Semaphore(0)
    old = signal.signal(signal.SIGALRM, lambda *_: handled.release())

    def work():
        for number in range(200):
            source.send_multipart([b"%d" % number, b"x"])
        sink.connect("inproc://proxy-room")
        for _ in range(20):
            handled.acquire(timeout=20)     # it has a message in hand, nobody takes the copy
        copies.connect("inproc://proxy-capture")
        quiet = time.monotonic() + 20
        while len(got) + len(copied) < 400 and time.monotonic() < quiet:
            for socket, into in ((copies, copied), (sink, got)):
                if socket.poll(5):
                    into.append(socket.recv_multipart())
        os.kill(os.getpid(), signal.SIGUSR1)

    def stop(*_):
        raise Alarm

    thread = threading.Thread(target=work)
    old_stop = signal.signal(signal.SIGUSR1, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        thread.start()
        with pytest.raises(Alarm):
            zmq.proxy(front, back, capture)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        signal.signal(signal.SIGUSR1, old_stop)
        thread.join(20)
    expected = [[b"%d" % number, b"x"] for number in range(200)]
    assert got == expected and copied == expected
