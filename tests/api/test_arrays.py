"""Arrays of NumPy: as they are, without pickle, without a copy where nobody asked for one."""

import asyncio
import json
import subprocess
import sys

import pytest

np = pytest.importorskip("numpy")

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
}


@pytest.mark.parametrize("name", ARRAYS)
def test_MSG_22_arrays_arrive_as_they_are(pair, name):
    push, pull = pair("PUSH", "PULL", "tcp")
    push.send_array(ARRAYS[name])
    found = pull.recv_array()
    assert (found.dtype, found.shape) == (ARRAYS[name].dtype, ARRAYS[name].shape)
    assert (found == ARRAYS[name]).all()
    assert found.flags.writeable
    assert found.flags.f_contiguous == ARRAYS[name].flags.f_contiguous or name == "not contiguous"


def test_MSG_23_within_a_process_nothing_is_copied(pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    sent = np.asfortranarray(np.arange(1000000.0).reshape(1000, 1000))
    push.send_array(sent, copy=False)
    found = pull.recv_array()
    assert np.shares_memory(sent, found)
    push.send_array(sent)
    assert not np.shares_memory(sent, pull.recv_array())


@pytest.mark.parametrize("dtype", ["O", "i4,f8"])
def test_MSG_24_what_would_need_a_pickle_is_not_sent(zmq, pair, dtype):
    push, pull = pair("PUSH", "PULL", "inproc")
    with pytest.raises(TypeError, match="cannot be sent"):
        push.send_array(np.zeros(2, dtype=dtype))
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
        [head(order="K"), b"12345678"],
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


def test_MSG_25_frames_are_scattered_into_buffers(pair):
    push, pull = pair("PUSH", "PULL", "tcp")
    numbers, empty, rest = np.zeros((2, 2), dtype="<i4"), bytearray(), bytearray(b"....")
    sent = np.arange(4, dtype="<i4")
    push.send_multipart([sent.tobytes(), b"lost", b"ab", b"without a buffer"])
    assert pull.recv_multipart_into([numbers, empty, rest]) == [16, 4, 2, 16]
    assert numbers.tolist() == [[0, 1], [2, 3]]
    assert bytes(rest) == b"ab.."
    for wrong in (b"read-only", np.zeros((2, 2)).T[::2], "text"):
        with pytest.raises(TypeError):
            pull.recv_multipart_into([wrong])
    push.send(b"only one")
    assert pull.recv_multipart_into([rest, rest]) == [8]
    assert bytes(rest) == b"only"


def test_numpy_is_not_loaded_before_it_is_used():
    program = "import sys, zmqcore; assert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
