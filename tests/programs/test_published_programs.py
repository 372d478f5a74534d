"""Example programs as people publish them, run unchanged except for the module name and the port numbers.

The programs are data: five published pages about ZeroMQ in Python. Each test runs server and client as processes of their own, looks
at what they print, and ends those that would run for ever. Where a published program is wrong, the test says so and checks the error.
"""
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")
SECONDS = 15


class Program:
    """A running example; its output arrives line by line."""

    def __init__(self, source, arguments=()):
        self.process = subprocess.Popen([sys.executable, "-u", "-c", source, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))))
        self.output, self.errors = queue.Queue(), []
        self.readers = [threading.Thread(target=self.read, args=(self.process.stdout, self.output.put)),
                        threading.Thread(target=self.read, args=(self.process.stderr, self.errors.append))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(stream, store):
        for line in stream:
            store(line.rstrip("\n"))

    def lines(self, count):
        """The next `count` lines of output."""
        got, deadline = [], time.monotonic() + SECONDS
        while len(got) < count:
            try:
                got.append(self.output.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                pytest.fail(f"printed {got}, no more; errors: {self.errors}")
        return got

    def error(self, text):
        """Waits until `text` appears among the errors."""
        deadline = time.monotonic() + SECONDS
        while not any(text in line for line in self.errors):
            assert time.monotonic() < deadline, f"no {text} in {self.errors}"
            time.sleep(0.01)

    def end(self, status=0):
        """Waits for the end of the program by itself; returns what was left of its output."""
        assert self.process.wait(SECONDS) == status, self.errors
        for reader in self.readers:
            reader.join(5)
        return list(self.output.queue)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for reader in self.readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def run():
    """run(source, "argument") -> a Program; the same published port means the same real port within one test."""
    ports, programs = {}, []

    def start(source, *arguments):
        source = textwrap.dedent(source)
        source = re.sub(r"^( *)import zmq\.asyncio$", rf"\1import {MODULE}.asyncio\n\1import {MODULE} as zmq", source, flags=re.M)
        source = re.sub(r"^( *)import zmq\b(?!\.| as)", rf"\1import {MODULE} as zmq", source, flags=re.M)
        source = re.sub(r"\b555[5-9]\b", lambda match: str(ports.setdefault(match[0], free_port())), source)
        programs.append(Program(source, arguments))
        return programs[-1]

    start.port = lambda published: ports.setdefault(str(published), free_port())
    yield start
    for program in programs:
        program.stop()


@pytest.fixture
def peer(zmq):
    """A context of the module under test in this process, for examples that show one side only."""
    context = zmq.Context()
    context.linger = 0
    context.rcvtimeo = SECONDS * 1000
    yield context
    context.destroy(linger=0)


# Page 1: "ZeroMQ Messaging in Python: Core Concepts"

PRICES_PUBLISHER = """
    import zmq
    ctx = zmq.Context()
    pub = ctx.socket(zmq.PUB)
    pub.bind("tcp://*:5555")
    pub.send_string("prices AAPL 182.30")
"""
PRICES_SUBSCRIBER = """
    import zmq
    ctx = zmq.Context()
    sub = ctx.socket(zmq.SUB)
    sub.connect("tcp://localhost:5555")
    sub.setsockopt_string(zmq.SUBSCRIBE, "prices")
    msg = sub.recv_string()
"""


def test_prices_publisher_ends_at_once(run):
    """It publishes before anybody can have subscribed, so its only message is lost; but it must end, not hang."""
    run(PRICES_PUBLISHER).end()


def test_prices_subscriber_gets_what_a_lasting_publisher_sends(zmq, run, peer):
    subscriber = run(PRICES_SUBSCRIBER + "    print(msg)\n")
    pub = peer.socket(zmq.PUB)
    pub.bind(f"tcp://*:{run.port(5555)}")
    while subscriber.output.empty() and subscriber.process.poll() is None:
        pub.send_string("noise")
        pub.send_string("prices AAPL 182.30")
        time.sleep(0.01)
    assert subscriber.lines(1) == ["prices AAPL 182.30"]
    subscriber.end()


# Page 2: "ZeroMQ (ZMQ) Messaging"

TOPIC_PUBLISHER = """
    import zmq
    import time
    context = zmq.Context()
    publisher = context.socket(zmq.PUB)
    publisher.bind("tcp://*:5555")
    while True:
        publisher.send_string(f"topic1 Hello World {time.time()}")
        publisher.send_string(f"topic2 Special message {time.time()}")
        time.sleep(1)
"""
TOPIC_SUBSCRIBER = """
    import zmq
    context = zmq.Context()
    subscriber = context.socket(zmq.SUB)
    subscriber.connect("tcp://localhost:5555")
    # Subscribe to topics
    subscriber.setsockopt(zmq.SUBSCRIBE, b"topic1")
    subscriber.setsockopt(zmq.SUBSCRIBE, b"")  # Subscribe to everything
    while True:
        message = subscriber.recv_string()
        print(f"Received: {message}")
"""
REPLY_SERVER = """
    import zmq
    context = zmq.Context()
    server = context.socket(zmq.REP)
    server.bind("tcp://*:5555")
    while True:
        request = server.recv_string()
        print(f"Received: {request}")
        # Process request and send reply
        response = f"Reply to: {request}"
        server.send_string(response)
"""
REQUEST_CLIENT = """
    import zmq
    context = zmq.Context()
    client = context.socket(zmq.REQ)
    client.connect("tcp://localhost:5555")
    for i in range(5):
        client.send_string(f"Request {i}")
        reply = client.recv_string()
        print(f"Reply: {reply}")
"""
TASK_PUSHER = """
    import zmq
    import time
    context = zmq.Context()
    pusher = context.socket(zmq.PUSH)
    pusher.bind("tcp://*:5555")
    for i in range(100):
        pusher.send_string(f"Task {i}")
        print(f"Sent task {i}")
    pusher.send_string(b"END")  # Signal end
"""
TASK_PULLER = """
    import zmq
    context = zmq.Context()
    puller = context.socket(zmq.PULL)
    puller.connect("tcp://localhost:5555")
    while True:
        message = puller.recv_string()
        if message == "END":
            break
        print(f"Processing: {message}")
        # Do actual work here...
"""
IDENTITY_ROUTER = """
    import zmq  # the page leaves this line out
    # Router - handles multiple clients with identity
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.bind("tcp://*:5555")
    while True:
        # Messages are [identity, empty, payload]
        identity = router.recv()
        router.recv()  # Empty delimiter
        payload = router.recv()
        print(f"From {identity}: {payload}")
        # Reply back to specific client
        router.send(identity, zmq.SNDMORE)
        router.send(b"")  # Empty delimiter
        router.send(b"Reply to" + payload)
"""
PAIR_A = """
    import zmq  # the page leaves this line out
    # Peer A
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.bind("tcp://*:5555")
    # Connect from another process/thread
    # socket.connect("tcp://localhost:5555")
    socket.send(b"Hello from A")
    response = socket.recv()
    print(response)
"""
TWO_CONTEXTS = """
    import threading
    import zmq
    def worker_thread():
        # Each thread gets its own context and sockets
        context = zmq.Context()
        receiver = context.socket(zmq.PULL)
        receiver.connect("inproc://worker-channel")
        while True:
            msg = receiver.recv_string()
            print(f"Worker received: {msg}")
    # Main thread - push work to workers
    context = zmq.Context()
    sender = context.socket(zmq.PUSH)
    sender.bind("inproc://worker-channel")
    # Start worker threads
    worker = threading.Thread(target=worker_thread)
    worker.start()
    # Send work
    sender.send_string(b"Task 1")
    sender.send_string(b"Task 2")
"""
POLLER = """
    import zmq
    import time
    context = zmq.Context()
    # Create multiple sockets
    socket1 = context.socket(zmq.PULL)
    socket1.connect("tcp://localhost:5555")
    socket2 = context.socket(zmq.PULL)
    socket2.connect("tcp://localhost:5556")
    socket3 = context.socket(zmq.SUB)
    socket3.connect("tcp://localhost:5557")
    socket3.setsockopt(zmq.SUBSCRIBE, b"")
    # Create poller
    poller = zmq.Poller()
    poller.register(socket1, zmq.POLLIN)
    poller.register(socket2, zmq.POLLIN)
    poller.register(socket3, zmq.POLLIN)
    while True:
        # Poll with 1000ms timeout
        events = dict(poller.poll(1000))
        if socket1 in events:
            print(f"Socket1: {socket1.recv()}")
        if socket2 in events:
            print(f"Socket2: {socket2.recv()}")
        if socket3 in events:
            print(f"Socket3: {socket3.recv()}")
"""
ASYNC_SUBSCRIBER = """
    import asyncio
    import zmq.asyncio
    async def receiver():
        context = zmq.asyncio.Context()
        socket = context.socket(zmq.SUB)
        socket.connect("tcp://localhost:5555")
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        while True:
            msg = await socket.recv()
            print(f"Received: {msg}")
    asyncio.run(receiver())
"""
CONTEXTS = """
    import zmq
    # Option 1: Manual termination
    context = zmq.Context()
    # ... use sockets ...
    context.term()  # Wait for all sockets to close
    # Option 2: Use context manager (Python 3.10+)
    with zmq.Context() as context:
        socket = context.socket(zmq.REQ)
        # ... use socket ...
        # Context automatically terminated
"""
MONITOR = """
    import zmq  # the page leaves the first three lines out
    context = zmq.Context()
    socket = context.socket(zmq.REP)
    # Monitor for events on a socket
    monitor = socket.get_monitor_socket()
    socket.bind("tcp://127.0.0.1:*")  # something to observe, not on the page
    while True:
        event = monitor.recv()
        print(zmq.events[event[0]])
    socket.close_monitor()
"""


def test_topic_publisher_and_subscriber(run):
    run(TOPIC_PUBLISHER)
    lines = run(TOPIC_SUBSCRIBER).lines(4)
    assert sorted(line.split(" ")[1] for line in lines) == ["topic1"] * 2 + ["topic2"] * 2  # nothing twice, though subscribed twice


def test_request_and_reply(run):
    server = run(REPLY_SERVER)
    client = run(REQUEST_CLIENT)
    assert client.lines(5) == [f"Reply: Reply to: Request {i}" for i in range(5)]
    client.end()
    assert server.lines(5) == [f"Received: Request {i}" for i in range(5)]


def test_pusher_and_puller(run):
    """The page sends bytes with send_string: a TypeError after the hundred tasks, all of which must arrive nevertheless."""
    pusher, puller = run(TASK_PUSHER), run(TASK_PULLER)
    assert puller.lines(100) == [f"Processing: Task {i}" for i in range(100)]
    assert pusher.end(status=1)[-1] == "Sent task 99"
    pusher.error("TypeError")


def test_pusher_and_puller_with_the_mistake_corrected(run):
    pusher, puller = run(TASK_PUSHER.replace('b"END"', '"END"')), run(TASK_PULLER)
    assert puller.end() == [f"Processing: Task {i}" for i in range(100)]
    pusher.end()


def test_identity_router_as_published(zmq, run, peer):
    """The delimiter is sent without SNDMORE, so the reply is cut off and its body is taken for a routing id: the page is wrong."""
    router = run(IDENTITY_ROUTER)
    dealer = peer.socket(zmq.DEALER)
    dealer.identity = b"me"
    dealer.connect(f"tcp://localhost:{run.port(5555)}")
    dealer.send_multipart([b"", b"hello"])
    assert router.lines(1) == ["From b'me': b'hello'"]
    assert dealer.recv_multipart() == [b""]
    dealer.send_multipart([b"", b"again"])
    assert router.lines(1) == ["From b'me': b'again'"]
    assert dealer.recv_multipart() == [b""]


def test_identity_router_with_the_mistake_corrected(zmq, run, peer):
    run(IDENTITY_ROUTER.replace('router.send(b"")', 'router.send(b"", zmq.SNDMORE)'))
    req = peer.socket(zmq.REQ)
    req.connect(f"tcp://localhost:{run.port(5555)}")
    for _ in range(3):
        req.send(b" me")
        assert req.recv() == b"Reply to me"


def test_pair(run):
    first = run(PAIR_A)
    second = run("""
        import zmq
        context = zmq.Context()
        socket = context.socket(zmq.PAIR)
        socket.connect("tcp://localhost:5555")
        print(socket.recv())
        socket.send(b"Hello from B")
    """)
    assert second.lines(1) == ["b'Hello from A'"]
    assert first.lines(1) == ["b'Hello from B'"]
    first.end(), second.end()


def test_threads_with_two_contexts(run):
    """Two mistakes on the page: inproc does not reach another context (the sender would wait for ever), and send_string gets bytes."""
    program = run(TWO_CONTEXTS)
    program.error("TypeError")
    assert program.process.poll() is None  # the worker thread waits for ever
    assert program.output.empty()


def test_threads_with_the_mistakes_corrected(run):
    source = TWO_CONTEXTS.replace('b"Task', '"Task').replace("# Each thread gets its own context and sockets\n        context = zmq.Context()", "pass")
    assert run(source).lines(2) == ["Worker received: Task 1", "Worker received: Task 2"]


def test_poller(zmq, run, peer):
    program = run(POLLER)
    sockets = [peer.socket(kind) for kind in (zmq.PUSH, zmq.PUSH, zmq.XPUB)]
    for number, server in enumerate(sockets):
        server.bind(f"tcp://*:{run.port(5555 + number)}")
    assert sockets[2].recv() == b"\1"
    for number, server in enumerate(sockets):
        server.send(b"message %d" % number)
    assert sorted(program.lines(3)) == [f"Socket{number + 1}: b'message {number}'" for number in range(3)]


def test_async_subscriber(zmq, run, peer):
    program = run(ASYNC_SUBSCRIBER)
    xpub = peer.socket(zmq.XPUB)
    xpub.bind(f"tcp://*:{run.port(5555)}")
    assert xpub.recv() == b"\1"
    for number in range(3):
        xpub.send(b"%d" % number)
    assert program.lines(3) == [f"Received: b'{number}'" for number in range(3)]


def test_contexts(run):
    run(CONTEXTS).end()


def test_common_options(zmq, peer):
    sock = peer.socket(zmq.PUSH)
    sock.setsockopt(zmq.RCVTIMEO, 1000)  # Receive timeout (ms)
    sock.setsockopt(zmq.SNDTIMEO, 1000)  # Send timeout (ms)
    sock.setsockopt(zmq.LINGER, 0)  # Don't wait on close
    assert [sock.getsockopt(option) for option in (zmq.RCVTIMEO, zmq.SNDTIMEO, zmq.LINGER)] == [1000, 1000, 0]


@pytest.mark.better
def test_common_option_hwm(zmq, peer):
    """pyzmq refuses HWM as a socket option; here it means both marks, as the page expects."""
    sock = peer.socket(zmq.PUSH)
    sock.setsockopt(zmq.HWM, 777)  # High water mark
    assert (sock.getsockopt(zmq.SNDHWM), sock.getsockopt(zmq.RCVHWM)) == (777, 777)


def test_monitor_as_published(run):
    """The page invents zmq.events (and close_monitor): the first event ends the program with an AttributeError."""
    program = run(MONITOR)
    program.error("AttributeError")


def test_monitor_with_the_mistakes_corrected(run):
    source = MONITOR.replace("event = monitor.recv()", "event = recv_monitor_message(monitor)")
    source = source.replace("print(zmq.events[event[0]])", "print(zmq.Event(event['event']).name); break")
    source = source.replace("socket.close_monitor()", "socket.disable_monitor()")
    program = run(f"    from {MODULE}.utils.monitor import recv_monitor_message" + source)
    assert program.end() == ["LISTENING"]


# Page 3: "ZeroMQ: High-Performance Asynchronous Messaging Library"

ECHO_SERVER = """
    # Server (Reply)
    import zmq
    context = zmq.Context()
    socket = context.socket(zmq.REP)
    socket.bind("tcp://*:5555")
    while True:
        message = socket.recv_string()
        print(f"Received: {message}")
        socket.send_string(f"Echo: {message}")
"""
ECHO_CLIENT = """
    # Client (Request)
    import zmq
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.connect("tcp://localhost:5555")
    socket.send_string("Hello ZeroMQ")
    reply = socket.recv_string()
    print(f"Reply: {reply}")
"""
WEATHER_PUBLISHER = """
    # Pub/Sub pattern
    # Publisher
    import zmq, time
    context = zmq.Context()
    pub = context.socket(zmq.PUB)
    pub.bind("tcp://*:5556")
    while True:
        pub.send_string("weather NYC 72F sunny")
        pub.send_string("weather LA 85F clear")
        pub.send_string("sports NBA Lakers won")
        time.sleep(1)
"""
WEATHER_SUBSCRIBER = """
    import zmq  # the page leaves this line out
    # Subscriber (filter by topic)
    context = zmq.Context()
    sub = context.socket(zmq.SUB)
    sub.connect("tcp://localhost:5556")
    sub.setsockopt_string(zmq.SUBSCRIBE, "weather")
    while True:
        msg = sub.recv_string()
        print(msg)  # Only receives weather messages
"""
VENTILATOR = """
    import zmq  # the page leaves this line out
    # Ventilator (distributes work)
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.bind("tcp://*:5557")
    for i in range(100):
        push.send_json({"task_id": i, "data": f"process_{i}"})
"""
WORKER = """
    import zmq  # the page leaves this line out
    # Worker (multiple instances)
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    pull.connect("tcp://localhost:5557")
    push_result = context.socket(zmq.PUSH)
    push_result.connect("tcp://localhost:5558")
    while True:
        task = pull.recv_json()
        result = {"task_id": task["task_id"], "status": "done"}
        push_result.send_json(result)
"""


def test_echo(run):
    server = run(ECHO_SERVER)
    assert run(ECHO_CLIENT).end() == ["Reply: Echo: Hello ZeroMQ"]
    assert server.lines(1) == ["Received: Hello ZeroMQ"]


def test_weather(run):
    run(WEATHER_PUBLISHER)
    lines = run(WEATHER_SUBSCRIBER).lines(4)
    assert set(lines) == {"weather NYC 72F sunny", "weather LA 85F clear"}


def test_parallel_pipeline(zmq, run, peer):
    sink = peer.socket(zmq.PULL)
    sink.bind(f"tcp://*:{run.port(5558)}")
    for _ in range(3):
        run(WORKER)
    run(VENTILATOR).end()
    results = [sink.recv_json() for _ in range(100)]
    assert sorted(result["task_id"] for result in results) == list(range(100))
    assert {result["status"] for result in results} == {"done"}


# Page 4, "ELI5", has no program. Page 5: "Distributed Systems: ZeroMQ"

STAR_SERVER = """
    import zmq
    context = zmq.Context()
    p = "tcp://*:5555"
    s = context.socket(zmq.REP)
    s.bind(p)
    while True:
        message = s.recv()
        print(message + b"*")
        if not b"STOP" in message:
            s.send(message + b"*")
        else:
            break
"""
STAR_CLIENT = """
    import zmq
    context = zmq.Context()
    p = "tcp://localhost:5555"
    s = context.socket(zmq.REQ)
    s.connect(p)
    s.send(b"Hello world 1")
    message = s.recv()
    s.send_string("STOP")
    print(message)
"""
TIME_SERVER = """
    import zmq, time
    context = zmq.Context()
    s = context.socket(zmq.PUB)
    p = "tcp://*:5556"
    s.bind(p)
    while True:
        time.sleep(5)
        s.send_string("TIME" + time.asctime())
"""
TIME_CLIENT = """
    import zmq
    context = zmq.Context()
    s = context.socket(zmq.SUB)
    p = "tcp://localhost:5555"
    s.connect(p)
    s.setsockopt_string(zmq.SUBSCRIBE, "TIME")
    for i in range(5):
        time = s.recv()
        print(time)
"""
PICKLE_SERVER = """
    import zmq, time, pickle, sys, random
    context = zmq.Context()
    me = str(sys.argv[1])
    s = context.socket(zmq.PUSH)
    p = "tcp://*:5555"
    s.bind(p)
    for i in range(100):
        workload = random.randint(1, 100)
        s.send(pickle.dumps((me,workload)))
"""
PICKLE_WORKER = """
    import zmq, time, pickle, sys
    context = zmq.Context()
    me = str(sys.argv[1])
    p1 = "tcp://localhost:5555"
    r = context.socket(zmq.PULL)
    r.connect(p1)
    while True:
        work = pickle.loads(r.recv())
        print(work)
"""


def test_star_server_ends_on_stop(run):
    """The client exits right after sending STOP: the default LINGER must deliver it."""
    server, client = run(STAR_SERVER), run(STAR_CLIENT)
    assert client.end() == ["b'Hello world 1*'"]
    assert server.end() == ["b'Hello world 1*'", "b'STOP*'"]


def test_time_client_as_published_hears_nothing(run):
    """The page binds 5556 and connects to 5555."""
    run(TIME_SERVER.replace("sleep(5)", "sleep(0.05)"))
    client = run(TIME_CLIENT)
    with pytest.raises(queue.Empty):
        client.output.get(timeout=0.5)
    assert client.process.poll() is None


def test_time_client_with_the_mistake_corrected(run):
    run(TIME_SERVER.replace("sleep(5)", "sleep(0.05)"))
    lines = run(TIME_CLIENT.replace("5555", "5556")).end()
    assert len(lines) == 5 and all(line.startswith("b'TIME") for line in lines)


def test_pickle_pipeline(run):
    """100 tasks over two workers; the server exits at once and LINGER delivers everything."""
    workers = [run(PICKLE_WORKER, str(number)) for number in range(2)]
    run(PICKLE_SERVER, "ventilator").end()
    got, deadline = 0, time.monotonic() + SECONDS
    while got < 100 and time.monotonic() < deadline:
        for worker in workers:
            try:
                assert worker.output.get(timeout=0.02).startswith("('ventilator', ")
                got += 1
            except queue.Empty:
                pass
    assert got == 100
