"""Poll sets: every back end this system has keeps the same promises."""

import contextlib
import os
import socket
import sys
import threading

import pytest
from descriptors import POLLIN, POLLOUT
from platforms import errno

from zmqcore import _probe

IN, OUT, ERR, DIRECT = _probe.REACTOR_IN, _probe.REACTOR_OUT, _probe.REACTOR_ERR, _probe.REACTOR_DIRECT
FOREVER = -1
WIDE = sys.maxsize - 7  # a tag as wide as a pointer
SECOND = 10**9


def available():
    for kind in ("epoll", "kqueue", "poll"):
        try:
            _probe.ReactorPollset(kind).close()
        except OSError as e:
            assert e.errno == errno.ENOSYS
        else:
            yield kind


@pytest.fixture(params=list(available()))
def kind(request):
    return request.param


@pytest.fixture
def pollset(kind):
    made = []

    def make():
        made.append(_probe.ReactorPollset(kind))
        return made[-1]

    yield make
    for ps in made:
        ps.close()


@pytest.fixture
def pair():
    with contextlib.ExitStack() as stack:

        def make():
            a, b = socket.socketpair()
            for s in (a, b):
                stack.enter_context(s)
                s.setblocking(False)
            return a, b

        yield make


class Waiting:
    """A thread that sits in a wait until it is done; `result` joins it."""

    def __init__(self, fn, *args):
        self.answer = None
        self.entering = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(fn, args), daemon=True)
        self.thread.start()
        assert self.entering.wait(10)

    def run(self, fn, args):
        self.entering.set()
        self.answer = fn(*args)

    def result(self):
        self.thread.join(10)
        assert not self.thread.is_alive(), "the wait did not notice"
        return self.answer


def test_poll_and_the_default_are_always_there():
    assert "poll" in list(available())
    assert _probe.ReactorPollset("default").kind == next(iter(available()))


def test_unknown_kind():
    with pytest.raises(OSError, match="pollset_init") as e:
        _probe.ReactorPollset(17)
    assert e.value.errno == errno.EINVAL


def test_a_set_is_small():
    assert _probe.REACTOR_PS_SIZE < 256


def test_nothing_ready(pollset, pair):
    ps = pollset()
    a, _ = pair()
    assert ps.wait(0) == []
    assert ps.add(a.fileno(), IN, 1) == 0
    assert ps.wait(0) == []
    assert ps.wait(1_000_000) == []


@pytest.mark.parametrize("ns", [200_000, 1_000_000, 3_400_000])
def test_a_timeout_never_ends_early(pollset, ns):
    ps = pollset()
    begun = _probe.base_now()
    assert ps.wait(ns) == []
    assert _probe.base_now() - begun >= ns


def test_in_and_out_with_their_tags(pollset, pair):
    ps = pollset()
    a, b = pair()
    c, _ = pair()
    assert ps.add(a.fileno(), IN | OUT, 11) == 0
    assert ps.add(c.fileno(), OUT, WIDE) == 0
    assert ps.wait(FOREVER) == [(11, OUT), (WIDE, OUT)]
    b.send(b"x")
    assert ps.wait(FOREVER) == [(11, IN | OUT), (WIDE, OUT)]
    assert ps.wait(FOREVER) == [(11, IN | OUT), (WIDE, OUT)], "level-triggered"
    a.recv(1)
    assert ps.mod(a.fileno(), IN, 12) == 0
    assert ps.mod(c.fileno(), 0, 13) == 0
    assert ps.wait(0) == []
    b.send(b"x")
    assert ps.wait(FOREVER) == [(12, IN)]
    assert ps.mod(c.fileno(), OUT, 14) == 0
    assert ps.wait(FOREVER) == [(12, IN), (14, OUT)]


def test_deleted_members_are_silent(pollset, pair):
    ps = pollset()
    a, b = pair()
    b.send(b"x")
    assert ps.add(a.fileno(), IN, 1) == 0
    assert ps.delete(a.fileno()) == 0
    assert ps.wait(0) == []
    assert ps.add(a.fileno(), IN, 2) == 0, "and can come back"
    assert ps.wait(FOREVER) == [(2, IN)]


def test_mistakes_are_told(pollset, pair, kind):
    if kind == "kqueue":
        pytest.skip("kqueue replaces and forgets without complaint")
    ps = pollset()
    a, _ = pair()
    assert ps.mod(a.fileno(), IN, 1) == -errno.ENOENT
    assert ps.delete(a.fileno()) == -errno.ENOENT
    assert ps.add(a.fileno(), IN, 1) == 0
    assert ps.add(a.fileno(), IN, 1) == -errno.EEXIST
    assert ps.add(-1, IN, 1) == -errno.EBADF


