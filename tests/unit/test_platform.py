"""The contract with the operating system, as far as it can be seen from one process."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from awaiting import until
from platforms import errno
from transports import unused_port

from zmqcore import _probe

LINUX = sys.platform.startswith("linux")


def test_clock_goes_forward():
    readings = [_probe.base_now() for _ in range(1000)]
    assert readings == sorted(readings)
    assert readings[-1] > readings[0]


@pytest.mark.skipif(sys.platform == "darwin", reason="Python reads another clock")
def test_clock_is_the_one_that_python_reads():
    """On Windows a count of ticks that is multiplied before it is divided wraps around after half an hour."""
    before = time.perf_counter_ns()
    now = _probe.base_now()
    assert before <= now <= time.perf_counter_ns()


def test_atomics():
    assert _probe.base_atomics() == [7, 10, 9, 0, 1, 1, 2, 1, 1, 1, 1, 4, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("threads", [1, 2, 6])
def test_lock_excludes(threads):
    rounds = 20_000
    assert _probe.base_hammer(threads, rounds) == (threads * rounds, threads * rounds, threads)


def test_a_lock_tells_whether_a_thread_waits_for_it():
    assert _probe.base_lock_wanted() == [0, 0, 1, 0]


def test_condition_times_out_on_time():
    rc, took = _probe.base_cond_timeout(2_000_000)
    assert rc == -errno.ETIMEDOUT
    assert took >= 2_000_000


def test_processors():
    n = _probe.base_cpus()
    assert n == len(os.sched_getaffinity(0)) if LINUX else n >= 1


@pytest.mark.skipif(not LINUX, reason="needs sched_setaffinity")
def test_processors_follow_the_affinity():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from zmqcore import _probe; print(_probe.base_cpus())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"


def test_thread_runs_with_its_wishes():
    seen = {}

    def look():
        seen["ident"] = threading.get_ident()
        if hasattr(signal, "pthread_sigmask"):
            seen["blocked"] = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        if LINUX:
            with open(f"/proc/self/task/{threading.get_native_id()}/comm") as f:
                seen["name"] = f.read().strip()
            seen["cpus"] = os.sched_getaffinity(0)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, []) if hasattr(signal, "pthread_sigmask") else None
    cpu = min(os.sched_getaffinity(0)) if LINUX else 0
    # A processor that is not there and a priority we may not have are no reason to fail.
    assert _probe.base_thread(look, "zmq-io-with-a-long-name", 1, 5000, (cpu, 100_000)) == 0
    assert seen["ident"] != threading.get_ident()
    if before is not None:
        assert {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD} <= seen["blocked"]
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    if LINUX:
        assert seen["name"] == "zmq-io-with-a-long-name"[:15]
        assert seen["cpus"] == {cpu}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_fork_generation():
    assert _probe.base_fork_install() == 0
    assert _probe.base_fork_install() == 0
    here = _probe.base_fork_generation()
    pid = os.fork()
    if pid == 0:
        code = 100 + _probe.base_fork_generation() - here
        inner = os.fork()
        if inner == 0:
            os._exit(100 + _probe.base_fork_generation() - here)
        ok = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) == 102
        os._exit(code if ok else 1)
    assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == 101
    assert _probe.base_fork_generation() == here


def test_random_bytes_are_as_many_as_asked_for_and_differ():
    assert _probe.base_random(0) == b""
    a, b = _probe.base_random(64), _probe.base_random(64)
    assert len(a) == 64
    assert a != b
    many = _probe.base_random(100_000)  # more than one call of the system gives
    assert len(set(many[:50_000])) == len(set(many[-30_000:])) == 256


@pytest.mark.timeout(300)  # under Wine each signal is a call of its server
def test_wake():
    wake = _probe.BaseWake()
    assert not _probe.base_readable(wake.fileno())
    wake.signal()
    assert _probe.base_readable(wake.fileno())
    for _ in range(100_000):  # more than a pipe holds: never blocks
        wake.signal()
    wake.drain()
    assert not _probe.base_readable(wake.fileno())
    wake.drain()
    wake.signal()
    assert _probe.base_readable(wake.fileno())
    if os.name == "posix":
        assert not os.get_inheritable(wake.fileno())


def test_timer():
    fd = _probe.base_timer_open()
    if fd == -errno.ENOSYS:
        assert not LINUX
        return
    p = select.poll()
    p.register(fd, select.POLLIN)
    due = _probe.base_now() + 2_000_000
    assert _probe.base_timer_arm(fd, due) == 0
    assert p.poll(10_000)
    assert _probe.base_now() >= due
    assert _probe.base_timer_arm(fd, due + 3600 * 10**9) == 0
    assert not _probe.base_readable(fd), "arming takes an earlier signal back"
    assert _probe.base_timer_arm(fd, 1) == 0, "a time long past"
    assert p.poll(10_000)
    assert _probe.base_timer_arm(fd, 0) == 0
    assert not _probe.base_readable(fd)
    assert _probe.base_close(fd) == 0


@pytest.mark.parametrize("epoll", [False, True])
@pytest.mark.parametrize("ns", [0, 1, 150_000, 1_000_000, 1_300_000])
def test_waits_never_end_early(epoll, ns):
    rc, took = _probe.base_poll_time(ns, epoll)
    if rc == -errno.ENOSYS:
        assert epoll
        if LINUX:  # a build for tests, with the back end of other systems
            _probe.ReactorPollset("kqueue").close()
        return
    assert rc == 0
    assert took >= ns


def test_reads_and_writes():
    a, b = socket.socketpair()
    with a, b:
        a.setblocking(False)
        b.setblocking(False)
        assert _probe.base_recv(a.fileno(), 10) == -errno.EAGAIN
        assert _probe.base_send(b.fileno(), b"one") == 3
        assert _probe.base_sendv(b.fileno(), [b"two", b"", b"three"]) == 8
        assert _probe.base_recv(a.fileno(), 3) == b"one"
        assert _probe.base_readv(a.fileno(), [2, 100]) == b"twothree"
        assert _probe.base_readv(a.fileno(), [2, 100]) == -errno.EAGAIN
        sent = 0
        while (n := _probe.base_send(b.fileno(), b"x" * 65536)) > 0:
            sent += n
        assert n == -errno.EAGAIN
        assert _probe.base_sendv(b.fileno(), [b"x" * 65536]) == -errno.EAGAIN
        got = 0
        while got < sent:
            got += len(_probe.base_recv(a.fileno(), 1 << 20))
        assert _probe.base_shutdown_write(b.fileno()) == 0
        assert _probe.base_recv(a.fileno(), 10) == b""
        a.close()
        # No signal, an error.
        assert _probe.base_send(b.fileno(), b"x") == -errno.EPIPE
        assert _probe.base_sendv(b.fileno(), [b"x"]) == -errno.EPIPE
    assert _probe.base_close(b.fileno()) == -(errno.ENOTSOCK if os.name == "nt" else errno.EBADF)


@pytest.mark.skipif(sys.maxsize < 2**32, reason="no vector is longer than memory")
def test_a_vector_has_any_length():
    """One of Windows' own has 32 bits for it."""
    assert _probe.base_vector_length(2**32 + 5) == 2**32 + 5


