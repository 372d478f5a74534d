"""Memory: what can be sent and received into, how it lies, and who may write to it."""

import array
import gc
import socket

import pytest

numpy = pytest.importorskip("numpy")

CUBE = numpy.arange(24, dtype=numpy.int32).reshape(2, 3, 4)

CONTIGUOUS = {
    "C": CUBE,
    "F": numpy.asfortranarray(CUBE),
    "transposed": CUBE.T,
    "no elements": numpy.empty((0, 3)),
    "no elements, transposed": numpy.empty((0, 3)).T,
    "no dimension": numpy.array(5),
    "structured": numpy.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
    "read-only": numpy.frombuffer(b"abcd", numpy.uint8),
    "array": array.array("d", [1, 2]),
    "view": memoryview(bytearray(8)).cast("B", (2, 4)),
    "view of ints": memoryview(bytearray(8)).cast("I"),
    "part": memoryview(b"abcdef")[2:4],
    "bytearray": bytearray(b"xyz"),
}
SCATTERED = {
    "swapped": CUBE.swapaxes(0, 1),
    "every other": CUBE[:, ::2],
    "reversed": CUBE.ravel()[::-1],
    "broadcast": numpy.broadcast_to(numpy.uint8(1), (3,)),
    "view": memoryview(b"abcdef")[::2],
}


def octets(data):
    return data.tobytes("A") if isinstance(data, numpy.ndarray) else bytes(memoryview(data).tobytes())


@pytest.fixture
def joined(pair, transport):
    return pair("PAIR", "PAIR", transport)


@pytest.mark.parametrize("copying", [{}, {"copy": False}, {"copy": False, "track": True}], ids=str)
@pytest.mark.parametrize("threshold", [0, 65536])
@pytest.mark.parametrize("name", CONTIGUOUS)
def test_contiguous_memory_is_sent_as_it_lies(zmq, joined, name, threshold, copying):
    one, two = joined
    one.copy_threshold = threshold
    data = CONTIGUOUS[name]
    for send in (
        lambda: one.send(data, **copying),
        lambda: one.send_multipart([data], **copying),
        lambda: one.send(zmq.Frame(data, track=True), **copying),
    ):
        tracker = send()
        assert two.recv() == octets(data)
        if "track" in copying:
            gc.collect()
            tracker.wait(5)
    assert zmq.Frame(data).bytes == zmq.Frame(data, copy=False).bytes == octets(data)


@pytest.mark.parametrize("copying", [{}, {"copy": False}, {"copy": False, "track": True}], ids=str)
@pytest.mark.parametrize("name", SCATTERED)
def test_other_memory_is_not_sent(zmq, joined, name, copying):
    one, two = joined
    data = SCATTERED[name]
    for call in (
        lambda: one.send(data, **copying),
        lambda: one.send_multipart([data], **copying),
        lambda: zmq.Frame(data),
        lambda: zmq.Frame(data, copy=False),
    ):
        with pytest.raises((ValueError, BufferError)):
            call()
    one.send(b"next")
    assert two.recv() == b"next"


def test_released_memory(zmq, joined):
    data = memoryview(bytearray(3))
    data.release()
    for call in (lambda: joined[0].send(data), lambda: zmq.Frame(data)):
        with pytest.raises(ValueError, match="released"):
            call()


@pytest.mark.better  # a kind of array that memoryview() refuses
def test_memory_without_a_format(joined):
    one, two = joined
    dates = numpy.array(["2020-01-01"], dtype="M8[D]")
    for copying in (True, False):
        one.send(dates, copy=copying)
        assert two.recv() == dates.tobytes()


def test_receiving_into_memory_as_it_lies(joined):
    one, two = joined
    for target in (numpy.zeros((2, 3), numpy.uint8), numpy.zeros((2, 3), numpy.uint8, "F"), memoryview(bytearray(6)).cast("B", (2, 3))):
        one.send(b"012345")
        assert two.recv_into(target) == 6
        assert octets(target) == b"012345"


def test_receiving_into_other_memory(joined):
    one, two = joined
    read_only = numpy.frombuffer(b"abcdef", numpy.uint8)
    for target in (numpy.zeros(6, numpy.uint8)[::2], memoryview(b"abcdef"), b"abcdef", read_only):
        with pytest.raises(BufferError):
            two.recv_into(target)
    for target in (None, "abc", 3):
        with pytest.raises(TypeError):
            two.recv_into(target)
    one.send(b"kept")
    assert two.recv() == b"kept"


