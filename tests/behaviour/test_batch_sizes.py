"""IN_BATCH_SIZE, OUT_BATCH_SIZE and a context's ZERO_COPY_RECV: what one read and one write move, seen from outside.

A received message that shares the memory it was read into lies right behind the header of its frame and the message before it.
"""

import ctypes

import pytest
import rawpeer
from awaiting import endpoint

ZERO_COPY_RECV = 10
SIZE = 1000
HEADER = 9  # of a frame with more than 255 octets
VIEW_READ = 16384  # from a read so large messages may share its memory


def address(view):
    buffer = (ctypes.c_ubyte * 80)()  # Py_buffer begins with the address
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(buffer), 0)
    try:
        return ctypes.cast(buffer, ctypes.POINTER(ctypes.c_void_p))[0]
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))


def shared(pull, raw, count=2000):
    """How many of `count` messages, sent as fast as they go, share the memory of the one before."""
    raw.send(rawpeer.frame(b"x" * SIZE) * count)
    frames = [pull.recv(copy=False) for _ in range(count)]
    places = [address(frame.buffer) for frame in frames]
    return sum(there - here == SIZE + HEADER for here, there in zip(places, places[1:], strict=False))


@pytest.fixture
def raw_pull(zmq, make):
    made = []

    def raw_pull(**options):
        pull = make("PULL", RCVHWM=0, **options)
        pull.bind("tcp://127.0.0.1:*")
        made.append(rawpeer.connect(endpoint(pull)))
        made[-1].shake("PUSH")
        return pull, made[-1]

    yield raw_pull
    for raw in made:
        raw.close()


@pytest.mark.better
def test_large_reads_are_shared_by_messages(raw_pull):
    assert shared(*raw_pull()) > 0


@pytest.mark.better
def test_in_batch_size_is_the_most_that_a_read_takes(raw_pull):
    assert shared(*raw_pull(IN_BATCH_SIZE=VIEW_READ - 1)) == 0


@pytest.mark.better
def test_zero_copy_recv_off_gives_each_message_its_own_memory(context, raw_pull):
    context.set(ZERO_COPY_RECV, 0)
    assert shared(*raw_pull()) == 0


@pytest.mark.better
def test_out_batch_size_1_writes_each_message_with_its_send(make, fresh):
    push = make("PUSH", OUT_BATCH_SIZE=1)
    push.bind(fresh("ipc"))  # what has been written there can be read at once
    raw = rawpeer.connect(endpoint(push))
    raw.shake("PULL")
    push.send(b"first")
    assert raw.read_message() == [b"first"]
    raw.socket.setblocking(False)
    for number in range(300):
        push.send(b"%03d" % number)
        assert raw.socket.recv(100) == rawpeer.frame(b"%03d" % number)
    raw.close()


@pytest.mark.better
@pytest.mark.parametrize("sizes", [(1, 1), (1, 262144), (65536, 1), (100, 1000)])
def test_messages_are_the_same_whatever_the_batches(make, sizes):
    pull, push = make("PULL", IN_BATCH_SIZE=sizes[0], RCVHWM=10), make("PUSH", OUT_BATCH_SIZE=sizes[1], SNDHWM=10)
    pull.bind("tcp://127.0.0.1:*")
    push.connect(endpoint(pull))
    messages = [[b"x" * size, b"", b"y" * (size // 2)] for size in (0, 1, 47, 48, 49, 254, 255, 256, 1000, 8191, 8192, 8193, 100_000)]
    for _ in range(3):
        for message in messages:
            push.send_multipart(message)
            push.send(message[0])
            assert pull.recv_multipart() == message
            assert pull.recv_multipart() == [message[0]]
