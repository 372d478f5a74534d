"""Arrays of NumPy: as they are, without pickle, without a copy where nobody asked for one."""

import asyncio
import json
import subprocess
import sys

import pytest

np = pytest.importorskip("numpy")
countdown = pytest.importorskip("countdown")

pytestmark = pytest.mark.better

ARRAYS = {
    "numbers": np.arange(12, dtype="<i4").reshape(3, 4),
    "big-endian": np.arange(3, dtype=">f8"),
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "not contiguous": np.arange(20)[::2],
    "none": np.zeros((0, 3)),
    "one": np.array(7),
    "booleans": np.array([True, False]),
    "times": np.array(["2026-01-01", "2026-01-02"], dtype="M8[D]"),
    "texts": np.array(["a", "bcd"]),
    "complex": np.array([1j]),
    "records": np.array([(1, [2.5, 3], b"ab"), (4, [5, 6], b"")], dtype=[("n", ">i4"), ("pair", "<f8", (2,)), ("text", "S3")]),
    "records of records": np.zeros((2, 2), dtype=np.dtype([("a", "u1"), ("b", [("x", "<i8"), ("y", "?")])], align=True)),
    "one record": np.array((7, 1.5), dtype=[("n", "i4"), ("x", "f8")]),
    "no records": np.zeros(0, dtype=[("n", "i4")]),
    "raw bytes": np.frombuffer(b"abcdef", dtype="V3"),
    "axes in another order": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    "axes in yet another order": np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
    "backwards": np.arange(5)[::-1],
    "none, transposed": np.zeros((3, 0, 2)).T,
    "native": np.arange(3, dtype="=u2"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_MSG_22_arrays_arrive_as_they_are(pair, name):
    push, pull = pair("PUSH", "PULL", "tcp")
    push.send_array(ARRAYS[name])
    found = pull.recv_array()
    assert (found.dtype, found.shape) == (ARRAYS[name].dtype, ARRAYS[name].shape)
    assert (found == ARRAYS[name]).all()
    assert found.flags.writeable
    assert found.flags.f_contiguous == ARRAYS[name].flags.f_contiguous or name in ("not contiguous", "backwards")
    if "axes" in name:
        assert found.strides == ARRAYS[name].strides


def test_MSG_23_within_a_process_nothing_is_copied(pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    sent = np.asfortranarray(np.arange(1000000.0).reshape(1000, 1000))
    push.send_array(sent, copy=False)
    found = pull.recv_array()
    assert np.shares_memory(sent, found)
    push.send_array(sent)
    assert not np.shares_memory(sent, pull.recv_array())


@pytest.mark.parametrize("dtype", ["O", "i4,O", [("a", [("b", "O")])], [("a", "O", (2,))]])
def test_MSG_24_what_would_need_a_pickle_is_not_sent(zmq, pair, dtype):
    push, pull = pair("PUSH", "PULL", "inproc")
    with pytest.raises(TypeError, match="cannot be sent"):
        push.send_array(np.zeros(2, dtype=dtype))
    assert not pull.poll(0)


def test_MSG_22_a_mask_is_not_left_out(pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    with pytest.raises(TypeError, match="masked"):
        push.send_array(np.ma.array([1, 2], mask=[0, 1]))
    assert not pull.poll(0)


def head(**changed):
    return json.dumps({"dtype": "<i4", "shape": [2], "order": "C"} | changed).encode()


@pytest.mark.parametrize(
    "frames",
    [
        [head()],
        [b"", b"12345678"],
        [b"[" * 4000, b"12345678"],
        [head(dtype="|O8"), b"12345678"],
        [head(dtype="<i4,<i4"), b"12345678"],
        [head(dtype="<i3"), b"123456"],
        [head(dtype="<m8[xy]"), b"12345678" * 2],
        [head(shape=[3]), b"12345678"],
        [head(shape=[-2]), b"12345678"],
        [head(shape=[True, 2]), b"12345678"],
        [head(shape=[2**62, 2**62, 0, 1] * 9), b""],
        [head(shape=[2**63, 0]), b""],
        [head(shape=[2**31, 2**40, 0]), b""],
        [head(shape=[2**31, 2**40, 0], order=[2, 1, 0]), b""],
        [head(dtype=["<i4", [2]], shape=[1]), b"12345678"],
        [head(dtype="<M8[0s]", shape=[1]), b"12345678"],
        [head(dtype="<M8[4294967296s]", shape=[1]), b"12345678"],
        [head(order="K"), b"12345678"],
        [head(order=[1]), b"12345678"],
        [head(order=[False]), b"12345678"],
        [head(order=[[0]]), b"12345678"],
        [head(order=None), b"12345678"],
        *([head(dtype=dtype), b"12345678"] for dtype in (
            ["<i4"],
            ["<i4", [-1]],
            ["<i4", [2**40, 2**40]],
            ["O", [1]],
            {"names": ["a"], "formats": ["|O8"], "offsets": [0], "itemsize": 4},
            {"names": ["a"], "formats": ["<i4"], "offsets": [0]},
            {"names": ["a"], "formats": ["<i4"], "offsets": [1], "itemsize": 4},
            {"names": ["a"], "formats": ["<i4"], "offsets": [-4], "itemsize": 4},
            {"names": ["a", "a"], "formats": ["<i2", "<i2"], "offsets": [0, 2], "itemsize": 4},
            {"names": ["a"], "formats": ["<i4", "<i4"], "offsets": [0], "itemsize": 4},
            {"names": [3], "formats": ["<i4"], "offsets": [0], "itemsize": 4},
            {"names": [], "formats": [], "offsets": [], "itemsize": 4},
            {"names": ["a"], "formats": ["<i4"], "offsets": [0], "itemsize": 2**70},
            {"names": ["a"], "formats": ["<i4"], "offsets": [0], "itemsize": 4, "aligned": True},
            ["<i4", [0]],
        )),
        [head(more=1), b"12345678"],
        [head(), b"12345678", b""],
    ],
)
def test_MSG_24_hostile_descriptions_are_refused(zmq, pair, frames):
    push, pull = pair("PUSH", "PULL", "inproc")
    push.send_multipart(frames)
    with pytest.raises(zmq.ObjectError):
        pull.recv_array()
    push.send_array(np.arange(2))
    assert list(pull.recv_array()) == [0, 1]


def test_MSG_22_asynchronous_sockets_await_arrays(submodule):
    async def main():
        aio = submodule("asyncio")
        with aio.Context() as context, context.socket(7) as pull, context.socket(8) as push:
            pull.bind("inproc://arrays")
            push.connect("inproc://arrays")
            await push.send_array(np.arange(3))
            return list(await pull.recv_array())

    assert asyncio.run(main()) == [0, 1, 2]


def copied_by(call):
    before = countdown.copied()
    result = call()
    return countdown.copied() - before, result


counts_copies = pytest.mark.skipif(not countdown.possible, reason="only a build for tests counts copies")
LARGE = 1 << 20


@counts_copies
@pytest.mark.parametrize("order", ["C", "F", "axes"])
def test_MSG_26_no_byte_is_copied_within_a_process(pair, order):
    push, pull = pair("PUSH", "PULL", "inproc")
    sent = np.zeros((64, 128, 16)) if order == "C" else np.zeros((64, 128, 16), order="F") if order == "F" else np.zeros((64, 128, 16)).swapaxes(0, 1)
    assert sent.nbytes == LARGE
    copied, found = copied_by(lambda: push.send_array(sent, copy=False) or pull.recv_array())
    assert (copied, found.shape) == (0, sent.shape) and np.shares_memory(sent, found)
    copied, _ = copied_by(lambda: push.send_array(sent))
    assert copied == LARGE
    copied, _ = copied_by(pull.recv_array)
    assert copied == 0


@counts_copies
def test_MSG_26_each_receive_copies_once_or_not_at_all(pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    data = bytes(LARGE)
    first, second = np.zeros((1024, 64), order="F"), bytearray(LARGE)
    receives = {
        "recv": (pull.recv, 0),  # the very object
        "frame": (lambda: pull.recv(copy=False), 0),
        "into": (lambda: pull.recv_into(second), LARGE),
        "scattered": (lambda: pull.recv_multipart_into([second]), LARGE),
    }
    for name, (receive, expected) in receives.items():
        push.send(data, copy=False)
        assert copied_by(receive)[0] == expected, name
    push.send_multipart([data[: first.nbytes], data], copy=False)
    copied, sizes = copied_by(lambda: pull.recv_multipart_into([first, second]))
    assert (copied, sizes) == (first.nbytes + LARGE, [first.nbytes, LARGE])
    push.send(data, copy=False)
    frame = pull.recv(copy=False)
    assert [copied_by(lambda: frame.bytes)[0] for _ in range(2)] == [LARGE, 0]
    push.send(np.zeros(LARGE, np.uint8), copy=False)
    frame = pull.recv(copy=False)
    assert copied_by(lambda: memoryview(frame))[0] == 0  # nobody else can write to it, nor does it have to be kept
    assert copied_by(lambda: frame.bytes)[0] == LARGE


@counts_copies
def test_MSG_26_over_a_connection_only_what_came_with_the_beginning_is_copied(pair):
    push, pull = pair("PUSH", "PULL", "tcp")
    sent = np.arange(LARGE, dtype=np.uint8)
    for _ in range(3):
        copied, found = copied_by(lambda: push.send_array(sent, copy=False) or pull.recv_array())
        assert (found == sent).all()
        assert copied <= 65536  # a read's worth


@counts_copies
def test_MSG_27_received_frames_nobody_else_has_can_be_written_to(pair):
    push, pull = pair("PUSH", "PULL", "tcp")
    push.send(bytes(LARGE))
    frame = pull.recv(copy=False)
    copied, view = copied_by(lambda: memoryview(frame))
    assert copied == 0 and not view.readonly
    view[0] = 1


def test_MSG_25_frames_are_scattered_into_arrays_as_they_lie(pair):
    push, pull = pair("PUSH", "PULL", "tcp")
    columns = np.zeros((2, 3), dtype="<i2", order="F")
    push.send_multipart([np.arange(6, dtype="<i2"), b"x"])
    assert pull.recv_multipart_into([columns]) == [12, 1]
    assert columns.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_MSG_25_frames_are_scattered_into_buffers(pair):
    push, pull = pair("PUSH", "PULL", "tcp")
    numbers, empty, rest = np.zeros((2, 2), dtype="<i4"), bytearray(), bytearray(b"....")
    sent = np.arange(4, dtype="<i4")
    push.send_multipart([sent.tobytes(), b"lost", b"ab", b"without a buffer"])
    assert pull.recv_multipart_into([numbers, empty, rest]) == [16, 4, 2, 16]
    assert numbers.tolist() == [[0, 1], [2, 3]]
    assert bytes(rest) == b"ab.."
    for wrong in (b"read-only", np.zeros((4, 2)).T[:, ::2], "text"):
        with pytest.raises(TypeError):
            pull.recv_multipart_into([wrong])
    push.send(b"only one")
    assert pull.recv_multipart_into([rest, rest]) == [8]
    assert bytes(rest) == b"only"


def test_numpy_is_not_loaded_before_it_is_used():
    program = "import sys, zmqcore; assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
