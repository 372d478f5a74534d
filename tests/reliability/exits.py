"""A process that ends while daemon threads are inside every call: `exits.py MODULE --transport tcp --ending return [--calls send,recv]`.

The main thread starts one daemon thread for each call, waits until each of them has been at work, and ends in the way asked for. Finalizers and
an exit handler close sockets and terminate contexts. The exit status tells whether the process ended as it should: see ENDINGS.
"""
import argparse
import asyncio
import atexit
import contextlib
import importlib
import itertools
import os
import signal
import sys
import tempfile
import threading
import time

# ending -> exit status (negative: killed by that signal)
ENDINGS = {"return": 0, "exit": 3, "hard": 4, "exception": 1, "interrupt": 130, "handler": 5, "kill": -signal.SIGTERM}

CALLS = {}
serial = itertools.count(1)


def call(function):
    CALLS[function.__name__] = function
    return function


class Place:
    """What the calls share: the module, endpoints, sockets."""

    def __init__(self, zmq, transport, folder, sink):
        self.sink = sink
        self.zmq = zmq
        self.transport = transport
        self.folder = folder
        self.module = zmq.__name__
        self.context = zmq.Context()

    def endpoint(self):
        if self.transport == "tcp":
            return "tcp://127.0.0.1:*"
        name = f"exits{next(serial)}"
        return f"ipc://{self.folder}/{name}" if self.transport == "ipc" else f"inproc://{name}"

    def socket(self, kind, linger=0, context=None, **options):
        socket = (context or self.context).socket(getattr(self.zmq, kind))
        socket.linger = linger
        for name, value in options.items():
            setattr(socket, name, value)
        return socket

    def pair(self, connecter, binder, **options):
        bound = self.socket(binder, **options)
        bound.bind(self.endpoint())
        other = self.socket(connecter, **options)
        other.connect(bound.last_endpoint.decode())
        return other, bound


# Each takes the place and an event to set when it is at work, and goes on for ever.

@call
def send(place, ready):
    """To another process: nothing but the sender's own system calls lets other threads have the GIL."""
    push = place.socket("PUSH")
    push.connect(place.sink)
    data = b"x" * 3000
    push.send(data)
    ready.set()
    while True:
        push.send(data)


@call
def send_full(place, ready):
    push = place.socket("PUSH")
    push.connect("tcp://127.0.0.1:1")
    push.sndhwm = 10
    ready.set()
    forever(lambda: push.send(b"x"))


@call
def send_large(place, ready):
    push, pull = place.pair("PUSH", "PULL")
    threading.Thread(target=forever, args=(lambda: pull.recv(copy=False),), daemon=True).start()
    forever(lambda: (push.send(bytes(200000), copy=False, track=True), ready.set()))


@call
def send_multipart(place, ready):
    dealer, router = place.pair("DEALER", "ROUTER")
    threading.Thread(target=forever, args=(lambda: router.send_multipart(router.recv_multipart()),), daemon=True).start()
    forever(lambda: (dealer.send_multipart([b"a", b"b" * 1000, b"c"]), dealer.recv_multipart(), ready.set()))


@call
def recv_idle(place, ready):
    pull = place.pair("PUSH", "PULL")[1]
    ready.set()
    forever(pull.recv)


@call
def recv_now(place, ready):
    pull = place.pair("PUSH", "PULL")[1]

    def look():
        with contextlib.suppress(place.zmq.Again):
            pull.recv(place.zmq.DONTWAIT)
        ready.set()

    forever(look)


@call
def recv_shared(place, ready):
    """Several threads in one socket, in different calls."""
    a, b = place.pair("DEALER", "DEALER", rcvtimeo=5)

    def receive():
        with contextlib.suppress(place.zmq.Again):
            b.recv()
        b.getsockopt(place.zmq.EVENTS)

    for _ in range(2):
        threading.Thread(target=forever, args=(receive,), daemon=True).start()
        threading.Thread(target=forever, args=(lambda: a.send(b"x" * 100),), daemon=True).start()
    forever(lambda: (b.poll(1), b.getsockopt(place.zmq.RCVMORE), ready.set()))


