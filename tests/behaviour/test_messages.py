"""Messages: content, copies, frames, metadata, trackers."""
import os

import pytest
from awaiting import until


@pytest.mark.parametrize("size", [0, 1, 29, 30, 31, 32, 33, 64, 255, 256, 4095, 4096, 65535, 65536, 1 << 20])
@pytest.mark.parametrize("copy", [True, False])
def test_MSG_16_every_size_passes_unchanged(zmq, pair, transport, size, copy):
    push, pull = pair("PUSH", "PULL", transport)
    body = os.urandom(size)
    push.send(body, copy=copy)
    got = pull.recv(copy=copy)
    assert (got if copy else got.bytes) == body


def test_MSG_16_thirty_megabytes(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    body = os.urandom(1 << 20) * 30
    push.send(body, copy=False)
    assert pull.recv() == body


def test_MSG_1_frames(zmq):
    assert len(zmq.Frame()) == 0
    frame = zmq.Frame(b"abc")
    assert (frame.bytes, bytes(frame), len(frame), bytes(frame.buffer)) == (b"abc", b"abc", 3, b"abc")
    with pytest.raises(TypeError):
        zmq.Frame("text")


@pytest.mark.parametrize("source", [bytes, bytearray, memoryview], ids=lambda source: source.__name__)
def test_MSG_buffers_of_any_kind(zmq, pair, source):
    push, pull = pair("PUSH", "PULL")
    for size in (3, 100000):
        for copy in (True, False):
            push.send(source(b"x" * size), copy=copy)
            assert pull.recv() == b"x" * size


def test_MSG_2_tracker_tells_when_the_buffer_is_free(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    body = bytearray(b"x" * 200000)
    tracker = push.send(body, copy=False, track=True)
    frame = pull.recv(copy=False)
    assert frame.bytes == body
    del frame
    tracker.wait(5)
    assert tracker.done
    body[0] = 1  # nobody exports the buffer any more
    body.append(2)


def test_MSG_2_references_come_back(zmq, pair, transport):
    import sys

    push, pull = pair("PUSH", "PULL", transport)
    body = os.urandom(100000)
    before = sys.getrefcount(body)
    for _ in range(10):
        push.send(body, copy=False)
        assert pull.recv() == body
    # Giving back happens after the write; a further message makes sure that all of it has passed.
    until(lambda: sys.getrefcount(body) <= before or (push.send(b"x"), pull.recv()) is None)


def test_MSG_5_more(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    push.send_multipart([b"a", b"b"])
    frames = pull.recv_multipart(copy=False)
    assert [frame.more for frame in frames] == [True, False]
    assert [frame.get(zmq.MORE) for frame in frames] == [1, 0]


def test_MSG_6_source_descriptor(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    push.send(b"x")
    assert pull.recv(copy=False).get(zmq.SRCFD) > 2


def test_MSG_7_one_frame_sent_twice(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    for size in (10, 100000):
        frame = zmq.Frame(b"x" * size)
        push.send(frame, copy=False)
        push.send(frame, copy=False)
        assert [pull.recv(), pull.recv()] == [b"x" * size] * 2
        assert frame.bytes == b"x" * size


def test_MSG_8_and_10_metadata(zmq, pair):
    dealer, router = pair("DEALER", "ROUTER", "tcp", {"ROUTING_ID": b"me"})
    dealer.send_multipart([b"a", b"b"])
    assert router.poll(5000)
    for frame in router.recv_multipart(copy=False):
        assert frame.get("Socket-Type") == "DEALER"
        assert frame.get("Identity") == "me"
        assert frame.get("Peer-Address") == "127.0.0.1"
        with pytest.raises(zmq.ZMQError):
            frame.get("No-Such-Property")


@pytest.mark.better
def test_MSG_8_routing_id_by_its_newer_name(zmq, pair):
    dealer, router = pair("DEALER", "ROUTER", "tcp", {"ROUTING_ID": b"me"})
    dealer.send(b"x")
    assert router.recv_multipart(copy=False)[1].get("Routing-Id") == "me"


@pytest.mark.better
def test_MSG_9_application_metadata(zmq, pair):
    req, rep = pair("REQ", "REP", "tcp", {"METADATA": b"X-hello:hello"})
    req.send(b"q")
    assert rep.recv(copy=False).get("X-hello") == "hello"
    for wrong in (b"hello", b"X-", b"hello:hello", b":x", b"X-key:"):
        with pytest.raises(zmq.ZMQError):
            req.setsockopt(zmq.METADATA, wrong)


def test_MSG_12_no_metadata_over_inproc(zmq, pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    push.send(b"x")
    with pytest.raises(zmq.ZMQError):
        pull.recv(copy=False).get("Socket-Type")


def test_MSG_13_peer_address_over_ipc(zmq, pair):
    push, pull = pair("PUSH", "PULL", "ipc")
    push.send(b"x")
    host, credentials = pull.recv(copy=False).get("Peer-Address").split(":", 1)
    assert host in ("", "localhost")  # libzmq: what getnameinfo() makes of an AF_UNIX address
    assert credentials == f"{os.getuid()}:{os.getgid()}:{os.getpid()}"


def test_MSG_17_frame_outlives_its_socket(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    bodies = [os.urandom(size) for size in (5, 300, 100000)]
    push.send_multipart(bodies)
    frames = pull.recv_multipart(copy=False)
    pull.close(), push.close()
    assert [frame.bytes for frame in frames] == bodies


def test_MSG_received_bytes_are_the_receivers_own(zmq, pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    body = bytearray(b"x" * 100)
    push.send(body)
    body[:] = b"y" * 100
    assert pull.recv() == b"x" * 100


def test_recv_into(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    room = bytearray(10)
    push.send(b"12345")
    assert pull.recv_into(room) == 5
    assert room == b"12345" + bytes(5)
    push.send(b"x" * 20)
    assert pull.recv_into(room) >= 10
    assert room == b"x" * 10


def test_strings_json_and_objects(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    push.send_string("häßlich €")
    assert pull.recv_string() == "häßlich €"
    push.send_json({"a": [1, None, "ü"]})
    assert pull.recv_json() == {"a": [1, None, "ü"]}
    push.send_pyobj({"a": {1, 2}})
    assert pull.recv_pyobj() == {"a": {1, 2}}
    push.send_serialized([1, 2], lambda value: [b"%d" % number for number in value])
    assert pull.recv_serialized(lambda frames: [int(frame) for frame in frames]) == [1, 2]
    with pytest.raises(TypeError):
        push.send_string(b"bytes")
