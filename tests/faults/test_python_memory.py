"""Python's own memory runs out inside a call: MemoryError, and the socket goes on. Nothing may be raised while its lock is held."""

import pytest

try:
    from _testcapi import remove_mem_hooks, set_nomemory
except ImportError:
    pytest.skip("this interpreter has no _testcapi", allow_module_level=True)

LARGE = bytes(300_000)  # of a size for which objects are laid ready


def send(zmq, near, far):
    near.send(b"s" * 100)


def receive(zmq, near, far):
    far.send(b"r" * 100)
    return near.recv()


def receive_large(zmq, near, far):
    far.send(LARGE)
    return len(near.recv())


def receive_frames(zmq, near, far):
    far.send_multipart([b"a" * 100, LARGE, b"b" * 100])
    return [len(frame) for frame in near.recv_multipart()]


def receive_frame_objects(zmq, near, far):
    far.send_multipart([b"a" * 100, b"b" * 100])
    return [len(frame) for frame in near.recv_multipart(copy=False)]


def receive_many(zmq, near, far):
    far.send_many([b"%03d" % i * 100 for i in range(100)])
    return len(near.recv_many(100)) > 0


def send_many(zmq, near, far):
    near.send_many([b"%03d" % i * 100 for i in range(100)])


def send_frames(zmq, near, far):
    near.send_multipart([b"a" * 100, bytearray(b"b" * 100)])


def read_options(zmq, near, far):
    return near.getsockopt(zmq.LAST_ENDPOINT), near.getsockopt(zmq.EVENTS), near.getsockopt(zmq.ROUTING_ID)


def set_options(zmq, near, far):
    near.setsockopt(zmq.LINGER, 0)
    near.setsockopt(zmq.SNDHWM, 100_000)


def poll(zmq, near, far):
    return near.poll(0), zmq.zmq_poll([(near, zmq.POLLIN), (far, zmq.POLLIN)], 0)


def agree(sender, receiver, word):
    """A message gets through, behind what an interrupted call has left on the way."""
    sender.send(word)
    while receiver.recv() != word:
        pass


def run_out(act, nth):
    """`act` while Python's nth allocation, and only it, fails. Whether the call was done before it came to that."""
    set_nomemory(nth - 1, nth)
    try:
        act()
        failed = False
    except MemoryError:
        failed = True
    finally:
        remove_mem_hooks()
    return not failed


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
@pytest.mark.parametrize(
    "use",
    [
        send,
        receive,
        receive_large,
        receive_frames,
        receive_frame_objects,
        receive_many,
        send_many,
        send_frames,
        read_options,
        set_options,
        poll,
    ],
    ids=lambda use: use.__name__,
)
def test_a_call_that_runs_out_of_memory_leaves_a_usable_socket(zmq, use, transport):
    context = zmq.Context()
    near, far = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    for socket in (near, far):
        socket.linger = 0
        socket.sndhwm = socket.rcvhwm = 0
        socket.sndtimeo = socket.rcvtimeo = 20_000
    near.bind("inproc://memory" if transport == "inproc" else "tcp://127.0.0.1:*")
    far.connect(near.last_endpoint)
    agree(far, near, b"up")
    failures = quiet = nth = 0
    try:
        while quiet < 5:
            nth += 1
            assert nth < 2000
            if run_out(lambda: use(zmq, near, far), nth):
                quiet += 1
            else:
                quiet = 0
                failures += 1
            agree(near, far, b"%d" % nth)
            agree(far, near, b"%d" % nth)
        # Over tcp what is received is made into objects.
        assert failures or transport == "inproc" or not use.__name__.startswith("receive")
    finally:
        near.close()
        far.close()
        context.term()
