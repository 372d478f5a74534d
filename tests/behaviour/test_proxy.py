"""proxy(), proxy_steerable() and the devices built on them."""
import struct
import threading

import pytest
from awaiting import endpoint, silent


class Running:
    """A proxy in a thread; `ended` holds the exception that ended it."""

    def __init__(self, function, *arguments):
        self.ended = None
        self.result = None

        def run():
            try:
                self.result = function(*arguments)
            except BaseException as error:
                self.ended = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def join(self):
        self.thread.join(5)
        assert not self.thread.is_alive(), "the proxy did not end"


@pytest.fixture
def context(zmq):
    """A context of its own, because a proxy ends with its context."""
    made = zmq.Context()
    yield made
    if not made.closed:
        made.destroy(linger=0)


@pytest.fixture
def started(zmq, context):
    """started(ROUTER, DEALER) -> (front endpoint, back endpoint, the running proxy, its sockets)."""
    running = []

    def start(front_kind, back_kind, capture=None, control=None, transport="tcp"):
        sockets = [context.socket(front_kind), context.socket(back_kind)]
        for number, socket in enumerate(sockets):
            socket.linger = 0
            socket.bind("tcp://127.0.0.1:*" if transport == "tcp" else f"inproc://proxy-{number}")
        wheres = [endpoint(socket) for socket in sockets]
        if control is None:
            proxy = Running(zmq.proxy, *sockets, capture)
        else:
            proxy = Running(zmq.proxy_steerable, *sockets, capture, control)
        running.append((proxy, sockets))
        return (*wheres, proxy)

    yield start
    # Order matters: shutting the context down ends the proxies, only then may their sockets be closed.
    terminator = threading.Thread(target=context.term)
    terminator.start()
    for proxy, sockets in running:
        proxy.join()
        for socket in sockets:
            socket.close(linger=0)
    for socket in list(context._sockets):
        socket.close(linger=0)
    terminator.join(5)
    assert not terminator.is_alive()


@pytest.fixture
def client(zmq, context):
    def opened(kind, where, **options):
        socket = context.socket(kind)
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = 5000
        for name, value in options.items():
            socket.setsockopt(getattr(zmq, name), value)
        socket.connect(where)
        return socket

    return opened


def test_PRX_1_and_7_ends_with_the_context(zmq):
    context = zmq.Context()
    front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    front.bind("inproc://front")
    back.bind("inproc://back")
    proxy = Running(zmq.proxy, front, back)
    terminator = threading.Thread(target=context.term)
    terminator.start()
    proxy.join()
    assert proxy.ended is None or isinstance(proxy.ended, zmq.ContextTerminated)
    front.close(linger=0)
    back.close(linger=0)
    terminator.join(5)
    assert not terminator.is_alive()


def test_PRX_2_sockets_are_required(zmq):
    with pytest.raises(TypeError):
        zmq.proxy(None, None)