def test_what_is_too_much_for_one_call_is_begun():
    a, b = socket.socketpair()
    with a, b:
        b.setblocking(False)
        large = os.urandom(1 << 20) * 17
        sent = _probe.base_sendv(b.fileno(), [b"head", large, b"tail"])
        assert sent > 0
        got = b""
        while len(got) < sent:
            got += _probe.base_readv(a.fileno(), [32 << 20, 100])
        assert got == (b"head" + large + b"tail")[:sent]


def test_connections_that_failed_are_told_of():
    """By the way around WSAPoll(), which says nothing of them in older releases of Windows. More of them than select() takes at once."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as opened:
        pending = [opened.enter_context(socket.socket()) for _ in range(100)]
        connected = opened.enter_context(socket.create_connection(server.getsockname()))
        dead = unused_port()
        for one in pending:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", dead))
        fds = [connected.fileno(), *(one.fileno() for one in pending), server.fileno()]
        if sys.platform != "win32":
            assert _probe.base_poll_refused(fds) == (-errno.ENOSYS, [0] * len(fds))
            return
        until(lambda: _probe.base_poll_refused(fds)[0] == len(pending))
        _, told = _probe.base_poll_refused(fds)
        assert told[0] == told[-1] == 0 and all(told[1:-1])


def test_file_names_in_letters_of_any_language(tmp_path, monkeypatch):
    folder = tmp_path / "Zürich 東京"
    folder.mkdir()
    file = folder / "Grüße"
    file.write_text("x")
    assert _probe.base_file(os.fsencode(file)) == (0, True)
    assert _probe.base_file_remove(os.fsencode(file)) == 0
    assert not file.exists()
    assert _probe.base_file(os.fsencode(file)) == (-errno.ENOENT, False)
    assert _probe.base_file_remove(os.fsencode(file)) == -errno.ENOENT
    for name in ("TMPDIR", "TMP"):  # where Windows looks for it, and POSIX
        monkeypatch.setenv(name, str(folder))
    made = _probe.base_private_directory()
    assert os.path.samefile(os.path.dirname(os.fsdecode(made)), folder) and os.path.isdir(os.fsdecode(made))
    assert _probe.base_directory_remove(made) == 0
    assert not os.listdir(folder)


def test_unsent_octets():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        peer, _ = server.accept()
        with peer:
            if _probe.base_unsent(client.fileno()) == -errno.ENOSYS:
                assert not LINUX
                return
            assert _probe.base_unsent(client.fileno()) == 0
            client.setblocking(False)
            while _probe.base_send(client.fileno(), b"x" * 65536) > 0:
                pass
            assert _probe.base_unsent(client.fileno()) > 0