@call
def subscribe(place, ready):
    pub = place.pair("SUB", "PUB")
    names = itertools.cycle(range(1000))

    def change():
        name = b"%d" % next(names)
        pub[0].subscribe(name)
        pub[0].unsubscribe(name)
        pub[1].send(b"7")
        ready.set()

    forever(change)


@call
def poll(place, ready):
    pull = place.pair("PUSH", "PULL")[1]
    forever(lambda: (pull.poll(1), ready.set()))


@call
def poller(place, ready):
    poller = place.zmq.Poller()
    for socket in (*place.pair("PUSH", "PULL"), *place.pair("SUB", "PUB")):
        poller.register(socket, place.zmq.POLLIN)
    forever(lambda: (poller.poll(1), ready.set()))


@call
def poller_idle(place, ready):
    poller = place.zmq.Poller()
    for socket in place.pair("PUSH", "PULL"):
        poller.register(socket, place.zmq.POLLIN)
    ready.set()
    poller.poll()


@call
def proxy(place, ready):
    front, back = place.socket("ROUTER"), place.socket("DEALER")
    for socket in (front, back):
        socket.bind(place.endpoint())
    threading.Thread(target=place.zmq.proxy, args=(front, back), daemon=True).start()
    client, worker = place.socket("REQ"), place.socket("REP")
    client.connect(front.last_endpoint.decode())
    worker.connect(back.last_endpoint.decode())
    threading.Thread(target=forever, args=(lambda: worker.send(worker.recv()),), daemon=True).start()
    forever(lambda: (client.send(b"x"), client.recv(), ready.set()))


@call
def proxy_steerable(place, ready):
    front, back, control = place.socket("PULL"), place.socket("PUSH"), place.socket("PAIR")
    for socket in (front, back, control):
        socket.bind(place.endpoint())
    ready.set()
    place.zmq.proxy_steerable(front, back, None, control)


@call
def term(place, ready):
    context = place.zmq.Context()
    left_open = place.socket("PULL", context=context)
    left_open.bind("tcp://127.0.0.1:*")
    sys.left_open = left_open
    ready.set()
    context.term()


@call
def close_lingering(place, ready):
    def life():
        socket = place.socket("PUSH", linger=100)
        socket.connect("tcp://127.0.0.1:1")
        socket.send(b"x")
        socket.close()
        ready.set()
        time.sleep(0.001)

    forever(life)


@call
def bind(place, ready):
    def life():
        socket = place.socket("PULL")
        socket.bind(place.endpoint())
        socket.unbind(socket.last_endpoint.decode())
        socket.close()
        ready.set()

    forever(life)


@call
def connect(place, ready):
    where = place.pair("PUSH", "PULL")[1].last_endpoint.decode()

    def life():
        socket = place.socket("PUSH")
        socket.connect(where)
        socket.disconnect(where)
        socket.close()
        ready.set()

    forever(life)


@call
def contexts(place, ready):
    def life():
        context = place.zmq.Context()
        socket = place.socket("PULL", context=context)
        socket.bind("tcp://127.0.0.1:*")
        socket.close()
        context.term()
        ready.set()

    forever(life)


@call
def monitor(place, ready):
    socket = place.pair("PUSH", "PULL")[1]

    def life():
        socket.get_monitor_socket()
        socket.disable_monitor()
        ready.set()

    forever(life)


@call
def recv_many(place, ready):
    push, pull = place.pair("PUSH", "PULL")
    if not hasattr(pull, "recv_many"):
        return ready.set()
    threading.Thread(target=forever, args=(lambda: push.send_many([b"x"] * 100),), daemon=True).start()
    forever(lambda: (pull.recv_many(), ready.set()))


