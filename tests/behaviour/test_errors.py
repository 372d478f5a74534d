"""Errors: numbers, texts, exception classes; and the flags and timeouts of send and recv."""
import os
import time

import pytest
from awaiting import SECONDS, silent
from platforms import errno


def refuses(zmq, number, call, *arguments):
    with pytest.raises(zmq.ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == number, caught.value


def test_ERR_1_private_numbers(zmq):
    assert (zmq.EFSM, zmq.ENOCOMPATPROTO, zmq.ETERM, zmq.EMTHREAD) == (156384763, 156384764, 156384765, 156384766)
    assert (int(zmq.EAGAIN), int(zmq.EINVAL), int(zmq.ENOTSUP)) == (errno.EAGAIN, errno.EINVAL, errno.ENOTSUP)


def test_ERR_2_strerror(zmq):
    own = {zmq.strerror(number) for number in (zmq.EFSM, zmq.ENOCOMPATPROTO, zmq.ETERM, zmq.EMTHREAD)}
    assert len(own) == 4 and all(own)
    assert zmq.strerror(errno.EINVAL) == os.strerror(errno.EINVAL)
    assert zmq.strerror(99999999)
    assert zmq.strerror(-1)


def test_ERR_2_exceptions_carry_number_and_text(zmq):
    error = zmq.ZMQError(errno.EINVAL)
    assert (error.errno, error.strerror, str(error)) == (errno.EINVAL, zmq.strerror(errno.EINVAL), zmq.strerror(errno.EINVAL))


def test_ERR_classes(zmq, make):
    with pytest.raises(zmq.Again) as caught:
        make("PULL").recv(zmq.DONTWAIT)
    assert caught.value.errno == zmq.EAGAIN
    assert issubclass(zmq.Again, zmq.ZMQError) and issubclass(zmq.ContextTerminated, zmq.ZMQError)


def test_ERR_3_closed_socket(zmq, make):
    socket = make("SUB")
    socket.close()
    for call in (lambda: socket.subscribe(b""), lambda: socket.unbind("tcp://127.0.0.1:1"), lambda: socket.disconnect("tcp://127.0.0.1:1"),
                 lambda: socket.recv(zmq.DONTWAIT), lambda: socket.getsockopt(zmq.EVENTS)):
        refuses(zmq, zmq.ENOTSOCK, call)


def test_ERR_6_after_term_everything_but_close(zmq):
    import threading

    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    terminator = threading.Thread(target=context.term)
    terminator.start()
    with pytest.raises(zmq.ContextTerminated):
        socket.recv()
    for call in (lambda: socket.send(b"", zmq.DONTWAIT), lambda: socket.recv(zmq.DONTWAIT), lambda: socket.setsockopt(zmq.LINGER, 0),
                 lambda: socket.getsockopt(zmq.LINGER), lambda: socket.bind("tcp://127.0.0.1:*"), lambda: socket.connect("inproc://x")):
        with pytest.raises(zmq.ContextTerminated):
            call()
    socket.close()
    terminator.join(5)
    assert not terminator.is_alive()


def test_ERR_8_bad_options_change_nothing(zmq, make):
    socket = make("PULL")
    refuses(zmq, errno.EINVAL, socket.setsockopt, 9999, 1)
    refuses(zmq, errno.EINVAL, socket.getsockopt, 9999)
    refuses(zmq, errno.EINVAL, socket.setsockopt, zmq.IMMEDIATE, 2)
    refuses(zmq, errno.EINVAL, socket.setsockopt, zmq.RCVTIMEO, -2)
    assert (socket.getsockopt(zmq.IMMEDIATE), socket.getsockopt(zmq.RCVTIMEO)) == (0, int(SECONDS * 1000))


@pytest.mark.parametrize("kind, call", [("PUSH", "recv"), ("PUB", "recv"), ("PULL", "send"), ("SUB", "send")])
def test_ERR_9_unsupported_operation(zmq, make, kind, call):
    socket = make(kind)
    refuses(zmq, zmq.ENOTSUP, (lambda: socket.recv(zmq.DONTWAIT)) if call == "recv" else (lambda: socket.send(b"", zmq.DONTWAIT)))


def test_ERR_10_version_and_capabilities(zmq):
    assert zmq.zmq_version_info() >= (4, 3, 4)
    assert zmq.zmq_version() == ".".join(str(part) for part in zmq.zmq_version_info())
    assert zmq.has("ipc") is True
    assert zmq.has("no such thing") is False


def test_wrong_types(zmq, make):
    socket = make("PUSH")
    for wrong in ("text", 5, None, 1.5):
        with pytest.raises(TypeError):
            socket.send(wrong)
    with pytest.raises(TypeError):
        socket.send_multipart([b"ok", "text"])
    with pytest.raises(TypeError):
        socket.setsockopt(zmq.SNDHWM, "many")
    with pytest.raises(TypeError):
        socket.bind(5)


def test_IO_1_flags(zmq):
    assert (int(zmq.DONTWAIT), int(zmq.NOBLOCK), int(zmq.SNDMORE)) == (1, 1, 2)


@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR"])
def test_IO_2_send_timeout(zmq, make, kind):
    socket = make(kind)
    for milliseconds in (60, 0):
        socket.sndtimeo = milliseconds
        started = time.perf_counter()
        with pytest.raises(zmq.Again):
            socket.send(b"x")
        assert milliseconds * 0.0009 <= time.perf_counter() - started < milliseconds / 1000 + SECONDS


@pytest.mark.parametrize("kind", ["PULL", "DEALER", "SUB", "ROUTER"])
def test_IO_3_recv_timeout(zmq, make, kind):
    socket = make(kind)
    socket.bind("tcp://127.0.0.1:*")
    for milliseconds in (60, 0):
        socket.rcvtimeo = milliseconds
        started = time.perf_counter()
        with pytest.raises(zmq.Again):
            socket.recv()
        assert milliseconds * 0.0009 <= time.perf_counter() - started < milliseconds / 1000 + SECONDS


def test_IO_4_dontwait(zmq, pair, transport):
    _push, pull = pair("PUSH", "PULL", transport)
    with pytest.raises(zmq.Again):
        pull.recv(zmq.DONTWAIT)


def test_IO_5_multipart_and_rcvmore(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    push.send(b"a", zmq.SNDMORE)
    push.send(b"b", zmq.SNDMORE)
    silent(pull, 20)
    push.send(b"c")
    more = []
    for expected in (b"a", b"b", b"c"):
        assert pull.recv() == expected
        more.append(pull.getsockopt(zmq.RCVMORE))
    assert more == [1, 1, 0]


def test_IO_7_more_state_persists(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    push.send_multipart([b"a", b"b"], zmq.SNDMORE)
    push.send(b"c")
    assert pull.recv_multipart() == [b"a", b"b", b"c"]


def test_IO_8_empty_frames(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    push.send(b"")
    push.send_multipart([b"", b"", b""])
    assert pull.recv_multipart() == [b""]
    assert pull.recv_multipart() == [b"", b"", b""]


def test_IO_11_failed_send_leaves_the_message_alone(zmq, make):
    push, body = make("PUSH"), zmq.Frame(b"precious" * 1000)
    with pytest.raises(zmq.Again):
        push.send(body, zmq.DONTWAIT, copy=False)
    assert body.bytes == b"precious" * 1000


def test_IO_13_order_per_connection(zmq, pair, transport):
    push, pull = pair("PUSH", "PULL", transport, {"SNDHWM": 0}, {"RCVHWM": 0})
    total = 30000
    for number in range(total):
        push.send(b"%d" % number)
    assert [pull.recv() for _ in range(total)] == [b"%d" % number for number in range(total)]
