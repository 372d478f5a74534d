"""Devices in the foreground, in threads and in processes."""

import threading

import pytest

WAIT = 10_000


@pytest.fixture
def devices(submodule):
    return submodule("devices")


@pytest.fixture
def open_socket(zmq, context):
    def make(kind, endpoint=None):
        socket = context.socket(kind)
        socket.rcvtimeo = socket.sndtimeo = WAIT
        socket.linger = 0
        if endpoint is not None:
            socket.connect(endpoint)
        return socket

    return make


def tcp(device, side):
    port = getattr(device, f"bind_{side}_to_random_port")("tcp://127.0.0.1")
    return f"tcp://127.0.0.1:{port}"


def test_types_are_asked_for(zmq, devices):
    with pytest.raises(TypeError):
        devices.Device(zmq.QUEUE)
    assert devices.Device(zmq.PULL, zmq.REQ, -1).device_type == zmq.PULL  # makes no difference


def test_device_of_one_socket(zmq, devices, open_socket):
    """What comes in goes out by the same socket."""
    device = devices.ThreadDevice(zmq.QUEUE, zmq.REP, -1)
    context = zmq.Context()
    device.context_factory = lambda: context
    device.setsockopt_in(zmq.LINGER, 0)
    device.setsockopt_out(zmq.SNDHWM, 10)
    addresses = [tcp(device, "in"), tcp(device, "out")]
    device.start()
    for address in addresses:
        request = open_socket(zmq.REQ)
        request.connect(address)
        for body in (b"1", b"2"):
            request.send(body)
            assert request.recv() == body
    context.term()
    device.join(10)
    assert device.done


@pytest.mark.parametrize("prefix", [None, 1, [b"in"]])
def test_prefixes_of_a_monitored_queue(zmq, devices, context, prefix):
    sockets = [context.socket(zmq.PAIR) for _ in range(3)]
    with pytest.raises(TypeError):
        devices.monitored_queue(*sockets, prefix)
    with pytest.raises(TypeError):
        devices.monitored_queue(*sockets, b"in", prefix)


@pytest.mark.parametrize("kind", ["REP", "DEALER", "ROUTER", "PAIR"])
def test_monitored_queue_of_one_socket(zmq, devices, kind):
    context = zmq.Context()
    echo, monitor, monitored = (context.socket(getattr(zmq, each)) for each in (kind, "PAIR", "PAIR"))
    echo.bind("inproc://echo")
    monitored.bind("inproc://monitored")
    monitor.connect("inproc://monitored")
    errors = []

    def run():
        try:
            devices.monitored_queue(echo, echo, monitor)
        except zmq.ZMQError as error:
            errors.append(error.errno)
        for socket in (echo, monitor, monitored):
            socket.close(0)

    thread = threading.Thread(target=run)
    thread.start()
    with context.socket({"REP": zmq.REQ, "PAIR": zmq.PAIR}.get(kind, zmq.DEALER)) as peer:
        peer.rcvtimeo = 5000
        peer.connect("inproc://echo")
        for body in (b"1", b"2"):
            peer.send(body)
            if kind != "ROUTER":  # between two ROUTERs sender and addressee change places
                assert peer.recv() == body
    context.term()
    thread.join(10)
    assert errors == [zmq.ETERM]


def test_thread_device(zmq, devices, open_socket):
    device = devices.ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    context = zmq.Context()
    device.context_factory = lambda: context
    device.setsockopt_in(zmq.LINGER, 0)
    device.setsockopt_out(zmq.LINGER, 0)
    frontend, backend = tcp(device, "in"), tcp(device, "out")
    device.start()
    assert not device.done
    req, rep = open_socket(zmq.REQ, frontend), open_socket(zmq.REP, backend)
    for number in range(5):
        req.send(b"%d" % number)
        assert rep.recv() == b"%d" % number
        rep.send(b"ok")
        assert req.recv() == b"ok"
    context.term()
    device.join(10)
    assert device.done