@call
def device(place, ready):
    devices = importlib.import_module(f"{place.module}.devices")
    device = devices.ThreadDevice(place.zmq.FORWARDER, place.zmq.SUB, place.zmq.PUB)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    device.start()
    ready.set()


@call
def loop(place, ready):
    """An event loop in a thread, two tasks in it."""
    aio = importlib.import_module(f"{place.module}.asyncio")

    async def work():
        context = aio.Context()
        pull = context.socket(place.zmq.PULL)
        pull.bind(place.endpoint())
        push = context.socket(place.zmq.PUSH)
        push.linger = pull.linger = 0
        push.connect(pull.last_endpoint.decode())
        idle = context.socket(place.zmq.PULL)
        idle.linger = 0
        waiting = asyncio.ensure_future(idle.recv())
        while not waiting.done():
            await push.send(b"x")
            await pull.recv()
            ready.set()

    asyncio.run(work())


def start_sink(zmq):
    """A process that receives whatever comes, and goes when its parent has gone. Its endpoint."""
    reading, writing = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        pull = zmq.Context().socket(zmq.PULL)
        pull.rcvtimeo = 100
        pull.bind("tcp://127.0.0.1:*")
        os.write(writing, pull.last_endpoint)
        while os.getppid() == parent:
            with contextlib.suppress(zmq.Again):
                pull.recv()
        os._exit(0)
    return os.read(reading, 100).decode()


def forever(step):
    while True:
        step()


class Closer:
    """Closes sockets when the interpreter lets it go, which is at the very end: the names of most modules are gone by then."""

    def __init__(self, sockets):
        self.sockets = sockets

    def __del__(self):
        for socket in self.sockets:
            try:
                socket.close()
            except:  # noqa: E722 - what else it needs may be gone as well
                pass


def run(place, name, failures):
    ready = threading.Event()

    def work():
        try:
            CALLS[name](place, ready)
        except place.zmq.ZMQError as error:
            # A context that an exit handler destroys ends the calls on its sockets: that is no fault.
            if error.errno not in (place.zmq.ETERM, place.zmq.ENOTSOCK):
                failures.append((name, error))
        except BaseException as error:
            failures.append((name, error))
            raise

    threading.Thread(target=work, daemon=True, name=name).start()
    return ready


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("--transport", default="tcp")
    parser.add_argument("--ending", default="return", choices=ENDINGS)
    parser.add_argument("--calls", default=",".join(CALLS))
    parser.add_argument("--delay", type=float, default=0.05, help="seconds of work before the end")
    given = parser.parse_args()
    zmq = importlib.import_module(given.module)
    folder = tempfile.mkdtemp(prefix="x")
    place = Place(zmq, given.transport, folder, start_sink(zmq))
    failures = []
    if given.ending == "handler":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
    finalized = place.socket("PULL")
    finalized.bind("tcp://127.0.0.1:*")
    doomed = zmq.Context()
    for _ in range(3):
        place.socket("PUSH", context=doomed).connect("tcp://127.0.0.1:1")
    atexit.register(doomed.destroy, linger=0)
    for name, ready in [(name, run(place, name, failures)) for name in given.calls.split(",")]:
        if not ready.wait(20):
            print(f"{name} never came to work", failures, file=sys.stderr, flush=True)
            os._exit(99)
    # Outlives this module: its finalizer runs when the interpreter has stopped all other threads. It closes the very sockets they are inside.
    sys.closer = Closer(list(place.context._sockets))
    time.sleep(given.delay)
    if failures:
        print(failures, file=sys.stderr, flush=True)
        os._exit(98)
    if given.ending == "exit":
        sys.exit(3)
    if given.ending == "hard":
        os._exit(4)
    if given.ending == "exception":
        raise RuntimeError("the end")
    if given.ending == "interrupt":
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt:
            sys.exit(130)
    if given.ending in ("handler", "kill"):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)


if __name__ == "__main__":
    main()
