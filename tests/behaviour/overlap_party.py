"""overlap_party.py close|refill: with gate.c between it and the kernel, something happens while the I/O thread writes."""

import ctypes
import os
import sys
import threading
import time

import zmqcore as zmq

gate = ctypes.CDLL(None)
count, received = 0, []
SIZE = (1 << 20) + 20000  # what one write apart takes, and a rest that is too small for another


def work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def begin():
    """A program whose large frames are handed over: one of them waits at the gate."""
    here, there = zmq.Context(), zmq.Context()
    pull = there.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push = here.socket(zmq.PUSH)
    push.sndhwm = 1
    push.connect(f"tcp://127.0.0.1:{port}")
    threading.Thread(target=lambda: [received.append(len(frame)) for frame in iter(pull.recv, None)], daemon=True).start()
    while push.statistics().handed_over < 20:
        sent(push, SIZE)
        work(0.001)
    gate.gate_shut(1)
    while gate.gate_at() < 0:
        sent(push, SIZE)
        work(0.001)
    return push


def sent(push, size):
    """False: there was no room."""
    global count
    try:
        push.send(bytes(size), zmq.DONTWAIT)
    except zmq.Again:
        return False
    count += 1
    return True


def close():
    """Whoever closes waits for the end of the write."""
    push = begin()
    threading.Timer(0.3, gate.gate_shut, [0]).start()
    push.close(0)
    assert gate.gate_at() < 0 and gate.gate_torn() == 0


def refill():
    """What the end of one frame makes room for is written without the lock, too."""
    push = begin()
    while sent(push, SIZE):
        pass
    before = push.statistics().handed_over
    gate.gate_shut(0)
    while len(received) < count:
        time.sleep(0.001)
    assert push.statistics().handed_over >= before + 2


{"close": close, "refill": refill}[sys.argv[1]]()
print("done", flush=True)
os._exit(0)
