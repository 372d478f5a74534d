"""Threads, fork, signals, and the end of the interpreter."""
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from awaiting import endpoint

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")


def run(program, seconds=20):
    """Runs a program with `zmq` as the module under test in a process of its own; returns what it printed."""
    source = f"import {MODULE} as zmq\n" + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=seconds,
                          env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}"
    return done.stdout


def test_THR_1_a_socket_may_move_between_threads(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    for number in range(20):
        thread = threading.Thread(target=push.send, args=(b"%d" % number,))
        thread.start()
        thread.join()
    assert [pull.recv() for _ in range(20)] == [b"%d" % number for number in range(20)]


def test_THR_2_sockets_are_created_from_many_threads(zmq, context):
    made, failures = [], []

    def create():
        try:
            for _ in range(20):
                made.append(context.socket(zmq.PUSH))
        except zmq.ZMQError as error:
            failures.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(made) == 160


@pytest.mark.better
def test_THR_3_closing_a_socket_in_which_a_thread_is_blocked(zmq, context):
    socket = context.socket(zmq.PULL)
    socket.bind("tcp://127.0.0.1:*")
    ended, started = [], threading.Event()

    def block():
        started.set()
        try:
            socket.recv()
        except zmq.ZMQError as error:
            ended.append(error.errno)

    thread = threading.Thread(target=block)
    thread.start()
    started.wait()
    thread.join(0.05)
    socket.close()
    thread.join(5)
    assert not thread.is_alive()
    assert ended[0] in (zmq.ENOTSOCK, zmq.ETERM)


@pytest.mark.better
def test_every_socket_may_be_shared_by_threads(zmq, pair, transport):
    """Multipart messages of eight threads on one socket stay whole, and two receiving threads share them out."""
    push, pull = pair("PUSH", "PULL", transport)
    per_thread, threads_count = 300, 8
    got, lock = [], threading.Lock()

    def produce(name):
        for number in range(per_thread):
            push.send_multipart([b"%d" % name, b"%d" % number, b"%d" % name])

    def consume():
        while True:
            frames = pull.recv_multipart()
            if frames == [b"stop"]:
                return
            with lock:
                got.append(frames)

    consumers = [threading.Thread(target=consume) for _ in range(2)]
    producers = [threading.Thread(target=produce, args=(name,)) for name in range(threads_count)]
    for thread in consumers + producers:
        thread.start()
    for thread in producers:
        thread.join(20)
        assert not thread.is_alive()
    for _ in consumers:
        push.send_multipart([b"stop"])
    for thread in consumers:
        thread.join(20)
        assert not thread.is_alive()
    assert len(got) == per_thread * threads_count
    assert all(len(frames) == 3 and frames[0] == frames[2] for frames in got)


@pytest.mark.parametrize("io_threads", [1, 2, 4])
def test_THR_4_threads_and_inproc(zmq, io_threads):
    context = zmq.Context(io_threads=io_threads)
    sink = context.socket(zmq.PULL)
    sink.bind("inproc://sink")

    def worker(number):
        socket = context.socket(zmq.PUSH)
        socket.connect("inproc://sink")
        for index in range(200):
            socket.send(b"%d %d" % (number, index))
        socket.close()

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    sink.rcvtimeo = 5000
    got = sorted(sink.recv() for _ in range(1000))
    assert got == sorted(b"%d %d" % (number, index) for number in range(5) for index in range(200))
    for thread in threads:
        thread.join()
    sink.close()
    context.term()


def test_THR_5_fork_child_uses_its_own_context(zmq):
    out = run("""
        import os
        context = zmq.Context()
        pull = context.socket(zmq.PULL)
        pull.rcvtimeo = 10000
        pull.bind("tcp://127.0.0.1:*")
        where = pull.last_endpoint.rstrip(b"\\0").decode()
        child = os.fork()
        if child == 0:
            own = zmq.Context()
            push = own.socket(zmq.PUSH)
            push.connect(where)
            push.send(b"from the child")
            push.close()
            own.term()
            os._exit(0)
        print(pull.recv().decode())
        assert os.waitpid(child, 0)[1] == 0
        pull.close()
        context.term()
        print("ended")
    """)
    assert out.split("\n") == ["from the child", "ended", ""]


def test_THR_5_child_may_exit_normally_with_inherited_sockets(zmq):
    out = run("""
        import os, sys
        context = zmq.Context.instance()
        push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        pull.rcvtimeo = 10000
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint.rstrip(b"\\0").decode())
        push.send(b"1")
        assert pull.recv() == b"1"
        child = os.fork()
        if child == 0:
            sys.exit(7)  # atexit handlers and destructors run with the inherited objects
        assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
        push.send(b"2")
        print(pull.recv().decode())
    """)
    assert out.strip() == "2"


def test_THR_6_instance_is_new_in_the_child(zmq):
    run("""
        import os
        first = zmq.Context.instance()
        child = os.fork()
        if child == 0:
            os._exit(0 if zmq.Context.instance() is not first else 1)
        assert os.waitpid(child, 0)[1] == 0
    """)


def test_THR_7_and_ERR_7_signals_reach_the_application(zmq, make):
    """A handler that returns: the interrupted recv goes on (PEP 475)."""
    pull = make("PULL")
    pull.bind("tcp://127.0.0.1:*")
    push = make("PUSH")
    push.connect(endpoint(pull))
    handled = []

    def handler(_number, _frame):
        handled.append(threading.current_thread() is threading.main_thread())
        if len(handled) == 3:
            push.send(b"enough")

    old = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        assert pull.recv() == b"enough"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert len(handled) >= 3 and all(handled)


@pytest.mark.parametrize("call", ["recv", "send", "poll"])
def test_ERR_7_a_handler_that_raises_ends_the_call(zmq, make, call):
    class Alarm(Exception):
        pass

    def handler(_number, _frame):
        raise Alarm

    socket = make("DEALER", RCVTIMEO=-1, SNDTIMEO=-1)
    socket.bind("tcp://127.0.0.1:*")
    old = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Alarm):
            {"recv": socket.recv, "send": lambda: socket.send(b"x"), "poll": lambda: socket.poll(10000)}[call]()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_ERR_7_keyboard_interrupt(zmq):
    program = textwrap.dedent("""
        import sys
        socket = zmq.Context().socket(zmq.PULL)
        socket.bind("tcp://127.0.0.1:*")
        try:
            print("ready", flush=True)
            socket.recv()
        except KeyboardInterrupt:
            print("interrupted")
        socket.close()
    """)
    process = subprocess.Popen([sys.executable, "-c", f"import {MODULE} as zmq\n{program}"], stdout=subprocess.PIPE, text=True,
                               env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    try:
        assert process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 10
        # The signal may come before recv() is reached: the interpreter raises it all the same.
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"
        assert process.wait(max(0.1, deadline - time.monotonic())) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_THR_8_no_sigpipe(zmq):
    out = run("""
        import signal, socket
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # would end the process
        with socket.create_server(("127.0.0.1", 0)) as listener:
            push = zmq.Context.instance().socket(zmq.PUSH)
            push.linger = 0
            push.sndtimeo = 100
            push.reconnect_ivl = 1
            push.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
            body = b"\\5READY\\13Socket-Type\\0\\0\\0\\4PULL"
            greeting = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\\0") + bytes(32)
            for _ in range(5):
                connection = listener.accept()[0]
                connection.sendall(greeting + bytes([4, len(body)]) + body)
                connection.recv(64)
                connection.close()
                try:
                    for _ in range(100):
                        push.send(bytes(10000), zmq.DONTWAIT)
                except zmq.Again:
                    pass
        print("alive")
    """)
    assert out.strip() == "alive"


@pytest.mark.parametrize("program", [
    "c = zmq.Context.instance(); s = c.socket(zmq.PUSH); s.connect('tcp://127.0.0.1:1'); s.linger = 0; s.send(b'x')",
    "c = zmq.Context(); s = c.socket(zmq.PULL); s.bind('tcp://127.0.0.1:*')",
    "c = zmq.Context(); s = c.socket(zmq.PULL); s.bind('tcp://127.0.0.1:*'); m = s.get_monitor_socket()",
    "import threading; c = zmq.Context(); s = c.socket(zmq.PULL); threading.Thread(target=s.recv, daemon=True).start()",
])
def test_THR_10_interpreter_exit_does_not_hang(zmq, program):
    run(program, 10)