def test_PRX_3_clients_and_workers(zmq, started, client):
    front, back, _proxy = started(zmq.ROUTER, zmq.DEALER)
    workers = [client(zmq.REP, back) for _ in range(5)]
    stop = threading.Event()

    def work(worker, number):
        while not stop.is_set():
            if worker.poll(20):
                question = worker.recv_multipart()
                worker.send_multipart([*question, b"worker %d" % number])

    threads = [threading.Thread(target=work, args=(worker, number)) for number, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    try:
        clients = [client(zmq.REQ, front) for _ in range(3)]
        for round_number in range(20):
            for number, req in enumerate(clients):
                req.send_multipart([b"%d" % number, b"%d" % round_number])
            for number, req in enumerate(clients):
                assert req.recv_multipart()[:2] == [b"%d" % number, b"%d" % round_number]
    finally:
        stop.set()
        for thread in threads:
            thread.join(5)


def test_PRX_4_capture_sees_both_directions(zmq, context, started, client):
    capture = context.socket(zmq.PUSH)
    capture.linger = 0
    capture.bind("inproc://capture")
    spy = client(zmq.PULL, "inproc://capture")
    front, back, _proxy = started(zmq.DEALER, zmq.DEALER, capture)
    left, right = client(zmq.DEALER, front), client(zmq.DEALER, back)
    left.send_multipart([b"there", b"", b"x"])
    assert right.recv_multipart() == [b"there", b"", b"x"]
    right.send_multipart([b"back"])
    assert left.recv_multipart() == [b"back"]
    assert [spy.recv_multipart(), spy.recv_multipart()] == [[b"there", b"", b"x"], [b"back"]]


def test_PRX_5_single_socket_echoes(zmq):
    context = zmq.Context()
    echo = context.socket(zmq.DEALER)
    echo.linger = 0
    echo.bind("tcp://127.0.0.1:*")
    where = endpoint(echo)
    proxy = Running(zmq.proxy, echo, echo)
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.rcvtimeo = 5000
    dealer.connect(where)
    dealer.send_multipart([b"a", b"b"])
    assert dealer.recv_multipart() == [b"a", b"b"]
    dealer.close()
    terminator = threading.Thread(target=context.term)
    terminator.start()
    proxy.join()
    echo.close()
    terminator.join(5)


def test_PRX_6_back_pressure(zmq, started, client):
    """A puller that does not read stops the pusher in the end; nothing is lost when it reads again."""
    front, back, _proxy = started(zmq.PULL, zmq.PUSH)
    pull = client(zmq.PULL, back, RCVHWM=10)
    push = client(zmq.PUSH, front, SNDHWM=10)
    body = bytes(50000)
    sent = 0
    while push.poll(200, zmq.POLLOUT):
        push.send_multipart([b"%d" % sent, body])
        sent += 1
        assert sent < 20000
    for number in range(sent):
        assert pull.recv_multipart()[0] == b"%d" % number
    silent(pull, 20)


@pytest.fixture
def steered(zmq, context, started, client):
    """A PULL-PUSH proxy with a control socket; returns (push, pull, control, proxy)."""

    def start(inside_kind, outside_kind):
        inside = context.socket(inside_kind)
        inside.linger = 0
        inside.bind("inproc://control")
        outside = client(outside_kind, "inproc://control")
        front, back, proxy = started(zmq.PULL, zmq.PUSH, None, inside)
        return client(zmq.PUSH, front), client(zmq.PULL, back), outside, proxy

    return start


def test_PRX_8_terminate(zmq, steered):
    push, pull, control, proxy = steered(zmq.PAIR, zmq.PAIR)
    push.send(b"x")
    assert pull.recv() == b"x"
    control.send(b"TERMINATE")
    proxy.join()
    assert proxy.ended is None


@pytest.mark.parametrize("kinds", [("REP", "REQ"), ("PAIR", "PAIR")], ids=["REP", "PAIR"])
def test_PRX_9_control_answers_every_command(zmq, steered, kinds):
    push, pull, control, proxy = steered(*(getattr(zmq, kind) for kind in kinds))
    push.send(b"x")
    assert pull.recv() == b"x"
    for command in (b"PAUSE", b"RESUME", b"no command", b"", b"TERMINATE"):
        control.send(command)
        assert control.recv_multipart() == [b""]
    proxy.join()


@pytest.mark.parametrize("kinds", [("REP", "REQ"), ("PAIR", "PAIR")], ids=["REP", "PAIR"])
def test_PRX_10_statistics(zmq, steered, kinds):
    push, pull, control, _proxy = steered(*(getattr(zmq, kind) for kind in kinds))
    for _ in range(3):
        push.send_multipart([b"12345", b"678"])
        pull.recv_multipart()
    control.send(b"STATISTICS")
    frames = control.recv_multipart()
    assert len(frames) == 8
    front_in, front_in_bytes, front_out, _, back_in, _, back_out, back_out_bytes = (struct.unpack("=Q", frame)[0] for frame in frames)
    assert (front_out, back_in) == (0, 0)
    assert front_in == back_out == 6  # frames, not messages
    assert front_in_bytes == back_out_bytes == 24


@pytest.mark.better
def test_PRX_11_pause_and_resume(zmq, steered):
    """In libzmq 4.3.5 PAUSE is answered but forwarding goes on."""
    push, pull, control, _proxy = steered(zmq.REP, zmq.REQ)
    push.send(b"before")
    assert pull.recv() == b"before"
    control.send(b"PAUSE")
    control.recv()
    push.send(b"during")
    silent(pull)
    control.send(b"STATISTICS")
    assert len(control.recv_multipart()) == 8
    control.send(b"RESUME")
    control.recv()
    assert pull.recv() == b"during"


def test_PRX_13_device(zmq, started, client, context):
    front, back = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    for socket in (front, back):
        socket.linger = 0
        socket.bind("tcp://127.0.0.1:*")
    wheres = endpoint(front), endpoint(back)
    device = Running(zmq.device, zmq.QUEUE, front, back)
    push, pull = client(zmq.PUSH, wheres[0]), client(zmq.PULL, wheres[1])
    push.send(b"x")
    assert pull.recv() == b"x"
    terminator = threading.Thread(target=context.term)
    terminator.start()
    device.join()
    for socket in (front, back, push, pull):
        socket.close(linger=0)
    terminator.join(5)


def test_PRX_14_nested_devices_keep_envelopes(zmq, started, client, context):
    first_front, first_back, _first = started(zmq.ROUTER, zmq.DEALER)
    front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    for socket in (front, back):
        socket.linger = 0
    front.connect(first_back)
    back.bind("tcp://127.0.0.1:*")
    where = endpoint(back)
    Running(zmq.proxy, front, back)
    req, rep = client(zmq.REQ, first_front), client(zmq.REP, where)
    for number in range(5):
        req.send_multipart([b"q", b"%d" % number])
        assert rep.recv_multipart() == [b"q", b"%d" % number]
        rep.send(b"a")
        assert req.recv() == b"a"
    req.close(), rep.close()


@pytest.mark.parametrize(
    ("kind", "peer", "message"),
    [
        ("REP", "REQ", [b"body"]),
        ("REP", "DEALER", [b"", b"body"]),
        ("DEALER", "DEALER", [b"body"]),
        ("ROUTER", "DEALER", [b"body"]),
        ("ROUTER", "REQ", [b"body"]),
        ("PAIR", "PAIR", [b"body"]),
        pytest.param("REP", "REQ", [b"body", b"more"], marks=pytest.mark.better),  # libzmq's ends with EFSM
        pytest.param("PAIR", "PAIR", [b"body", b"more"], marks=pytest.mark.better),
    ],
)
@pytest.mark.parametrize("captured", [False, True])
def test_PRX_5_one_socket_on_both_sides(zmq, make, fresh, kind, peer, message, captured, transport):
    """What comes in goes out by the same socket."""
    echo, asking = make(kind), make(peer)
    echo.bind(fresh(transport))
    asking.connect(echo.get_string(zmq.LAST_ENDPOINT))
    capture = monitor = None
    if captured:
        capture, monitor = make("PAIR"), make("PAIR")
        monitor.bind(fresh("inproc"))
        capture.connect(monitor.get_string(zmq.LAST_ENDPOINT))
    ended = []

    def run():
        try:
            zmq.proxy(echo, echo, capture)
        except zmq.ZMQError as error:
            ended.append(error.errno)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    for number in range(5):
        sent = [*message[:-1], b"%d" % number]
        asking.send_multipart(sent)
        assert asking.recv_multipart() == sent
        if captured:
            assert monitor.recv_multipart()[-1] == sent[-1]
    if peer == "DEALER":
        for number in range(50):
            asking.send_multipart([*message[:-1], b"%d" % number])
        assert [int(asking.recv_multipart()[-1]) for _ in range(50)] == list(range(50))
    assert thread.is_alive() and not ended
