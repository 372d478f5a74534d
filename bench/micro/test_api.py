"""What one call of the API costs: everything in one thread, over inproc, nothing waits."""

import pytest

# Queued and taken out again per sample; below the default high-water mark.
BATCH = 500


def through(out, into, message):
    for _ in range(BATCH):
        out.send(message)
    for _ in range(BATCH):
        got = into.recv()
    return got


@pytest.mark.parametrize("size", [16, 256, 4096, 65536])
def test_send_recv_500(benchmark, pipe, size):
    message = bytes(size)
    assert benchmark(through, *pipe, message) == message


def through_frames(out, into, message):
    for _ in range(BATCH):
        out.send(message, copy=False)
    for _ in range(BATCH):
        got = into.recv(copy=False)
    return got


@pytest.mark.parametrize("size", [16, 65536])
def test_send_recv_500_without_copy(benchmark, pipe, size):
    message = bytes(size)
    assert bytes(benchmark(through_frames, *pipe, message)) == message


def through_parts(out, into, parts):
    for _ in range(BATCH // 5):
        out.send_multipart(parts)
    for _ in range(BATCH // 5):
        got = into.recv_multipart()
    return got


def test_multipart_100(benchmark, pipe):
    parts = [b"id", b"", bytes(256)]
    assert benchmark(through_parts, *pipe, parts) == parts


def test_round_trip_one_thread(benchmark, pipe):
    out, into = pipe

    def once():
        out.send(b"0123456789abcdef")
        return into.recv()

    assert benchmark(once) == b"0123456789abcdef"


def test_recv_nothing_there(benchmark, zmq, pipe):
    _, into = pipe

    def attempt():
        try:
            into.recv(zmq.DONTWAIT)
        except zmq.Again:
            return True

    assert benchmark(attempt) is True


def test_poll_nothing_there(benchmark, pipe):
    _, into = pipe
    assert not benchmark(into.poll, 0)


def test_poll_message_there(benchmark, zmq, pipe):
    out, into = pipe
    out.send(b"stays")
    assert benchmark(into.poll, 0) == zmq.POLLIN


def test_poller_of_10(benchmark, zmq, context):
    poller = zmq.Poller()
    for _ in range(10):
        poller.register(context.socket(zmq.PULL), zmq.POLLIN)
    assert benchmark(poller.poll, 0) == []


def test_getsockopt(benchmark, zmq, pipe):
    assert benchmark(pipe[1].getsockopt, zmq.RCVHWM) == 1000


def test_setsockopt(benchmark, zmq, pipe):
    benchmark(pipe[1].setsockopt, zmq.RCVTIMEO, 100)
    assert pipe[1].getsockopt(zmq.RCVTIMEO) == 100


def test_option_attribute(benchmark, pipe):
    assert benchmark(lambda: pipe[1].rcvhwm) == 1000


@pytest.mark.parametrize("size", [16, 65536])
def test_frame(benchmark, zmq, size):
    data = bytes(size)
    assert bytes(benchmark(zmq.Frame, data)) == data


def test_frame_to_bytes(benchmark, zmq):
    frame = zmq.Frame(b"0123456789abcdef")
    assert benchmark(lambda: frame.bytes) == b"0123456789abcdef"


def test_socket_and_close(benchmark, zmq, context):
    def once():
        socket = context.socket(zmq.PUSH)
        socket.close(linger=0)
        return socket

    assert benchmark(once).closed


def test_again_error(benchmark, zmq):
    assert benchmark(zmq.ZMQError, 11).errno == 11
