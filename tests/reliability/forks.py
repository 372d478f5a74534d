"""A process that forks in a given state: `forks.py MODULE --state traffic --child exit [--transport ipc]`.

The child does what `--child` says with what it inherited, and ends. Then the parent shows that its connections were not harmed: it sends numbered
messages over each of them and wants all of them, in order. The exit status is 0, or else tells on stderr what went wrong.
"""
import argparse
import asyncio
import atexit
import contextlib
import gc
import importlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

from fork_states import SECONDS, STATES, flows, where

CHILDREN = {}


def child(function):
    CHILDREN[function.__name__] = function
    return function


class Place:
    def __init__(self, zmq, transport, folder, ending):
        self.zmq, self.transport, self.folder, self.ending = zmq, transport, folder, ending
        self.context = zmq.Context()
        self.pid = None
        self.serial = 0
        self.kept = []

    def socket(self, kind, **options):
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.linger, socket.rcvtimeo, socket.sndtimeo = 0, SECONDS * 1000, SECONDS * 1000
        for name, value in options.items():
            setattr(socket, name, value)
        self.kept.append(socket)
        return socket

    def endpoint(self):
        self.serial += 1
        return {
            "tcp": "tcp://127.0.0.1:*",
            "ws": "ws://127.0.0.1:*",
            "ipc": f"ipc://{self.folder}/f{self.serial}",
            "inproc": f"inproc://f{self.serial}",
        }[self.transport]

    def pair(self, connecter, binder, **options):
        bound = self.socket(binder, **options)
        bound.bind(self.endpoint())
        other = self.socket(connecter, **options)
        other.connect(where(bound))
        return other, bound

    def fork(self):
        """In the parent it returns; the child ends in here."""
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(SECONDS)       # a child that hangs must be seen, not left behind
            try:
                CHILDREN[self.ending](self)
            except SystemExit:
                raise
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(99)
            os._exit(0)

    def join(self):
        deadline = time.monotonic() + SECONDS
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            assert time.monotonic() < deadline, "the child never ended"
            time.sleep(0.002)
        code = os.waitstatus_to_exitcode(status)
        assert code == (7 if self.ending == "exit" else 0), f"the child ended with {code}"


# ---- what the child does

@child
def close(place):
    for socket in place.kept:
        socket.close(linger=0)
        assert socket.closed
    place.context.term()
    assert place.context.closed


@child
def destroy(place):
    place.context.destroy(linger=0)


@child
def own(place):
    """A context of its own, at work; then everything goes."""
    own_context(place.zmq, place.folder)
    close(place)
    own_context(place.zmq, place.folder)


@child
def loop(place):
    """An event loop of its own."""
    close(place)
    aio = importlib.import_module(place.zmq.__name__ + ".asyncio")

    async def work():
        context = aio.Context()
        push, pull = context.socket(place.zmq.PUSH), context.socket(place.zmq.PULL)
        pull.bind("tcp://127.0.0.1:*")
        push.connect(where(pull))
        for number in range(20):
            await push.send(b"%d" % number)
            assert await asyncio.wait_for(pull.recv(), SECONDS) == b"%d" % number
        context.destroy(linger=0)

    # As in any child: the loop that was running when it was forked is its parent's.
    asyncio.events._set_running_loop(None)
    asyncio.run(work())


def calls(zmq, socket):
    return (lambda: socket.send(b"x"), socket.recv, lambda: socket.poll(1000), lambda: socket.bind("tcp://127.0.0.1:*"),
            lambda: socket.connect("tcp://127.0.0.1:1"), lambda: socket.getsockopt(zmq.EVENTS), lambda: zmq.zmq_poll([(socket, 1)], 1000))


@child
def used(place):
    """Whatever is called, the answer is an error, never a wait."""
    zmq = place.zmq
    for socket in place.kept:
        if socket.closed:       # by the parent
            continue
        for call in calls(zmq, socket):
            try:
                result = call()
                if hasattr(result, "__await__"):
                    result.cancel()
                elif zmq.__name__ == "zmqcore":
                    raise AssertionError(f"{socket} took a call in the child: {result}")
            except zmq.ZMQError as error:
                assert error.errno == zmq.ENOTSOCK, error
    close(place)


@child
def collect(place):
    """Nothing is closed; the garbage collector finds everything."""
    place.kept.clear()
    place.context = None
    for frame in sys._current_frames().values():
        with contextlib.suppress(RuntimeError):
            frame.clear()
    for _ in range(3):
        gc.collect()
    own_context(place.zmq, place.folder)


@child
def exit(place):
    atexit.register(gc.collect)
    sys.exit(7)


@child
def hard(place):
    os._exit(0)


@child
def grandchild(place):
    """Forks again before and after it let go."""
    for ending in (own, close):
        pid = os.fork()
        if pid == 0:
            ending(place)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    close(place)
    pid = os.fork()
    if pid == 0:
        own_context(place.zmq, place.folder)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def own_context(zmq, folder):
    context = zmq.Context()
    for endpoint in ("tcp://127.0.0.1:*", f"ipc://{folder}/own{os.getpid()}", "inproc://f1"):
        push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        push.rcvtimeo = pull.rcvtimeo = SECONDS * 1000
        pull.bind(endpoint)
        push.connect(where(pull))
        flows(push, pull, 50)
        push.close()
        pull.close()
    context.term()
    assert zmq.Context.instance() is not context


def worker(module, endpoint, number):
    """What a process of multiprocessing runs."""
    zmq = importlib.import_module(module)
    context = zmq.Context.instance()
    assert not context.closed
    socket = context.socket(zmq.REQ)
    socket.rcvtimeo = SECONDS * 1000
    socket.connect(endpoint)
    socket.send(b"%d" % number)
    assert socket.recv() == b"%d" % (number + 1)
    socket.close()


def multiprocess(module, method):
    """`method`: fork, spawn or forkserver. The parent has a context, sockets and a thread at work."""
    zmq = importlib.import_module(module)
    context = zmq.Context.instance()
    server = context.socket(zmq.REP)
    server.rcvtimeo = SECONDS * 1000
    server.bind("tcp://127.0.0.1:*")
    mp = multiprocessing.get_context(method)
    processes = [mp.Process(target=worker, args=(module, where(server), number)) for number in range(4)]

    def serve():
        for _ in processes:
            server.send(b"%d" % (int(server.recv()) + 1))

    thread = threading.Thread(target=serve)
    thread.start()
    for process in processes:
        process.start()
    for process in processes:
        process.join(SECONDS)
        assert process.exitcode == 0, process.exitcode
    thread.join(SECONDS)
    server.close()
    context.term()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("--state", default="idle")
    parser.add_argument("--child", default="close", choices=CHILDREN)
    parser.add_argument("--transport", default="tcp")
    parser.add_argument("--multiprocessing", choices=["fork", "spawn", "forkserver"])
    given = parser.parse_args()
    if given.multiprocessing:
        multiprocess(given.module, given.multiprocessing)
        return
    zmq = importlib.import_module(given.module)
    folder = tempfile.mkdtemp(prefix="f")
    parent = os.getpid()
    place = Place(zmq, given.transport, folder, given.child)
    try:
        STATES[given.state](place)
        place.context.destroy(linger=0)
    finally:
        if os.getpid() == parent:       # a child that exits comes by here as well
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
