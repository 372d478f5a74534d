"""What a sleep costs: in round trips there are no timers of the kernel, which take it a microsecond each."""

import os

import pytest
from preload import run_with
from transports import PLAIN

pytestmark = [
    pytest.mark.better,  # a call that sleeps by itself
    pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer makes round trips so slow that their sleeps are no first ones"),
]

ROUND_TRIPS = 2000

PROGRAM = f"""
import ctypes, threading, zmqcore as zmq
context = zmq.Context()
asks, answers = context.socket(zmq.%s), context.socket(zmq.%s)
asks.io_strategy = answers.io_strategy = 0
answers.bind("%s")
asks.connect(answers.last_endpoint)

def answer(n):
    for _ in range(n):
        answers.send_multipart(answers.recv_multipart())

def round_trips(n):
    other = threading.Thread(target=answer, args=(n,))
    other.start()
    for _ in range(n):
        asks.send(b"question")
        asks.recv()
    other.join()

round_trips(50)
count = ctypes.CDLL(None).sleeps_with_a_timer
count.restype = ctypes.c_long
began = count()
round_trips({ROUND_TRIPS})
print(count() - began)
context.destroy(linger=0)
"""


@pytest.mark.parametrize("transport", PLAIN)
@pytest.mark.parametrize("asks, answers", [("REQ", "REP"), ("DEALER", "ROUTER"), ("PAIR", "PAIR")])
def test_sleeps_of_round_trips_have_no_timer(tmp_path, fresh, transport, asks, answers):
    timed = int(run_with("sleep_timers", tmp_path, PROGRAM % (asks, answers, fresh(transport))))
    assert timed < ROUND_TRIPS // 10  # a busy machine makes some sleeps longer than their first part