def test_foreground_device(zmq, devices, open_socket, context):
    device = devices.Device(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    own = zmq.Context()
    device.context_factory = lambda: own
    device.setsockopt_in(zmq.LINGER, 0)
    device.setsockopt_out(zmq.LINGER, 0)
    frontend, backend = tcp(device, "in"), tcp(device, "out")
    thread = threading.Thread(target=device.start)
    thread.start()
    push, pull = open_socket(zmq.PUSH, frontend), open_socket(zmq.PULL, backend)
    push.send_multipart([b"a", b"b"])
    assert pull.recv_multipart() == [b"a", b"b"]
    device.join(0.01)
    assert not device.done
    own.term()
    device.join(10)
    thread.join()
    assert device.done


def test_thread_proxy_captures(zmq, devices, open_socket):
    context = zmq.Context()
    device = devices.ThreadProxy(zmq.PULL, zmq.PUSH, zmq.PUSH)
    device.context_factory = lambda: context
    for side in ("in", "out", "mon"):
        getattr(device, f"setsockopt_{side}")(zmq.LINGER, 0)
    endpoints = [tcp(device, side) for side in ("in", "out", "mon")]
    assert len(set(endpoints)) == 3
    device.start()
    push, pull, monitor = (
        open_socket(kind, endpoint) for kind, endpoint in zip((zmq.PUSH, zmq.PULL, zmq.PULL), endpoints, strict=True)
    )
    for number in range(5):
        push.send(b"%d" % number)
        assert pull.recv() == monitor.recv() == b"%d" % number
    context.term()
    device.join(10)
    assert device.done


def test_thread_proxy_steerable(zmq, devices, open_socket):
    device = devices.ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.PAIR)
    frontend, backend, control = tcp(device, "in"), tcp(device, "out"), tcp(device, "ctrl")
    device.bind_mon("inproc://captured")
    device.start()
    push, pull, pair = open_socket(zmq.PUSH, frontend), open_socket(zmq.PULL, backend), open_socket(zmq.PAIR, control)
    push.send(b"x")
    assert pull.recv() == b"x"
    pair.send(b"PAUSE")
    pair.send(b"RESUME")
    push.send(b"y")
    assert pull.recv() == b"y"
    pair.send(b"TERMINATE")
    device.join(10)
    assert device.done


def test_thread_monitored_queue(zmq, devices, open_socket):
    context = zmq.Context()
    device = devices.ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, zmq.PUSH, b"from-client", b"from-server")
    device.context_factory = lambda: context
    for side in ("in", "out", "mon"):
        getattr(device, f"setsockopt_{side}")(zmq.LINGER, 0)
    endpoints = [tcp(device, side) for side in ("in", "out", "mon")]
    device.start()
    req, rep, monitor = (
        open_socket(kind, endpoint) for kind, endpoint in zip((zmq.REQ, zmq.REP, zmq.PULL), endpoints, strict=True)
    )
    req.send(b"question")
    assert rep.recv() == b"question"
    frames = monitor.recv_multipart()
    assert (frames[0], frames[-1]) == (b"from-client", b"question")
    rep.send(b"answer")
    assert req.recv() == b"answer"
    frames = monitor.recv_multipart()
    assert (frames[0], frames[-1]) == (b"from-server", b"answer")
    context.term()
    device.join(10)
    assert device.done


def test_monitored_queue_between_routers_swaps_addresses(zmq, devices, open_socket, context):
    left, right, monitor = open_socket(zmq.ROUTER), open_socket(zmq.ROUTER), open_socket(zmq.PUB)
    left.bind("inproc://left")
    right.bind("inproc://right")
    ended = []

    def run():
        try:
            devices.monitored_queue(left, right, monitor)
        except zmq.ContextTerminated:
            pass
        ended.extend([left, right, monitor])
        for socket in ended:
            socket.close()

    alice, bob = open_socket(zmq.DEALER), open_socket(zmq.DEALER)
    alice.routing_id, bob.routing_id = b"alice", b"bob"
    alice.connect("inproc://left")
    bob.connect("inproc://right")
    thread = threading.Thread(target=run)
    thread.start()
    alice.send_multipart([b"bob", b"hello"])
    assert bob.recv_multipart() == [b"alice", b"hello"]
    bob.send_multipart([b"alice", b"hi"])
    assert alice.recv_multipart() == [b"bob", b"hi"]
    alice.close()
    bob.close()
    context.term()
    thread.join(10)
    assert ended


def test_process_device(zmq, devices, open_socket):
    device = devices.ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    frontend, backend = tcp(device, "in"), tcp(device, "out")
    device.start()
    try:
        push, pull = open_socket(zmq.PUSH, frontend), open_socket(zmq.PULL, backend)
        push.send(b"through another process")
        assert pull.recv() == b"through another process"
    finally:
        device.launcher.terminate()
        device.join(10)
    assert not device.launcher.is_alive()


def test_device_function(zmq, context, open_socket):
    frontend, backend = open_socket(zmq.PULL), open_socket(zmq.PUSH)
    frontend.bind("inproc://in")
    backend.bind("inproc://out")

    def run():
        with pytest.raises(zmq.ContextTerminated):
            zmq.device(zmq.QUEUE, frontend, backend)
        frontend.close()
        backend.close()

    thread = threading.Thread(target=run)
    thread.start()
    push, pull = open_socket(zmq.PUSH, "inproc://in"), open_socket(zmq.PULL, "inproc://out")
    push.send(b"x")
    assert pull.recv() == b"x"
    push.close()
    pull.close()
    context.term()
    thread.join()


def test_proxy_steerable_returns_zero(zmq, context):
    frontend, backend, control, steering = (context.socket(kind) for kind in (zmq.PULL, zmq.PUSH, zmq.PAIR, zmq.PAIR))
    control.bind("inproc://control")
    steering.connect("inproc://control")
    steering.send(b"TERMINATE")
    assert zmq.proxy_steerable(frontend, backend, None, control) == 0
