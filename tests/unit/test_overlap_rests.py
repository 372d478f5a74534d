"""A program whose processor is taken while large frames are handed over writes the next ones itself (io/overlap.pxd)."""

from zmqcore._probe import overlap_rests

HANDED = 32


def looks(losses, thread=1, start=0):
    """One look after each 32 frames, with so many losses since the one before."""
    total = start
    made = [(thread, total, HANDED)]
    for lost in losses:
        total += lost
        made.append((thread, total, HANDED))
    return made


def test_the_first_look_says_nothing():
    assert overlap_rests([(1, 12345, HANDED)]) == [0]


def test_a_few_losses_are_nothing():
    assert overlap_rests(looks([0, 1, 5, 3, 5])) == [0] * 6


def test_rests_grow_while_the_looks_say_the_same():
    assert overlap_rests(looks([6] * 8)) == [0, 256, 512, 1024, 2048, 4096, 8192, 8192, 8192]


def test_a_free_look_halves_the_next_rest():
    assert overlap_rests(looks([6, 6, 6, 0, 6])) == [0, 256, 512, 1024, 0, 1024]
    assert overlap_rests(looks([6, 6, 6, 0, 0, 0, 0, 6])) == [0, 256, 512, 1024, 0, 0, 0, 0, 256]


def test_threads_are_not_compared_with_one_another():
    busy, idle = looks([0, 1, 0], 1, 5000), looks([1, 0, 1], 2, 3)
    assert overlap_rests([one for pair in zip(busy, idle) for one in pair]) == [0] * 8
    assert overlap_rests([*looks([0], 1), *looks([6], 2, 9)]) == [0, 0, 0, 256]


def test_after_a_long_absence_a_look_begins_anew():
    """Then the messages are counted from 0."""
    assert overlap_rests([(1, 0, 0), (1, 100, HANDED), (1, 101, HANDED)]) == [0, 0, 0]


def test_the_count_may_shrink_and_wrap():
    """Yields are taken off, though the system has not counted each of them."""
    assert overlap_rests(looks([-3, 2, -200, 0])) == [0] * 5
    assert overlap_rests(looks([1, 1, 6], start=2**32 - 4)) == [0, 0, 0, 256]
