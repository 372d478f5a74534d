"""The states in which `forks.py` forks. Each brings its sockets, threads or loop there, forks once, and then proves that its end was not harmed."""
import asyncio
import contextlib
import importlib
import os
import signal
import socket as sockets
import sys
import threading
import time

SECONDS = 20            # for whatever must happen
STATES = {}


def state(function):
    STATES[function.__name__] = function
    return function


def where(socket):
    return socket.last_endpoint.decode()


def flows(source, target, count=300):
    """Both ends unharmed: all arrive, each once and in order."""
    for number in range(count):
        source.send_multipart([b"n", b"%d" % number, b"z" * (number * 37 % 5000)])
    for number in range(count):
        frames = target.recv_multipart()
        assert frames[-3:-1] == [b"n", b"%d" % number], frames
        assert frames[-1] == b"z" * (number * 37 % 5000)


@state
def idle(place):
    pairs = [place.pair(*kinds) for kinds in (("PUSH", "PULL"), ("DEALER", "ROUTER"), ("DEALER", "DEALER"), ("PAIR", "PAIR"))]
    for pair in pairs:
        flows(*pair, 3)
    unbound = place.socket("DEALER")
    place.fork()
    place.join()
    for pair in pairs:
        flows(*pair)
    unbound.bind(place.endpoint())
    later = place.socket("DEALER")
    later.connect(where(unbound))       # the listener of the parent, too, is still there
    flows(later, unbound)
    again = place.socket("PUSH")
    again.connect(where(pairs[0][1]))
    flows(again, pairs[0][1])


@state
def working(place):
    """Large frames, which the I/O thread writes while this one is busy, and another reads."""
    push, pull = place.pair("PUSH", "PULL")
    got = []
    reader = threading.Thread(target=lambda: got.extend(pull.recv() for _ in range(60)))
    reader.start()
    for number in range(60):
        push.send(b"%04d" % number * 100_000)
        if number == 30:
            place.fork()
        until = time.perf_counter() + 0.0005
        while time.perf_counter() < until:
            pass
    reader.join()
    assert got == [b"%04d" % number * 100_000 for number in range(60)]
    place.join()
    flows(push, pull)


