"""src/pipe/ring: a queue of frames between two threads."""

import os
import threading
from collections import deque

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zmqcore import _probe

ops = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 40), st.booleans()),
        st.tuples(st.just("pop"), st.integers(1, 40), st.booleans()),
        st.tuples(st.just("rollback"), st.just(0), st.booleans()),
        st.tuples(st.just("trim"), st.just(0), st.booleans()),
    ),
    max_size=80,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(ops)
def test_behaves_like_a_deque_of_whole_messages(ops):
    ring = _probe.ring_Queue()
    published, unpublished = deque(), []
    number = 0
    for op, count, more in ops:
        if op == "push":
            # `count` frames cross the segment sizes (16, then 256) sooner or later
            for i in range(count):
                number += 1
                frame = str(number).encode() * (1 + number % 20)
                last = i == count - 1 and not more
                ring.push(frame, not last)
                unpublished.append((frame, not last))
                if last:
                    published.extend(unpublished)
                    unpublished.clear()
        elif op == "pop":
            for _ in range(count):
                assert ring.pop() == (published.popleft() if published else None)
        elif op == "rollback":
            ring.rollback()
            unpublished.clear()
        else:
            ring.trim()
        assert ring.empty == (not published)
        assert ring.mid_message == bool(unpublished)
        assert ring.messages == sum(not frame[1] for frame in published)
    while published:
        assert ring.pop() == published.popleft()
    assert ring.pop() is None


def test_nothing_of_an_unfinished_message_is_visible():
    ring = _probe.ring_Queue()
    for _ in range(1000):
        ring.push(b"part", True)
    assert ring.pop() is None
    ring.push(b"end")
    assert [ring.pop() for _ in range(1001)] == [(b"part", True)] * 1000 + [(b"end", False)]


@pytest.mark.parametrize("hwm", [1, 2, 3, 4, 10, 999, 1000])
def test_mark_and_lump(hwm):
    ring = _probe.ring_Queue(hwm)
    for _ in range(hwm):
        assert not ring.full
        ring.push(b"a", True)
        ring.push(b"b")
    assert ring.full
    # Credit comes back after half the mark, not after one message.
    for read in range(1, hwm + 1):
        ring.pop()
        ring.pop()
        assert ring.full == (read < (hwm + 1) // 2)


def test_no_mark():
    ring = _probe.ring_Queue(0)
    for _ in range(5000):
        assert not ring.full
        ring.push(b"x")


def test_a_lowered_mark_blocks_until_the_fill_is_below():
    ring = _probe.ring_Queue(100)
    for _ in range(50):
        ring.push(b"x")
    ring.set_hwm(10)
    assert ring.full
    for _ in range(45):
        ring.pop()
    assert not ring.full
    for _ in range(5):
        ring.push(b"x")
    assert ring.full


def test_mark_in_bytes():
    ring = _probe.ring_Queue(0)
    ring.set_hwm(0, 100)
    for _ in range(10):
        assert not ring.full
        ring.push(b"x" * 10)
    assert ring.full
    # Credit comes back after half the mark.
    for read in range(1, 11):
        ring.pop()
        assert ring.full == (read < 5)
    ring.push(b"x" * 1000)
    assert ring.full
    ring.pop()
    assert not ring.full


def test_both_marks():
    ring = _probe.ring_Queue(0)
    ring.set_hwm(3, 100)
    for _ in range(3):
        assert not ring.full
        ring.push(b"x")
    assert ring.full
    ring.set_hwm(0, 3)
    assert ring.full
    ring.set_hwm(0, 4)
    assert not ring.full
    ring.set_hwm(3, 0)
    assert ring.full
    ring.pop()
    ring.pop()
    assert not ring.full


@pytest.mark.parametrize("parts", [1, 3, 40])
@pytest.mark.parametrize("hwm, hwm_bytes", [(0, 0), (1, 0), (2, 0), (1000, 0), (0, 100), (1000, 50), (2, 1)])
def test_two_threads(hwm, hwm_bytes, parts):
    """Order, whole messages only, and no lost wake-up: both sides really sleep."""
    count = (300_000 if (hwm == 0 or hwm > 100) and not hwm_bytes else 20_000) // parts
    if os.cpu_count() == 1:
        count //= 20
    ring = _probe.ring_Queue(hwm)
    ring.set_hwm(hwm, hwm_bytes)
    written = []
    writer = threading.Thread(target=lambda: written.append(ring.produce(count, parts)))
    writer.start()
    read = ring.consume(count)
    writer.join()
    assert written == [read]


# ---- conflating


def test_conflating_keeps_the_newest_whole_message():
    ring = _probe.ring_Queue(0, conflate=True)
    assert ring.empty and ring.pop() is None
    for i in range(100):
        assert not ring.full
        ring.push(b"%d" % i, True)
        ring.push(b"end%d" % i)
    ring.push(b"unfinished", True)
    assert ring.pop() == (b"99", True)
    # The message being read is not replaced under the reader.
    ring.rollback()
    ring.push(b"next")
    assert not ring.empty
    assert ring.pop() == (b"end99", False)
    assert ring.pop() == (b"next", False)
    assert ring.pop() is None and ring.empty


def test_conflating_ignores_marks():
    ring = _probe.ring_Queue(2, conflate=True)
    ring.set_hwm(1)
    for i in range(10):
        assert not ring.full
        ring.push(b"%d" % i)
    assert ring.pop() == (b"9", False)


@pytest.mark.parametrize("parts", [1, 5])
def test_conflating_two_threads(parts):
    """The reader sees whole messages, newer ones each time, and the last one."""
    ring = _probe.ring_Queue(0, conflate=True)
    count = 200_000
    writer = threading.Thread(target=ring.produce_numbered, args=(count, parts))
    writer.start()
    seen = ring.consume_newest(count, parts)
    writer.join()
    assert 1 <= seen <= count
    # The count moves after the message: a reader that was faster sees it in its next look.
    assert ring.pop() is None and ring.empty
