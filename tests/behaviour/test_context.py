"""Contexts: options, limits, shutdown and termination."""
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from awaiting import SECONDS, endpoint, until
from platforms import errno


def refuses(zmq, number, call, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == number, caught.value


def test_CTX_1_a_context_alone_starts_no_threads(zmq):
    # A process of its own: threads of earlier tests may be on their way out in this one.
    program = f"""
import os
import {zmq.__name__} as zmq
contexts = [zmq.Context() for _ in range(5)]
print(len(os.listdir("/proc/self/task")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_CTX_2_io_threads(zmq):
    assert zmq.Context().get(zmq.IO_THREADS) == 1
    context = zmq.Context(io_threads=3)
    assert context.get(zmq.IO_THREADS) == 3
    context.set(zmq.IO_THREADS, 2)
    assert context.get(zmq.IO_THREADS) == 2
    refuses(zmq, errno.EINVAL, context.set, zmq.IO_THREADS, -1)
    assert context.get(zmq.IO_THREADS) == 2
    context.term()


def test_CTX_3_without_io_threads_only_inproc_works(zmq):
    context = zmq.Context(io_threads=0)
    left, right = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    left.bind("inproc://x")
    right.connect("inproc://x")
    right.send(b"x")
    assert left.recv() == b"x"
    refuses(zmq, zmq.EMTHREAD, left.bind, "tcp://127.0.0.1:*")
    refuses(zmq, zmq.EMTHREAD, left.connect, "tcp://127.0.0.1:5999")
    left.close(), right.close()
    context.term()


def test_CTX_4_max_sockets(zmq):
    context = zmq.Context()
    assert context.get(zmq.MAX_SOCKETS) == 1023
    context.set(zmq.MAX_SOCKETS, 7)
    assert context.get(zmq.MAX_SOCKETS) == 7
    refuses(zmq, errno.EINVAL, context.set, zmq.MAX_SOCKETS, 0)
    refuses(zmq, errno.EINVAL, context.set, zmq.MAX_SOCKETS, -1)
    assert context.get(zmq.MAX_SOCKETS) == 7
    context.term()


def test_CTX_5_closing_frees_places(zmq):
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 10)
    for _round in range(20):
        sockets = []
        deadline = time.monotonic() + 5
        while len(sockets) < 8:
            try:
                sockets.append(context.socket(zmq.PUSH))
            except zmq.ZMQError as error:
                # places come back asynchronously
                assert error.errno == errno.EMFILE and time.monotonic() < deadline
        for socket in sockets:
            socket.close()
    context.term()


def test_CTX_5_hundreds_of_sockets(zmq):
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.rcvtimeo = 5000
    router.bind("inproc://hundreds")
    sockets = [context.socket(zmq.DEALER) for _ in range(400)]
    for socket in sockets:
        socket.connect("inproc://hundreds")
        socket.send(b"%d" % len(sockets))
    assert len({router.recv_multipart()[0] for _ in sockets}) == 400
    for socket in (router, *sockets):
        socket.close(linger=0)
    context.term()


def test_CTX_6_socket_limit(zmq):
    context = zmq.Context()
    assert context.get(zmq.SOCKET_LIMIT) == 65535
    context.term()


def test_CTX_7_scheduling(zmq):
    context = zmq.Context()
    refuses(zmq, errno.EINVAL, context.set, zmq.THREAD_SCHED_POLICY, -2)
    context.set(zmq.THREAD_SCHED_POLICY, 0)
    assert context.get(zmq.THREAD_SCHED_POLICY) == 0
    context.set(zmq.THREAD_PRIORITY, 0)
    socket = context.socket(zmq.PULL)
    socket.bind("tcp://127.0.0.1:*")
    socket.close()
    context.term()


def test_CTX_8_max_message_size(zmq):
    context = zmq.Context()
    assert context.get(zmq.MAX_MSGSZ) == 2**31 - 1
    context.set(zmq.MAX_MSGSZ, 1000)
    assert context.get(zmq.MAX_MSGSZ) == 1000
    refuses(zmq, errno.EINVAL, context.set, zmq.MAX_MSGSZ, -1)
    context.term()


def test_CTX_9_message_struct_size(zmq):
    context = zmq.Context()
    assert context.get(zmq.MSG_T_SIZE) == 64
    context.term()


def test_CTX_10_cpu_affinity(zmq):
    context = zmq.Context()
    context.set(zmq.THREAD_AFFINITY_CPU_ADD, 0)
    context.set(zmq.THREAD_AFFINITY_CPU_REMOVE, 0)
    refuses(zmq, errno.EINVAL, context.set, zmq.THREAD_AFFINITY_CPU_REMOVE, 0)
    context.term()


def test_CTX_11_thread_name_prefix(zmq):
    context = zmq.Context()
    context.set(zmq.THREAD_NAME_PREFIX, 1234)
    assert context.get(zmq.THREAD_NAME_PREFIX) == 1234
    with context.socket(zmq.PULL) as socket:
        socket.bind("tcp://127.0.0.1:*")
        if sys.platform == "linux":
            until(lambda: any(name.startswith("1234/ZMQbg/IO") for name in thread_names()))
    context.term()


def thread_names():
    return [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]


def test_CTX_13_ipv6_is_inherited(zmq):
    context = zmq.Context()
    assert context.get(zmq.IPV6) == 0
    context.set(zmq.IPV6, 1)
    socket = context.socket(zmq.PULL)
    assert (context.get(zmq.IPV6), socket.getsockopt(zmq.IPV6)) == (1, 1)
    socket.close()
    context.term()


def test_CTX_14_blocky(zmq):
    context = zmq.Context()
    assert context.get(zmq.BLOCKY) == 1
    context.set(zmq.BLOCKY, 0)
    assert context.get(zmq.BLOCKY) == 0
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:1")
    socket.send(b"discarded")
    socket.close()
    context.term()


def test_CTX_15_unknown_options(zmq):
    context = zmq.Context()
    refuses(zmq, errno.EINVAL, context.get, 9999)
    refuses(zmq, errno.EINVAL, context.set, 9999, 1)
    context.term()


def test_CTX_16_term_waits_for_open_sockets(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    terminator = threading.Thread(target=context.term)
    terminator.start()
    with pytest.raises(zmq.ContextTerminated):
        socket.recv()
    terminator.join(0.05)
    assert terminator.is_alive()
    socket.close()
    terminator.join(5)
    assert not terminator.is_alive()


def test_CTX_17_term_without_sockets(zmq):
    context = zmq.Context()
    context.term()
    assert context.closed
    context.term()  # again: no error
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.PULL)


def test_CTX_18_blocked_calls_end(zmq):
    context = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    ended, ready = [], threading.Barrier(4)

    def blocked(call):
        ready.wait()
        try:
            call()
        except zmq.ContextTerminated:
            ended.append(call)

    threads = [threading.Thread(target=blocked, args=(call,)) for call in (pull.recv, lambda: push.send(b"x"), push_poll(context, zmq))]
    for thread in threads:
        thread.start()
    ready.wait()
    terminator = threading.Thread(target=context.term)
    terminator.start()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert len(ended) == 3
    for socket in list(context._sockets):
        socket.close(linger=0)
    terminator.join(5)
    assert not terminator.is_alive()


def push_poll(context, zmq):
    socket = context.socket(zmq.SUB)
    return lambda: socket.poll(10000)


def test_CTX_20_term_with_pending_inproc_connects(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect("inproc://nobody")
    socket.close()
    context.term()


def test_CTX_21_closing_while_connecting(zmq):
    context = zmq.Context(io_threads=7)
    server = context.socket(zmq.PUB)
    server.bind("tcp://127.0.0.1:*")
    where = endpoint(server)
    for _round in range(3):
        sockets = [context.socket(zmq.SUB) for _ in range(50)]

        def client(socket):
            socket.connect(where)
            socket.close()

        threads = [threading.Thread(target=client, args=(socket,)) for socket in sockets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
    server.close()
    context.term()


def test_CTX_22_destroy_with_linger(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:1")
    socket.send(b"x")
    started = time.monotonic()
    context.destroy(linger=0)
    assert socket.closed and context.closed and time.monotonic() - started < SECONDS


def test_context_manager(zmq):
    with zmq.Context() as context:
        with context.socket(zmq.PULL) as socket:
            socket.bind("inproc://x")
        assert socket.closed
    assert context.closed


def test_instance_is_shared_and_renewed(zmq):
    first = zmq.Context.instance()
    assert zmq.Context.instance() is first
    first.term()
    second = zmq.Context.instance()
    assert second is not first and not second.closed
    second.term()


def test_default_socket_options(zmq):
    context = zmq.Context()
    context.linger = 5
    context.setsockopt(zmq.SNDHWM, 7)
    socket = context.socket(zmq.PUSH)
    assert (socket.linger, socket.sndhwm) == (5, 7)
    socket.close()
    context.term()