@state
def connecting(place):
    """To a listener that takes nobody, to one that is not there yet, with messages queued."""
    with sockets.socket() as full, contextlib.ExitStack() as fillers, sockets.create_server(("127.0.0.1", 0)) as gone:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            filler = fillers.enter_context(sockets.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        absent = gone.getsockname()[1]
        gone.close()
        first = place.socket("PUSH", reconnect_ivl=10)
        first.connect(f"tcp://127.0.0.1:{full.getsockname()[1]}")
        second = place.socket("PUSH", reconnect_ivl=10)
        second.connect(f"tcp://127.0.0.1:{absent}")
        for number in range(100):
            second.send(b"%d" % number)
        place.fork()
        place.join()
    target = place.socket("PULL")
    bind(place.zmq, target, f"tcp://127.0.0.1:{absent}")
    for number in range(100):
        assert target.recv() == b"%d" % number
    flows(second, target)


@state
def handshaking(place):
    """Half a greeting has come from each side; the rest comes after the fork."""
    greeting = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\0") + bytes(32)
    body = b"\5READY\13Socket-Type\0\0\0\4PULL"
    pull = place.socket("PULL")
    pull.bind("tcp://127.0.0.1:*")
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        push = place.socket("PUSH")
        push.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        push.send(b"after")
        connection = listener.accept()[0]
        half = sockets.create_connection(("127.0.0.1", int(where(pull).rpartition(":")[2])))
        with connection, half:
            for peer in (connection, half):
                peer.settimeout(SECONDS)
                peer.sendall(greeting[:20])
                assert peer.recv(1)
            place.fork()
            place.join()
            connection.sendall(greeting[20:] + bytes([4, len(body)]) + body)
            got = b""
            while not got.endswith(b"\0\5after"):
                piece = connection.recv(1000)
                assert piece, got
                got += piece
            body = body[:-4] + b"PUSH"
            half.sendall(greeting[20:] + bytes([4, len(body)]) + body + b"\0\5after")
            assert pull.recv() == b"after"


@state
def traffic(place):
    """Threads send and receive while it forks, several times over."""
    pairs = [place.pair(*kinds) for kinds in (("PUSH", "PULL"), ("DEALER", "ROUTER"), ("DEALER", "DEALER"))]
    stop, faults = threading.Event(), []
    sent, got = [0] * len(pairs), [0] * len(pairs)

    def send(which, source):
        while not stop.is_set():
            source.send_multipart([b"%d" % sent[which], b"y" * (sent[which] * 61 % 9000)])
            sent[which] += 1
        source.send_multipart([b"end", b""])

    def receive(which, target):
        while True:
            frames = target.recv_multipart()[-2:]
            if frames[0] == b"end":
                return
            if frames != [b"%d" % got[which], b"y" * (got[which] * 61 % 9000)]:
                faults.append((which, got[which], frames[0]))
                stop.set()
                return
            got[which] += 1

    threads = [threading.Thread(target=work, args=(which, pair[side]), daemon=True)
               for which, pair in enumerate(pairs) for side, work in enumerate((send, receive))]
    for thread in threads:
        thread.start()
    for _ in range(5):
        before = got[:]
        place.fork()
        place.join()
        reached(lambda before=before: faults or all(now > then + 20 for now, then in zip(got, before)))
    stop.set()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert not faults and sent == got, (faults, sent, got)


@state
def blocked(place):
    """Threads wait in calls of every kind."""
    zmq = place.zmq
    sources, results, threads, started = [], [], [], []

    def wait(name, call):
        ready = threading.Event()
        started.append(ready)

        def work():
            ready.set()
            results.append((name, call()))
        threads.append(threading.Thread(target=work, daemon=True))
        threads[-1].start()

    for name in ("recv", "recv_multipart", "poll", "poller"):
        source, target = place.pair("PUSH", "PULL")
        sources.append(source)
        if name == "poller":
            poller = zmq.Poller()
            poller.register(target, zmq.POLLIN)
            wait(name, poller.poll)
        else:
            wait(name, getattr(target, name))
    full = place.socket("PUSH")         # nobody is connected: send waits
    full.bind(place.endpoint())
    wait("send", lambda: full.send(b"late"))
    other = zmq.Context()
    last = other.socket(zmq.PULL)
    wait("term", other.term)
    for ready in started:
        assert ready.wait(SECONDS)
    time.sleep(0.05)                    # into the system calls themselves; if not yet, it is another state worth forking in
    place.fork()
    place.join()
    for source in sources:
        source.send(b"x")
    receiver = place.socket("PULL")
    receiver.connect(where(full))
    assert receiver.recv() == b"late"
    last.close()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert sorted(name for name, _ in results) == ["poll", "poller", "recv", "recv_multipart", "send", "term"]


@state
def proxied(place):
    """A proxy is at work in a thread."""
    zmq = place.zmq
    front, back = place.socket("ROUTER"), place.socket("DEALER")
    front.bind(place.endpoint())
    back.bind(place.endpoint())
    control, steer = place.pair("PAIR", "PAIR")
    thread = threading.Thread(target=zmq.proxy_steerable, args=(front, back, None, steer), daemon=True)
    thread.start()
    client, worker = place.socket("REQ"), place.socket("REP")
    client.connect(where(front))
    worker.connect(where(back))

    def ask(number):
        client.send(b"%d" % number)
        worker.send(worker.recv())
        assert client.recv() == b"%d" % number

    for number in range(20):
        ask(number)
    client.send(b"on its way")
    place.fork()
    place.join()
    worker.send(worker.recv())
    assert client.recv() == b"on its way"
    for number in range(20):
        ask(number)
    control.send(b"TERMINATE")
    thread.join(SECONDS)
    assert not thread.is_alive()


@state
def half_done(place):
    """Messages half sent, half received, queued, lingering."""
    zmq = place.zmq
    source, target = place.pair("DEALER", "DEALER")
    source.send_multipart([b"a", b"b", b"c"])
    source.send(b"1", zmq.SNDMORE)
    assert target.recv() == b"a"
    req, rep = place.pair("REQ", "REP")
    req.send(b"question")
    assert rep.recv() == b"question"
    sub, pub = place.pair("SUB", "XPUB")
    sub.subscribe(b"")
    assert pub.recv() == b"\1"
    tracked, sink = place.pair("PUSH", "PULL")
    tracker = tracked.send(b"t" * 3000000, copy=False, track=True)
    frame = tracked.send(b"f" * 100000, copy=False, track=True) and zmq.Frame(b"v" * 100000)
    place.fork()
    place.join()
    assert [target.recv(), target.recv(), target.getsockopt(zmq.RCVMORE)] == [b"b", b"c", 0]
    source.send(b"2")
    assert target.recv_multipart() == [b"1", b"2"]
    rep.send(b"answer")
    assert req.recv() == b"answer"
    pub.send(b"news")
    assert sub.recv() == b"news"
    assert sink.recv() == b"t" * 3000000 and sink.recv() == b"f" * 100000 and frame.bytes == b"v" * 100000
    tracker.wait(SECONDS)
    flows(source, target)


@state
def lingering(place):
    """A socket was closed with messages for a peer that is not there yet."""
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    push = place.socket("PUSH", linger=-1, reconnect_ivl=10)
    push.connect(f"tcp://127.0.0.1:{port}")
    for number in range(100):
        push.send(b"%d" % number)
    push.close()
    place.fork()
    place.join()
    pull = place.socket("PULL")
    bind(place.zmq, pull, f"tcp://127.0.0.1:{port}")
    for number in range(100):
        assert pull.recv() == b"%d" % number


@state
def monitored(place):
    source, target = place.pair("PUSH", "PULL")
    monitor = target.get_monitor_socket()
    monitor.rcvtimeo = SECONDS * 1000
    place.kept.append(monitor)
    flows(source, target, 3)
    place.fork()
    place.join()
    flows(source, target)
    if place.transport != "inproc":
        source.close()
        kinds = []
        while place.zmq.EVENT_DISCONNECTED not in kinds:
            kinds.append(int.from_bytes(monitor.recv_multipart()[0][:2], sys.byteorder))


@state
def in_a_handler(place):
    """A signal handler forks while the main thread waits in recv()."""
    source, target = place.pair("PUSH", "PULL")

    def handler(_number, _frame):
        place.fork()
        place.join()
        source.send(b"from the handler")

    signal.signal(signal.SIGUSR1, handler)
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    assert target.recv() == b"from the handler"
    flows(source, target)


@state
def in_a_finalizer(place):
    source, target = place.pair("PUSH", "PULL")
    flows(source, target, 3)

    class Doomed:
        def __del__(self):
            place.fork()

    Doomed()
    place.join()
    flows(source, target)


async def on_a_loop(place, fork):
    aio = importlib.import_module(place.zmq.__name__ + ".asyncio")
    context = aio.Context.shadow(place.context.underlying)

    def pair(connecter, binder):
        bound, other = context.socket(getattr(place.zmq, binder)), context.socket(getattr(place.zmq, connecter))
        bound.bind(place.endpoint())
        other.connect(where(bound))
        bound.linger = other.linger = 0
        place.kept += [bound, other]
        return other, bound

    source, target = pair("PUSH", "PULL")
    asker, answerer = pair("DEALER", "ROUTER")
    slow = pair("PUSH", "PULL")[1]
    poller = aio.Poller()
    poller.register(slow, place.zmq.POLLIN)
    waiting = asyncio.ensure_future(target.recv())
    polling = asyncio.ensure_future(poller.poll(SECONDS * 1000))

    async def answer():
        while True:
            await answerer.send_multipart(await answerer.recv_multipart())

    answering = asyncio.ensure_future(answer())
    await asker.send(b"first")
    assert await asker.recv() == b"first"
    await asyncio.sleep(0)
    await fork()
    await asyncio.get_running_loop().run_in_executor(None, place.join)
    assert not waiting.done() and not polling.done()
    # Sent from another thread: only the loop's own poll set can wake it.
    plain = place.zmq.Context.shadow(place.context.underlying)
    outside = plain.socket(place.zmq.PUSH)
    outside.connect(where(target))
    outside.connect(where(slow))
    for _ in range(2):
        await asyncio.get_running_loop().run_in_executor(None, outside.send, b"woken")
    assert await asyncio.wait_for(waiting, SECONDS) == b"woken"
    assert await asyncio.wait_for(polling, SECONDS)
    for number in range(100):
        await asker.send(b"%d" % number)
        assert await asyncio.wait_for(asker.recv(), SECONDS) == b"%d" % number
    answering.cancel()
    outside.close(linger=0)
    for socket in place.kept:
        socket.close(linger=0)


@state
def loop_running(place):
    async def fork():
        place.fork()

    asyncio.run(on_a_loop(place, fork))


@state
def loop_paused(place):
    """Between two runs of the loop, with calls pending: nothing tells by itself that the loop is in use."""
    loop = asyncio.new_event_loop()
    forked, go_on = loop.create_future(), loop.create_future()

    async def fork():
        forked.set_result(None)
        await go_on

    work = loop.create_task(on_a_loop(place, fork))
    loop.run_until_complete(forked)
    place.fork()
    go_on.set_result(None)
    loop.run_until_complete(work)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@state
def loop_callback(place):
    """Inside a callback of a Future."""
    async def fork():
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: place.fork())
        future.set_result(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(on_a_loop(place, fork))


@state
def loop_of_another_thread(place):
    async def fork():
        await asyncio.get_running_loop().run_in_executor(None, place.fork)

    asyncio.run(on_a_loop(place, fork))


def bind(zmq, socket, endpoint):
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return socket.bind(endpoint)
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def reached(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "no traffic any more"
        time.sleep(0.002)