def test_hang_up_is_an_error_that_reads(pollset, pair):
    ps = pollset()
    a, b = pair()
    assert ps.add(a.fileno(), IN, 1) == 0
    b.close()
    ((tag, mask),) = ps.wait(FOREVER)
    assert tag == 1
    assert mask & IN
    assert a.recv(1) == b""


def test_refused_connection_reports_out_or_error(pollset):
    ps = pollset()
    with socket.socket() as unused, socket.socket() as s:
        unused.bind(("127.0.0.1", 0))
        s.setblocking(False)
        if s.connect_ex(unused.getsockname()) == errno.EINPROGRESS:
            assert ps.add(s.fileno(), OUT, 1) == 0
            ((tag, mask),) = ps.wait(10 * SECOND)
            assert tag == 1
            assert mask & (OUT | ERR)
            assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_full_batches_starve_nobody(pollset, pair):
    ps = pollset()
    tags = set(range(1, 12))
    for tag in tags:
        a, b = pair()
        b.send(b"x")
        assert ps.add(a.fileno(), IN, tag) == 0
    seen = set()
    for _ in range(6):
        events = ps.wait(FOREVER, 3)
        assert len(events) == 3
        seen |= {tag for tag, _ in events}
    assert seen == tags


def test_more_members_than_a_kernel_batch(pollset, pair):
    ps = pollset()
    wanted = _probe.REACTOR_BATCH + 10
    pairs = {}
    for tag in range(1, wanted + 1):
        a, b = pair()
        b.send(b"x")
        pairs[tag] = a
        assert ps.add(a.fileno(), IN, tag) == 0
    while pairs:
        events = ps.wait(0, 512)
        assert events
        for tag, _ in events:
            pairs.pop(tag).recv(1)


# ---- changes under a waiting thread ----


def test_add_wakes_a_waiting_thread(pollset, pair):
    ps = pollset()
    a, b = pair()
    waiting = Waiting(ps.wait, FOREVER)
    b.send(b"x")
    assert ps.add(a.fileno(), IN, 5) == 0
    assert waiting.result() == [(5, IN)]


def test_mod_wakes_a_waiting_thread(pollset, pair):
    ps = pollset()
    a, _ = pair()
    assert ps.add(a.fileno(), IN, 5) == 0
    waiting = Waiting(ps.wait, FOREVER)
    assert ps.mod(a.fileno(), IN | OUT, 6) == 0
    assert waiting.result() == [(6, OUT)]


def test_changes_that_bring_nothing_let_it_sleep_on(pollset, pair):
    ps = pollset()
    a, b = pair()
    c, d = pair()
    begun = _probe.base_now()
    waiting = Waiting(ps.wait, 10 * SECOND)
    assert ps.add(a.fileno(), IN, 1) == 0
    assert ps.delete(a.fileno()) == 0
    b.send(b"x")
    assert ps.add(c.fileno(), 0, 2) == 0
    d.send(b"x")
    assert waiting.thread.is_alive()
    assert ps.mod(c.fileno(), IN, 3) == 0
    assert waiting.result() == [(3, IN)]
    assert _probe.base_now() - begun < 5 * SECOND


def test_two_threads_on_one_set_and_its_parent(pollset, pair):
    parent, child = pollset(), pollset()
    a, b = pair()
    assert parent.child_add(child, 9, True) == 0
    waits = [Waiting(child.wait, FOREVER), Waiting(child.wait, FOREVER), Waiting(parent.wait, FOREVER)]
    assert child.add(a.fileno(), IN, 1) == 0
    b.send(b"x")
    assert [w.result() for w in waits] == [[(1, IN)], [(1, IN)], [(9, IN)]]


