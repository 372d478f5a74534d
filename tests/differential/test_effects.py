"""What options make of descriptors and threads, asked of the system: the same with zmqcore and with libzmq, and what was set.

Monitors tell the descriptors of listeners and connections; the tests look at duplicates of them.
"""

import errno
import importlib
import os
import re
import socket
import struct
import sys
from pathlib import Path

import pytest
from awaiting import Events, endpoint, until

pytest.importorskip("zmq", reason="pyzmq is the other side")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="options of Linux' sockets")

LIBRARIES = ("zmq", "zmqcore")
TCP_INFO_SACKED = 28  # offset in struct tcp_info: of a listener, the length of its backlog
SO_BUSY_POLL = 46
INT = struct.Struct("i")


class Library:
    """Two sockets of one library, connected over tcp, with their descriptors."""

    def __init__(self, name):
        self.zmq = importlib.import_module(name)
        self.context = self.zmq.Context()
        self.sockets = []

    def make(self, kind, **options):
        made = self.context.socket(getattr(self.zmq, kind))
        made.linger = 0
        for option, value in options.items():
            made.setsockopt(getattr(self.zmq, option), value)
        self.sockets.append(made)
        return made

    def descriptors(self, host="127.0.0.1", **options):
        """{"LISTENING", "ACCEPTED", "CONNECTED": a duplicate of the descriptor}."""
        found = {}
        server, client = self.make("PULL", **options), self.make("PUSH", **options)
        watched = [Events(self.zmq, server), Events(self.zmq, client)]
        server.bind(f"tcp://{host}:*")
        client.connect(endpoint(server))
        for events, names in zip(watched, [("LISTENING", "ACCEPTED"), ("CONNECTED",)], strict=True):
            for name in names:
                found[name] = socket.socket(fileno=os.dup(events.wait(name)[1]))
        client.send(b"x")
        assert server.recv() == b"x"
        return found

    def close(self):
        self.context.destroy(0)


@pytest.fixture
def each():
    """each(function) -> what it returned with either library, which is the same."""
    opened = []

    def each(function):
        results = []
        for name in LIBRARIES:
            opened.append(Library(name))
            results.append(function(opened[-1]))
        assert results[0] == results[1]
        return results[1]

    yield each
    for library in opened:
        library.close()


def asked(found, level, option):
    try:
        return {name: descriptor.getsockopt(level, option) for name, descriptor in found.items()}
    finally:
        for descriptor in found.values():
            descriptor.close()


@pytest.mark.parametrize(
    ("options", "level", "option", "expected", "where"),
    [
        ({"SNDBUF": 20000}, socket.SOL_SOCKET, socket.SO_SNDBUF, 40000, "ACCEPTED CONNECTED"),  # Linux doubles it
        ({"RCVBUF": 20000}, socket.SOL_SOCKET, socket.SO_RCVBUF, 40000, "ACCEPTED CONNECTED"),
        ({"TOS": 0x28}, socket.IPPROTO_IP, socket.IP_TOS, 0x28, "ACCEPTED CONNECTED"),
        ({"TCP_KEEPALIVE": 1}, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1, "ACCEPTED CONNECTED"),
        ({"TCP_KEEPALIVE": 0}, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0, "ACCEPTED CONNECTED"),
        ({"TCP_KEEPALIVE": 1, "TCP_KEEPALIVE_CNT": 3}, socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3, "ACCEPTED CONNECTED"),
        ({"TCP_KEEPALIVE": 1, "TCP_KEEPALIVE_IDLE": 30}, socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30, "ACCEPTED CONNECTED"),
        ({"TCP_KEEPALIVE": 1, "TCP_KEEPALIVE_INTVL": 5}, socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5, "ACCEPTED CONNECTED"),
        ({"TCP_MAXRT": 5000}, socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000, "ACCEPTED CONNECTED"),
        ({}, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1, "ACCEPTED CONNECTED"),
        ({}, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1, "LISTENING"),
    ],
    ids=lambda value: "-".join(value) or "nothing" if isinstance(value, dict) else "",
)
def test_OPT_6_and_8_options_of_connections(each, options, level, option, expected, where):
    values = each(lambda library: asked(library.descriptors(**options), level, option))
    assert [values[name] for name in where.split()] == [expected] * len(where.split())


def test_OPT_8_traffic_class_of_ipv6(each):
    values = each(lambda library: asked(library.descriptors("[::1]", IPV6=1, TOS=0x28), socket.IPPROTO_IPV6, socket.IPV6_TCLASS))
    assert values["CONNECTED"] == 0x28


def test_PAIR_6_connections_of_one_device(each):
    """Older kernels ask for a privilege."""

    def devices(library):
        found = library.descriptors(BINDTODEVICE=b"lo")
        try:
            return {name: descriptor.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16) for name, descriptor in found.items()}
        finally:
            for descriptor in found.values():
                descriptor.close()

    try:
        assert set(each(devices).values()) == {b"lo\0"}
    except importlib.import_module("zmq").ZMQError as error:
        assert error.errno == errno.EPERM


