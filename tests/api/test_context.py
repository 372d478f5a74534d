"""Context: life, instance, options, shadows, fork, and how it ends."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from platforms import INTERRUPT

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")  # as in tests/conftest.py


def test_repr(zmq):
    context = zmq.Context()
    assert repr(context).startswith("<zmq.Context() at 0x")
    one = context.socket(zmq.PUSH)
    assert "(1 socket)" in repr(context)
    two = context.socket(zmq.PUSH)
    assert "(2 sockets)" in repr(context)
    one.close()
    two.close()
    context.term()
    assert repr(context).endswith(" closed>")


def test_term_twice(zmq):
    context = zmq.Context()
    assert not context.closed
    context.term()
    assert context.closed
    context.term()
    assert context.closed


def test_closed_context_makes_no_sockets(zmq):
    context = zmq.Context()
    context.term()
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.PUSH)


def test_closed_context_has_no_options(zmq):
    context = zmq.Context()
    context.term()
    for call in (
        lambda: context.get(zmq.IO_THREADS), lambda: context.set(zmq.IO_THREADS, 2), lambda: context.io_threads,
        lambda: setattr(context, "io_threads", 2),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="(?i)context has been destroyed"):
            call()


def test_options_that_cannot_be_read_are_no_attributes(zmq, context):
    for name in ("THREAD_AFFINITY_CPU_ADD", "thread_affinity_cpu_remove"):
        assert not hasattr(context, name)
        assert getattr(context, name, 5) == 5


def test_bad_arguments(zmq, context):
    with pytest.raises(zmq.ZMQError) as caught:
        zmq.Context(-1)
    assert caught.value.errno == zmq.EINVAL
    for bad in ("many", b"many", "2"):
        with pytest.raises(TypeError, match="an integer is required"):
            zmq.Context(bad)
    for bad in (None, []):
        with pytest.raises(TypeError):
            zmq.Context(bad)
    with pytest.raises(zmq.ZMQError) as caught:
        context.socket(77)
    assert caught.value.errno == zmq.EINVAL
    with pytest.raises(TypeError):
        context.socket(None)


def test_failed_sockets_and_contexts_leave_quietly(zmq, context, recwarn):
    with pytest.raises(zmq.ZMQError):
        context.socket(77)
    with pytest.raises(zmq.ZMQError):
        zmq.Context(-1)
    gc.collect()
    assert not recwarn.list


def test_with_closes_sockets_and_says_so(zmq):
    with pytest.warns(ResourceWarning, match="unclosed socket"):
        with zmq.Context() as context:
            socket = context.socket(zmq.PUSH)
    assert context.closed and socket.closed


def test_with_closed_sockets_is_quiet(zmq, recwarn):
    with zmq.Context() as context, context.socket(zmq.PUSH):
        pass
    assert context.closed
    assert not recwarn.list


def test_destroy_closes_sockets_quietly(zmq, recwarn):
    context = zmq.Context()
    sockets = [context.socket(zmq.PUSH) for _ in range(3)]
    context.destroy()
    assert context.closed and all(socket.closed for socket in sockets)
    assert not recwarn.list
    context.destroy()


def test_destroy_with_linger_drops_what_cannot_be_sent(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:1")
    socket.send(b"nobody is there")
    context.destroy(linger=0)
    assert context.closed


def test_term_waits_for_sockets(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    terminated = threading.Event()

    def term():
        context.term()
        terminated.set()

    thread = threading.Thread(target=term)
    thread.start()
    with pytest.raises(zmq.ContextTerminated):
        socket.recv()
    assert not terminated.is_set()
    socket.close()
    assert terminated.wait(10)
    thread.join()


def test_forgotten_context_warns_and_ends(zmq):
    context = zmq.Context()
    with pytest.warns(ResourceWarning, match="[Uu]nclosed context"):
        del context
        gc.collect()


# -- instance


def test_instance_is_one(zmq):
    context = zmq.Context.instance()
    assert zmq.Context.instance() is context
    context.term()
    assert zmq.Context.instance() is not context
    assert not zmq.Context.instance().closed


def test_instance_is_one_for_all_threads(zmq):
    zmq.Context.instance().term()
    found = []
    start = threading.Barrier(8)

    def find():
        start.wait()
        found.append(zmq.Context.instance())

    threads = [threading.Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(context) for context in found}) == 1


def test_asyncio_instance_is_another(zmq, submodule):
    other = submodule("asyncio").Context.instance()
    assert other is not zmq.Context.instance()
    assert type(other) is submodule("asyncio").Context
    other.term()


def test_subclass_keeps_its_own_attributes(zmq):
    class Own(zmq.Context):
        name: str = ""
        other: int

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.name = "own"
            self.other = 5

    with Own() as context:
        assert (context.name, context.other) == ("own", 5)


def test_socket_class(zmq):
    class OwnSocket(zmq.Socket):
        pass

    class OwnContext(zmq.Context):
        _socket_class = OwnSocket

    with OwnContext() as context, context.socket(zmq.PUSH) as socket:
        assert type(socket) is OwnSocket
    with zmq.Context() as context, context.socket(zmq.PUSH, socket_class=OwnSocket) as socket:
        assert type(socket) is OwnSocket


# -- options


def test_own_options(zmq):
    with zmq.Context(io_threads=2) as context:
        assert context.get(zmq.IO_THREADS) == context.io_threads == context.IO_THREADS == 2
        context.max_sockets = 5
        assert context.max_sockets == context.get(zmq.MAX_SOCKETS) == 5
        context.set(zmq.MAX_SOCKETS, 6)
        assert context.MAX_SOCKETS == 6


def test_bad_options(zmq, context):
    with pytest.raises(zmq.ZMQError) as caught:
        context.set(999, 1)
    assert caught.value.errno == zmq.EINVAL
    with pytest.raises(zmq.ZMQError):
        context.get(999)
    with pytest.raises(TypeError):
        context.set(zmq.IO_THREADS, "many")
    for name in ("nonsense", "_nonsense"):
        with pytest.raises(AttributeError):
            setattr(context, name, 1)
        with pytest.raises(AttributeError):
            getattr(context, name)


def test_defaults_for_sockets(zmq, context):
    with pytest.raises(AttributeError):
        context.linger  # noqa: B018
    context.linger = 5
    context.setsockopt(zmq.RCVHWM, 7)
    context.subscribe = b"topic"  # not for every type of socket
    assert context.linger == context.getsockopt(zmq.LINGER) == context.sockopts[zmq.LINGER] == 5
    with context.socket(zmq.PUSH) as socket:
        assert (socket.linger, socket.rcvhwm) == (5, 7)
    del context.linger
    with pytest.raises(KeyError):
        context.getsockopt(zmq.LINGER)
    with pytest.raises(AttributeError):
        del context.nonsense
    with context.socket(zmq.PUSH) as socket:
        assert socket.linger == -1


def test_dir(zmq, context):
    assert {"IO_THREADS", "MAX_SOCKETS", "socket", "term"} <= set(dir(context))


def test_max_sockets(zmq):
    with zmq.Context() as context:
        context.max_sockets = 2
        sockets = [context.socket(zmq.PUSH) for _ in range(2)]
        with pytest.raises(zmq.ZMQError):
            context.socket(zmq.PUSH)
        for socket in sockets:
            socket.close()


# -- other objects for the same context


def test_shadow(zmq):
    context = zmq.Context()
    for shadow in (
        zmq.Context.shadow(context),
        zmq.Context(context),
        zmq.Context(shadow=context),
        zmq.Context.shadow(context.underlying),
        copy.copy(context),
        copy.deepcopy(context),
    ):
        assert shadow.underlying == context.underlying
        with shadow.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
            one.bind("inproc://shadow")
            two.connect("inproc://shadow")
            one.send(b"through")
            assert two.recv() == b"through"
        del shadow
        gc.collect()
        assert not context.closed
    context.term()


def test_shadow_keeps_its_context(zmq, recwarn):
    shadow = zmq.Context.shadow(zmq.Context())
    gc.collect()
    with shadow.socket(zmq.PUSH):
        pass
    shadow._shadow_obj.term()


def test_no_pickle(zmq, context):
    with pytest.raises(TypeError):
        pickle.dumps(context)


# -- processes


def run(code, timeout=20):
    """A program of its own, with warnings; its output."""
    program = "\n".join([f"import {MODULE} as zmq, os, sys, time, gc, threading", textwrap.dedent(code)])
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


UNSENT = "s.connect('tcp://127.0.0.1:1'); s.send(b'nobody is there')"


@pytest.mark.parametrize(
    "code",
    [
        f"c = zmq.Context(); s = c.socket(zmq.PUSH); {UNSENT}",
        f"c = zmq.Context.instance(); s = c.socket(zmq.PUSH); {UNSENT}",
        f"c = zmq.Context(); s = c.socket(zmq.PUSH); {UNSENT}; s.close()",
        f"s = zmq.Context.instance().socket(zmq.PUSH); {UNSENT}; s.close(); del s",
        "c = zmq.Context(); s = c.socket(zmq.PULL); threading.Thread(target=s.recv, daemon=True).start()",
    ],
    ids=["context", "instance", "closed socket", "instance only", "thread in recv"],
)
def test_exit_does_not_wait(code):
    run(code)


def test_exit_warns_of_open_sockets():
    assert "Unclosed socket" in run("c = zmq.Context(); s = c.socket(zmq.PUSH)")


def test_garbage_collection_waits_for_linger():
    output = run(f"""
        def forget():
            c = zmq.Context(); s = c.socket(zmq.PUSH); s.linger = 300
            {UNSENT}
        began = time.monotonic(); forget(); gc.collect()
        print("took", round(time.monotonic() - began, 1))
    """)
    assert 0.25 <= float(output.rpartition("took ")[2]) < 5


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_garbage_collection_closes_sockets_that_hold_no_context(zmq):
    """What a program has put in the place of `socket.context` is its own business; the real one goes with its last reference, and waits for no socket."""
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    pull.context = None
    del context
    assert pull.closed


def test_exit_handlers_find_an_open_context():
    assert "closed: False" in run("""
        import atexit
        context = zmq.Context()
        atexit.register(lambda: print("closed:", context.closed))
    """)


def test_leaving_a_context_sends_what_is_queued(zmq, context):
    pull = context.socket(zmq.PULL)
    pull.bind("tcp://127.0.0.1:*")
    run(f"""
        with zmq.Context() as context, context.socket(zmq.PUSH) as push:
            push.connect({pull.get_string(zmq.LAST_ENDPOINT)!r})
            for number in range(900):
                push.send(b"%d" % number)
    """)
    pull.rcvtimeo = 5000
    assert [int(pull.recv()) for _ in range(900)] == list(range(900))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_gives_the_child_an_instance_of_its_own():
    output = run("""
        context = zmq.Context.instance()
        socket = context.socket(zmq.PUSH)
        child = os.fork()
        if child == 0:
            own = zmq.Context.instance()
            print("child shares:", own is context, flush=True)
            with own.socket(zmq.PAIR) as one, own.socket(zmq.PAIR) as two:
                one.bind("inproc://x"); two.connect("inproc://x"); one.send(b"hi"); print("child got", two.recv(), flush=True)
            own.term()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print("parent shares:", zmq.Context.instance() is context)
        socket.close()
    """)
    assert "child shares: False" in output and "child got b'hi'" in output and "parent shares: True" in output


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_child_may_end_what_it_inherited():
    output = run("""
        context = zmq.Context()
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        pull.bind("tcp://127.0.0.1:*"); push.connect(pull.get_string(zmq.LAST_ENDPOINT))
        push.send(b"1"); pull.recv()
        child = os.fork()
        if child == 0:
            push.close(); pull.close(); context.term()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        push.send(b"2"); print("parent got", pull.recv())
        push.close(); pull.close(); context.term()
    """)
    assert "parent got b'2'" in output


def test_interrupt_ends_recv_and_term():
    output = run(f"""
        import signal
        def interrupt_soon():
            threading.Timer(0.2, lambda: {INTERRUPT}).start()
        context = zmq.Context(); socket = context.socket(zmq.PULL)
        interrupt_soon()
        try:
            socket.recv()
        except KeyboardInterrupt:
            print("recv ended")
        interrupt_soon()
        try:
            context.term()
        except KeyboardInterrupt:
            print("term ended")
        socket.close()
    """)
    assert "recv ended" in output and "term ended" in output


@pytest.mark.parametrize("end", ["term()", "destroy()", "destroy(0)", "__exit__(None, None, None)"])
def test_interrupted_term_is_the_last_to_wait(end):
    output = run(f"""
        import signal
        c = zmq.Context(); s = c.socket(zmq.PUSH)
        {UNSENT}; s.close()
        threading.Timer(0.2, lambda: {INTERRUPT}).start()
        try:
            c.term()
        except KeyboardInterrupt:
            print("interrupted, closed:", c.closed)
        began = time.monotonic(); c.{end}
        print("closed:", c.closed); del s, c; gc.collect()
        print("took", round(time.monotonic() - began, 1))
    """)
    assert "interrupted, closed: False" in output and "\nclosed: True" in output
    assert float(output.rpartition("took ")[2]) < 5


def test_interrupted_term_leaves_what_lingers_to_the_background():
    output = run(f"""
        import signal, socket
        listener = socket.create_server(("127.0.0.1", 0)); port = listener.getsockname()[1]; listener.close()
        c = zmq.Context(); s = c.socket(zmq.PUSH); s.connect(f"tcp://127.0.0.1:{{port}}"); s.send(b"late"); s.close()
        threading.Timer(0.2, lambda: {INTERRUPT}).start()
        try:
            c.term()
        except KeyboardInterrupt:
            c.term()
        other = zmq.Context(); pull = other.socket(zmq.PULL); pull.rcvtimeo = 10000; pull.bind(f"tcp://127.0.0.1:{{port}}")
        print("got", pull.recv()); pull.close(); other.term()
    """)
    assert "got b'late'" in output


@pytest.mark.parametrize("value", [1.5, "a", "1", b"x", bytearray(b"1"), None], ids=repr)
def test_values_of_a_wrong_type(zmq, context, value):
    with pytest.raises(TypeError):
        context.set(zmq.IO_THREADS, value)
    assert context.get(zmq.IO_THREADS) == 1


@pytest.mark.parametrize("value", [1 << 31, 1 << 70, -1 << 70], ids=hex)
def test_values_that_do_not_fit(zmq, context, value):
    with pytest.raises(OverflowError):
        context.set(zmq.IO_THREADS, value)


@pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="there is no GIL to give up")
def test_no_other_thread_runs_while_a_socket_is_made(context, zmq):
    """As with pyzmq: a thread that has begun to make its socket has it before another one ends the context."""
    begin, ran = threading.Event(), []

    def run():
        begin.wait()
        ran.append(True)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # so that a thread only runs when this one lets it
    try:
        other = threading.Thread(target=run)
        other.start()
        begin.set()
        until = time.monotonic() + 0.02  # by now it waits for the GIL; if not, this test shows nothing
        while time.monotonic() < until:
            pass
        sockets = [context.socket(zmq.PUSH) for _ in range(100)]
        seen = bool(ran)
    finally:
        sys.setswitchinterval(interval)
    other.join()
    for socket in sockets:
        socket.close()
    assert not seen