@pytest.fixture
def no_descriptor_left():
    """Called, it leaves the process none to open, until the test has ended."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def fill():
        with open(os.devnull) as lowest:
            free = lowest.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))

    yield fill
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_waiting_needs_no_descriptor(pollset, pair, no_descriptor_left):
    """Not even the first wait of a set fails, or ends early, because none is left; and it still sees changes."""
    parent, child = pollset(), pollset()
    a, b = pair()
    c, d = pair()
    assert child.add(a.fileno(), IN, 1) == 0
    assert parent.child_add(child, 9, True) == 0
    no_descriptor_left()
    with pytest.raises(OSError):
        os.dup(a.fileno())
    for ps in (parent, child):
        assert ps.wait(0) == []
        begun = _probe.base_now()
        assert ps.wait(20_000_000) == []
        assert _probe.base_now() - begun >= 20_000_000
    assert _probe.reactor_wait_many([child], [], 20_000_000) == (0, [False], [])
    waits = [Waiting(ps.wait, FOREVER) for ps in (child, parent)]
    waits.append(Waiting(_probe.reactor_wait_many, [child], [], FOREVER))
    d.send(b"x")
    assert child.add(c.fileno(), IN, 2) == 0
    assert [w.result() for w in waits] == [[(2, IN)], [(9, IN)], (1, [True], [])]
    b.send(b"x")
    assert sorted(child.wait(0)) == [(1, IN), (2, IN)]


def test_hammer_changes_under_a_waiter(pollset, pair):
    """Members come and go while a thread waits; a member that is gone is never reported."""
    ps = pollset()
    stop, _ = pair()
    pairs = [pair() for _ in range(8)]
    for _, b in pairs:
        b.send(b"x")
    done = threading.Event()
    strange = []

    def wait():
        while not done.is_set():
            for tag, mask in ps.wait(FOREVER):
                if tag == 99:
                    return
                if not (tag in range(1, 9) and mask == IN):
                    strange.append((tag, mask))

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    for _ in range(300):
        for tag, (a, _) in enumerate(pairs, 1):
            assert ps.add(a.fileno(), IN if tag % 2 else 0, tag) == 0
            if tag % 2 == 0:
                assert ps.mod(a.fileno(), IN, tag) == 0
            assert ps.delete(a.fileno()) == 0
    assert ps.add(stop.fileno(), OUT, 99) == 0
    waiter.join(10)
    done.set()
    assert not waiter.is_alive()
    assert strange == []
    assert ps.delete(stop.fileno()) == 0
    assert ps.wait(0) == []


# ---- children ----


def test_child_is_one_event_with_its_own_tag(pollset, pair):
    parent, child = pollset(), pollset()
    own, far = pair()
    assert parent.add(own.fileno(), IN, 1) == 0
    for tag in (50, 51, 52):
        a, b = pair()
        b.send(b"x")
        assert child.add(a.fileno(), IN, tag) == 0
    assert parent.child_add(child, 7, True) == 0
    assert parent.wait(FOREVER) == [(7, IN)]
    far.send(b"x")
    assert parent.wait(FOREVER) == [(1, IN), (7, IN)]
    assert child.wait(FOREVER) == [(50, IN), (51, IN), (52, IN)]


@pytest.mark.parametrize("kind", ["poll"])
def test_what_is_direct_is_not_told_to_the_parent(pollset, pair):
    """The I/O thread reads for an event loop, and leaves to it what says that there is something to receive: it would never come to rest."""
    parent, child = pollset(), pollset()
    (a, b), (c, d) = pair(), pair()
    assert child.add(a.fileno(), IN | DIRECT, 1) == 0
    assert child.add(c.fileno(), IN, 2) == 0
    assert parent.child_add(child, 7, True) == 0
    b.send(b"x")
    assert parent.wait(0) == []
    assert child.wait(FOREVER) == [(1, IN)]
    d.send(b"x")
    assert parent.wait(FOREVER) == [(7, IN)]


def test_child_switched_off_and_on(pollset, pair):
    parent, child = pollset(), pollset()
    a, b = pair()
    assert child.add(a.fileno(), IN, 1) == 0
    assert parent.child_add(child, 7, False) == 0
    b.send(b"x")
    assert parent.wait(0) == []
    assert parent.child_enable(child, 8, True) == 0
    assert parent.wait(FOREVER) == [(8, IN)]
    assert parent.child_enable(child, 8, False) == 0
    assert parent.wait(0) == []
    assert parent.child_enable(child, 9, True) == 0
    assert parent.wait(FOREVER) == [(9, IN)]
    assert parent.child_delete(child) == 0
    assert parent.wait(0) == []
    child.close()
    assert parent.wait(0) == []


def test_child_changes_reach_a_thread_in_the_parent(pollset, pair):
    parent, child = pollset(), pollset()
    a, _ = pair()
    waiting = Waiting(parent.wait, FOREVER)
    assert parent.child_add(child, 7, True) == 0
    assert child.add(a.fileno(), IN, 1) == 0
    assert child.mod(a.fileno(), OUT, 1) == 0
    assert waiting.result() == [(7, IN)]
    assert parent.child_enable(child, 7, False) == 0
    waiting = Waiting(parent.wait, FOREVER)
    assert parent.child_enable(child, 8, True) == 0
    assert waiting.result() == [(8, IN)]


def test_child_closed_under_a_thread_in_the_parent(pollset, pair):
    parent = pollset()
    a, b = pair()
    assert parent.add(a.fileno(), IN, 1) == 0
    waiting = Waiting(parent.wait, FOREVER)
    for tag in range(2, 40):
        child = _probe.ReactorPollset(parent.kind)
        c, d = pair()
        assert child.add(c.fileno(), IN, 1) == 0
        assert parent.child_add(child, tag, True) == 0
        assert child.delete(c.fileno()) == 0
        assert parent.child_delete(child) == 0
        child.close()
        d.send(b"x")
    b.send(b"x")
    assert waiting.result() == [(1, IN)]


def test_many_children_in_short_batches(pollset, pair):
    parent = pollset()
    children = [pollset() for _ in range(6)]
    for tag, child in enumerate(children, 1):
        assert parent.child_add(child, tag, True) == 0
        for _ in range(2):
            a, b = pair()
            b.send(b"x")
            assert child.add(a.fileno(), IN, 77) == 0
    seen = set()
    for _ in range(4):
        events = parent.wait(FOREVER, 2)
        assert len({tag for tag, _ in events}) == 2
        seen |= {tag for tag, _ in events}
    assert seen == set(range(1, 7))


def test_kinds_do_not_mix():
    kinds = list(available())
    if len(kinds) < 2:
        pytest.skip("one back end only")
    sets = [_probe.ReactorPollset(kind) for kind in kinds[:2]]
    assert sets[0].child_add(sets[1], 1, True) == -errno.EINVAL
    assert _probe.reactor_wait_many(sets, [], 0)[0] == -errno.EINVAL


# ---- many sets ----


def test_wait_many(pollset, pair):
    one, two = pollset(), pollset()
    a, b = pair()
    c, d = pair()
    raw, far = pair()
    assert one.add(a.fileno(), IN, 1) == 0
    assert two.add(c.fileno(), IN, 1) == 0
    extra = [(raw.fileno(), POLLIN)]
    assert _probe.reactor_wait_many([one, two], extra, 0) == (0, [False, False], [0])
    assert _probe.reactor_wait_many([one, two], extra, 2_000_000) == (0, [False, False], [0])
    d.send(b"x")
    assert _probe.reactor_wait_many([one, two], extra, FOREVER) == (1, [False, True], [0])
    far.send(b"x")
    b.send(b"x")
    assert _probe.reactor_wait_many([one, two], extra, FOREVER) == (3, [True, True], [POLLIN])
    assert _probe.reactor_wait_many([], extra, FOREVER) == (1, [], [POLLIN])


def test_wait_many_of_nothing_is_a_sleep():
    begun = _probe.base_now()
    assert _probe.reactor_wait_many([], [], 1_000_000) == (0, [], [])
    assert _probe.base_now() - begun >= 1_000_000


def test_wait_many_with_more_than_the_stack_holds(pollset, pair):
    sets = [pollset() for _ in range(40)]
    raw, _ = pair()
    a, b = pair()
    assert sets[33].add(a.fileno(), IN, 1) == 0
    b.send(b"x")
    count, ready, revents = _probe.reactor_wait_many(sets, [(raw.fileno(), POLLOUT)], FOREVER)
    assert (count, [i for i, r in enumerate(ready) if r], revents) == (2, [33], [POLLOUT])


def test_wait_many_notices_changes(pollset, pair):
    one, two = pollset(), pollset()
    a, b = pair()
    b.send(b"x")
    waiting = Waiting(_probe.reactor_wait_many, [one, two], [], FOREVER)
    assert two.add(a.fileno(), IN, 1) == 0
    assert waiting.result() == (1, [False, True], [])


# ---- the descriptor of a set ----


def test_descriptor_polls_readable(pollset, pair, kind):
    ps = pollset()
    if kind == "poll":
        assert ps.fd() == -1
        return
    a, b = pair()
    assert ps.add(a.fileno(), IN, 1) == 0
    assert not _probe.base_readable(ps.fd())
    b.send(b"x")
    assert _probe.base_readable(ps.fd())
    a.recv(1)
    assert not _probe.base_readable(ps.fd())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_closing_in_a_forked_child_leaves_the_parent_alone(kind, pair):
    assert _probe.base_fork_install() == 0
    ps = _probe.ReactorPollset(kind)
    a, b = pair()
    assert ps.add(a.fileno(), IN, 4) == 0
    # A thread that sleeps in the wait while we fork: in the child it does not exist.
    waiting = Waiting(ps.wait, FOREVER)
    pid = os.fork()
    if pid == 0:
        ps.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    b.send(b"x")
    assert waiting.result() == [(4, IN)]
    ps.close()