@pytest.mark.parametrize("size", [1, 3, 48, 49, 1000, 70_000, 1_000_000])
@pytest.mark.parametrize("how", ["bytes", pytest.param("frame", marks=pytest.mark.better), "array", "lent", "multipart", "again"])
def test_received_frames_can_be_written_to(zmq, joined, size, how):
    one, two = joined
    sent = bytes(size)
    for _ in range(2):  # the second large one is read straight into a bytes object
        if how == "again":
            one.send(sent)
            assert two.recv() == sent
        if how == "frame":
            one.send(zmq.Frame(sent))
        elif how == "array":
            one.send(numpy.zeros(size, numpy.uint8))
        elif how == "lent":
            one.send(numpy.zeros(size, numpy.uint8), copy=False)
        elif how == "multipart":
            one.send_multipart([sent, b"end"])
        else:
            one.send(sent)
        if how == "multipart":
            frame, _ = two.recv_multipart(copy=False)
        else:
            frame = two.recv(copy=False)
        assert frame.bytes == sent  # not to be found in what is read later
        view = memoryview(frame)
        assert not view.readonly and not frame.buffer.readonly
        assert (view.format, view.itemsize, view.shape) == ("B", 1, (size,))
        values = numpy.frombuffer(frame, numpy.uint8)
        assert values.flags.writeable
        values[0] = 1
        assert view[0] == frame.buffer[0] == 1
    assert not sent[0]


@pytest.mark.better
def test_what_was_written_is_what_the_frame_holds(zmq, joined):
    one, two = joined
    one.send(b"abc")
    frame = two.recv(copy=False)
    assert frame.bytes == b"abc"
    frame.buffer[0] = ord("x")
    assert frame.bytes == bytes(frame) == b"xbc" and frame == b"xbc"
    two.send(frame)
    assert one.recv() == b"xbc"
    frame.buffer[1] = ord("y")
    assert frame.bytes == b"xyc"


@pytest.mark.better
@pytest.mark.parametrize("size", [10, 1000, 100_000])
def test_nobody_else_sees_what_is_written(zmq, context, size):
    publisher = context.socket(zmq.PUB)
    publisher.bind("inproc://shared")
    subscribers = [context.socket(zmq.SUB) for _ in range(3)]
    for subscriber in subscribers:
        subscriber.subscribe(b"")
        subscriber.rcvtimeo = 5000
        subscriber.connect("inproc://shared")
        subscriber.poll(0)
    data = bytes(size)
    for body in (data, zmq.Frame(data), zmq.Frame(data, copy=False), bytearray(data)):
        publisher.send(body)
        frames = [subscriber.recv(copy=False) for subscriber in subscribers]
        memoryview(frames[0])[0] = 1
        memoryview(frames[1])[0] = 2
        assert [bytes(frame)[:1] for frame in frames] == [b"\1", b"\2", b"\0"]
        frames[2].buffer[0] = 3
        assert [frame.buffer[0] for frame in frames] == [1, 2, 3]
    assert data == bytes(size)


def test_frames_of_the_program(zmq):
    for data in (b"abc", bytearray(b"abc")):
        frame = zmq.Frame(data)
        assert not memoryview(frame).readonly
        memoryview(frame)[0] = ord("x")
        assert data == b"abc"
    lent = bytearray(b"abc")
    memoryview(zmq.Frame(lent, copy=False))[0] = ord("x")
    assert lent == b"xbc"


@pytest.mark.better
def test_bytes_of_the_program_are_never_written_to(zmq):
    for data in (b"abc" * 30_000, memoryview(b"abc"), numpy.frombuffer(b"abc", numpy.uint8)):
        frame = zmq.Frame(data, copy=False)
        assert memoryview(frame).readonly
        assert not numpy.frombuffer(frame, numpy.uint8).flags.writeable


# -- when lent memory is given back


def test_small_memory_that_is_lent(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    push.connect(address)
    assert push.send(b"something", copy=False, track=True) is zmq._FINISHED_TRACKER
    push.copy_threshold = 0
    tracker = push.send_multipart([b"something", b"else"], copy=False, track=True)
    assert not tracker.done
    pull.bind(address)
    pull.rcvtimeo = 10_000
    assert pull.recv() == b"something"
    assert pull.recv_multipart() == [b"something", b"else"]
    tracker.wait(10)
    assert tracker.done


@pytest.mark.parametrize("kind", [bytearray, lambda data: numpy.frombuffer(bytearray(data), numpy.uint8)])
def test_lent_memory_is_locked_until_it_is_given_back(zmq, joined, kind):
    one, two = joined
    data = kind(b"x" * 100_000)
    tracker = one.send(data, copy=False, track=True)
    received = two.recv()
    assert received == bytes(data)
    tracker.wait(10)
    if isinstance(data, bytearray):
        data.append(1)  # BufferError while it is lent


def test_threshold_of_the_package(zmq, context, monkeypatch):
    monkeypatch.setattr(zmq, "COPY_THRESHOLD", 1)
    assert context.socket(zmq.PAIR).copy_threshold == 1
    assert context.socket(zmq.PAIR, copy_threshold=5).copy_threshold == 5
    assert not zmq.Frame(b"hi there", track=True).tracker.done
    monkeypatch.undo()
    assert zmq.Frame(b"hi there", track=True).tracker.done
    assert context.socket(zmq.PAIR).copy_threshold == zmq.COPY_THRESHOLD == 65536