def test_PAIR_6_a_device_that_is_not_there_is_refused(each):
    def refused(library):
        made = library.make("PULL", BINDTODEVICE=b"nowhere0")
        with pytest.raises(library.zmq.ZMQError) as caught:
            made.bind("tcp://127.0.0.1:*")
        return caught.value.errno

    assert each(refused) in (errno.ENODEV, errno.EPERM)


@pytest.mark.parametrize("backlog", [1, 77])
def test_OPT_5_backlog_of_a_listener(each, backlog):
    def backlogs(library):
        found = library.descriptors(BACKLOG=backlog)
        try:
            return INT.unpack_from(found["LISTENING"].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64), TCP_INFO_SACKED)[0]
        finally:
            for descriptor in found.values():
                descriptor.close()

    assert each(backlogs) == backlog


@pytest.mark.parametrize("later", [50, 0])
def test_OPT_9_connect_timeout_ends_an_attempt(each, later):
    """The listener's backlog is full, so the system drops what comes. What is set `later` is for later endpoints."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for peer in waiting:
            peer.setblocking(False)
            peer.connect_ex(listener.getsockname())

        def attempt(library):
            made = library.make("PUSH", CONNECT_TIMEOUT=50, RECONNECT_IVL=10)
            events = Events(library.zmq, made)
            made.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
            made.setsockopt(library.zmq.CONNECT_TIMEOUT, later)
            return [*events.all_until("CONNECT_RETRIED"), *events.all_until("CLOSED")]

        assert each(attempt) == ["CONNECT_DELAYED", "CLOSED", "CONNECT_RETRIED", "CONNECT_DELAYED", "CLOSED"]
        for peer in waiting:
            peer.close()


def test_END_40_the_group_of_an_ipc_peer(each, tmp_path):
    def who_comes_in(library):
        answers = []
        for number, group in enumerate([os.getgid(), os.getgid() + 1]):
            server, client = library.make("PULL", IPC_FILTER_GID=group, RCVTIMEO=5000), library.make("PUSH")
            where = f"ipc://{tmp_path}/{library.zmq.__name__}{number}"
            server.bind(where)
            events = Events(library.zmq, client)
            client.connect(where)
            answers.append(events.wait("HANDSHAKE_SUCCEEDED", "DISCONNECTED")[0])
        return answers

    assert each(who_comes_in) == ["HANDSHAKE_SUCCEEDED", "DISCONNECTED"]


# ---- only here: a release of libzmq does not have them


def test_priority_of_packets():
    library = Library("zmqcore")
    assert set(asked(library.descriptors(PRIORITY=3), socket.SOL_SOCKET, socket.SO_PRIORITY).values()) == {3}
    library.close()


def test_OPT_7_busy_poll_is_set_if_the_system_lets_it():
    library = Library("zmqcore")
    values = asked(library.descriptors(BUSY_POLL=50), socket.SOL_SOCKET, SO_BUSY_POLL)
    assert {values["ACCEPTED"], values["CONNECTED"]} <= {0, 50}
    library.close()


# ---- threads of contexts


def io_threads():
    """{name: its directory} of the I/O threads of this process."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if "IO/" in name:
            found[task] = name
    return found


def test_CTX_10_and_11_name_and_processor_of_the_io_threads(each):
    processor = min(os.sched_getaffinity(0))

    def threads(library):
        before = set(io_threads())
        library.context.set(library.zmq.THREAD_NAME_PREFIX, 7)
        library.context.set(library.zmq.THREAD_AFFINITY_CPU_ADD, processor)
        library.make("PULL").bind("tcp://127.0.0.1:*")
        until(lambda: set(io_threads()) - before)
        (task,) = set(io_threads()) - before
        status = (task / "status").read_text()
        return io_threads()[task], re.search(r"^Cpus_allowed_list:\s*(\S+)", status, flags=re.M)[1]

    assert each(threads) == ("7/ZMQbg/IO/0", str(processor))


def test_CTX_7_policy_and_priority_of_the_io_threads(each):
    """SCHED_BATCH needs no privilege; a priority of a real-time policy is refused to some, which is no error."""

    def threads(library):
        before = set(io_threads())
        library.context.set(library.zmq.THREAD_SCHED_POLICY, os.SCHED_BATCH)
        library.make("PULL").bind("tcp://127.0.0.1:*")
        until(lambda: set(io_threads()) - before)
        (task,) = set(io_threads()) - before
        return os.sched_getscheduler(int(task.name)), library.context.get(library.zmq.THREAD_SCHED_POLICY)

    assert each(threads) == (os.SCHED_BATCH, os.SCHED_BATCH)


def test_CTX_24_affinity_chooses_among_the_io_threads(each):
    """Which thread serves a socket shows in whose processor time grows; here it is enough that every choice works, and one beyond the threads does not."""

    def served(library):
        library.context.set(library.zmq.IO_THREADS, 3)
        for mask in (0, 1, 2, 4, 6):
            server, client = library.make("PULL", AFFINITY=mask), library.make("PUSH", AFFINITY=mask)
            server.bind("tcp://127.0.0.1:*")
            client.connect(endpoint(server))
            client.send(b"x")
            assert server.recv() == b"x"
        with pytest.raises(library.zmq.ZMQError) as caught:
            library.make("PULL", AFFINITY=8).bind("tcp://127.0.0.1:*")
        return caught.value.errno

    assert each(served) == 156384766  # EMTHREAD
