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
@given(ops, st.booleans())
def test_behaves_like_a_deque_of_whole_messages(ops, one_lock):
    ring = _probe.ring_Queue(one_lock=one_lock)
    published, unpublished = deque(), []
    number = 0
    for op, count, more in ops:
        if op == "push":
            # `count` frames cross the segment sizes (4, 32, then 256) sooner or later
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
        if published and published[0][1]:
            assert ring.second() == published[1][0]
    while published:
        assert ring.pop() == published.popleft()
    assert ring.pop() is None


def test_under_one_lock_messages_that_pass_one_by_one_take_no_more_memory():
    sizes = {False: set(), True: set()}
    for one_lock, seen in sizes.items():
        ring = _probe.ring_Queue(one_lock=one_lock)
        for _ in range(1000):
            ring.push(b"a", True)
            ring.push(b"b")
            assert ring.pop() == (b"a", True)
            assert ring.pop() == (b"b", False)
            assert ring.empty
            seen.add(ring.idle_bytes)
    assert len(sizes[True]) == 1 and max(sizes[True]) < 512
    assert max(sizes[False]) > 16384     # two threads: the reader may be anywhere, so the writer goes on to segments of 256


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


# -- the first message changes places with the second


@given(st.integers(1, 600), st.integers(1, 600), st.integers(1, 300), st.integers(0, 299))
def test_the_rest_of_a_message_changes_places_with_the_next(before, first, second, begun):
    begun = min(begun, first - 1)
    ring = _probe.ring_Queue()
    frames = {name: [b"%s %d" % (name, i) for i in range(n)] for name, n in ((b"0", before), (b"1", first), (b"2", second), (b"3", 2))}
    for one in frames.values():
        for i, frame in enumerate(one):
            ring.push(frame, i + 1 < len(one))
    for frame in frames[b"0"] + frames[b"1"][:begun]:  # it begins anywhere in a segment
        assert ring.pop()[0] == frame
    assert ring.turn()
    left = frames[b"2"] + frames[b"1"][begun:] + frames[b"3"]
    assert [ring.pop()[0] for _ in left] == left
    assert ring.empty


def test_nothing_to_change_places_with():
    ring = _probe.ring_Queue()
    assert not ring.turn()
    ring.push(b"a", True)
    assert not ring.turn()
    ring.push(b"b")
    ring.push(b"c", True)  # not published
    assert not ring.turn()
    assert [ring.pop(), ring.pop(), ring.pop()] == [(b"a", True), (b"b", False), None]


# -- what all rings of a context may hold


def cost(*frames):
    return sum(len(frame) + 64 for frame in frames)


def test_a_limit_for_several_rings():
    budget = _probe.ring_Budget(1000, 3)
    assert not budget[0].full
    budget[0].push(b"x" * 936)
    assert budget.used == 1000
    assert budget[0].full
    assert not budget[1].full  # an empty one takes a message whatever the others hold
    budget[1].push(b"y")
    assert budget[1].full
    assert budget.hits == 2
    assert budget.told() == []
    assert budget[1].pop() == (b"y", False)
    assert budget.told() == []  # it is empty again, though the limit is still reached: that concerns nobody else
    assert not budget[1].full
    assert budget[0].full
    assert budget[0].pop()[0] == b"x" * 936
    assert budget.told() == [0, 1]
    assert budget.used == 0
    budget[2].push(b"z" * 5000)  # of any size
    assert budget[2].full  # what was written last counts from the next look on
    assert not budget[1].full
    budget[1].push(b"y")
    assert budget[1].full
    budget.limit(10_000)
    assert budget.told() == [1, 2]
    assert not budget[1].full
    budget.limit(0)
    assert not budget[2].full
    budget.drop(2)
    assert budget.used == cost(b"y")


def test_a_limit_is_told_of_in_eighths():
    budget = _probe.ring_Budget(8000, 2)
    for _ in range(8):
        budget[0].push(b"x" * 936)
    budget[1].push(b"y")
    assert budget[0].full and budget[1].full
    budget[0].pop()  # 7065 are left
    assert budget.told() == []
    budget[0].pop()
    assert budget.told() == [0, 1]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(0, 60), st.sampled_from(["push", "push", "pop", "rollback", "look"])), max_size=60))
def test_a_limit_counts_exactly(steps):
    budget = _probe.ring_Budget(500, 3)
    queues, unfinished = [deque() for _ in range(3)], [[] for _ in range(3)]
    written, charged, granted = [0] * 3, [0] * 3, [False] * 3
    for at, count, size, step in steps:
        ring = budget[at]
        if step == "push":
            for i in range(count):
                more = i + 1 < count or size % 7 == 0
                ring.push(b"f" * size, more)
                unfinished[at].append((b"f" * size, more))
                written[at] += cost(b"f" * size)
            if not more:
                queues[at].extend(unfinished[at])
                unfinished[at] = []
        elif step == "rollback":
            ring.rollback()
            written[at] -= cost(*(frame for frame, _ in unfinished[at]))
            unfinished[at] = []
        elif step == "pop":
            more = True
            while more and queues[at]:
                frame = ring.pop()
                assert frame == queues[at].popleft()
                more = frame[1]
        else:
            held = sum(cost(*(frame for frame, _ in one)) for one in [*queues, *unfinished])
            assert budget.used == held
            mine = cost(*(frame for frame, _ in [*queues[at], *unfinished[at]]))
            # Room that was found before stays until something has been written.
            granted = [granted[i] and written[i] == charged[i] for i in range(3)]
            charged = written[:]
            granted[at] = granted[at] or not (held >= 500 and mine > 0)
            assert ring.full != granted[at]
    for at in range(3):
        budget.drop(at)
    assert budget.used == 0
