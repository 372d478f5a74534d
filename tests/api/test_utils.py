"""Helpers: Z85, JSON, strings, monitor messages, logging, stopwatch, trackers."""

import ctypes
import logging
import os
import struct
import threading
import time

import pytest

# -- Z85


def test_z85_vector_of_the_rfc(submodule):
    z85 = submodule("utils.z85")
    raw = bytes([0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B])
    assert z85.encode(raw) == b"HelloWorld"
    assert z85.decode(b"HelloWorld") == z85.decode("HelloWorld") == raw


def test_z85_round_trips(submodule):
    z85 = submodule("utils.z85")
    for size in range(0, 64, 4):
        raw = os.urandom(size)
        assert len(z85.encode(raw)) == size * 5 // 4
        assert z85.decode(z85.encode(raw)) == raw
    assert z85.decode(z85.encode(b"\xff" * 8)) == b"\xff" * 8


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_z85_lengths(submodule, size):
    z85 = submodule("utils.z85")
    with pytest.raises(ValueError):
        z85.encode(b"x" * size)
    with pytest.raises(ValueError):
        z85.decode(b"x" * (size if size % 5 else size + 1))


@pytest.mark.better
@pytest.mark.parametrize("text", [b"#####", b"%nSc1", b"ab cd", b'ab"cd', b"ab\x7fcd", b"ab,cd", b"ab\\cd", "abäcd"])
def test_z85_refuses_what_is_none(submodule, text):
    with pytest.raises(ValueError) as caught:
        submodule("utils.z85").decode(b"abcde" + text if isinstance(text, bytes) else text)
    assert "bc" not in str(caught.value) and "cd" not in str(caught.value)  # it may have been meant to be a secret


# -- JSON and strings


def test_json(submodule):
    jsonapi = submodule("utils.jsonapi")
    assert jsonapi.dumps({"a": ["ü", 1]}) == b'{"a": ["\\u00fc", 1]}'
    assert jsonapi.loads(b'{"a": 1}') == jsonapi.loads('{"a": 1}') == {"a": 1}
    assert jsonapi.dumps({"b": 1, "a": 2}, sort_keys=True) == b'{"a": 2, "b": 1}'


def test_strings_and_bytes_are_cast_into_each_other(submodule):
    s = submodule("utils.strtypes")
    assert s.b("ä") == s.cast_bytes("ä") == s.asbytes("ä") == s.cast_bytes("ä".encode()) == "ä".encode()
    assert s.u(b"\xe4", "latin1") == s.cast_unicode("ä") == "ä"
    for cast in (s.cast_bytes, s.cast_unicode):
        with pytest.raises(TypeError):
            cast(5)
    assert (s.bytes, s.unicode, s.basestring) == (bytes, str, (str,))


def test_addresses(submodule):
    cast = submodule("utils.interop").cast_int_addr
    assert cast(5) == 5
    with pytest.raises(ValueError):
        cast("text")


@pytest.mark.better
def test_addresses_of_ctypes(submodule):
    assert submodule("utils.interop").cast_int_addr(ctypes.c_void_p(5)) == 5


def test_allow_interrupt_elsewhere(submodule):
    with submodule("utils.win32").allow_interrupt(lambda: None):
        pass


# -- monitor messages


def test_monitor_message(zmq, submodule):
    parse = submodule("utils.monitor").parse_monitor_message
    event = parse([struct.pack("=HI", zmq.EVENT_CONNECT_RETRIED, 183), b"tcp://x:1"])
    assert event == {"event": zmq.EVENT_CONNECT_RETRIED, "value": 183, "endpoint": b"tcp://x:1"}
    assert isinstance(event["event"], zmq.Event) and isinstance(event["value"], zmq.Event)
    protocol = zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
    event = parse([struct.pack("=HI", zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, protocol), b""])
    assert event["value"] is protocol or event["value"] == protocol
    for bad in ([], [b"x"], [b"abc", b"x"], [b"abcdef", b"x", b"y"]):
        with pytest.raises(RuntimeError):
            parse(bad)


def test_monitor_message_of_version_2(zmq, submodule):
    parse = submodule("utils.monitor").parse_monitor_message
    numbers = [struct.pack("=Q", n) for n in (zmq.EVENT_PIPES_STATS, 2, 7, 1)]
    if zmq.__name__ == "zmq":
        with pytest.raises(RuntimeError):
            parse([*numbers, b"tcp://here:1", b"tcp://there:2"])
        return
    assert parse([*numbers, b"tcp://here:1", b"tcp://there:2"]) == {
        "event": zmq.EVENT_PIPES_STATS, "value": 7, "values": (7, 1), "local": b"tcp://here:1", "remote": b"tcp://there:2", "endpoint": b"tcp://there:2",
    }  # fmt: skip
    assert parse([numbers[0], struct.pack("=Q", 0), b"tcp://here:1", b""])["endpoint"] == b"tcp://here:1"
    for bad in ([*numbers[:3], b"", b""], [numbers[0], b"x", b"", b""], [*numbers, b""]):
        with pytest.raises(RuntimeError):
            parse(bad)


def test_monitor_message_without_waiting(zmq, submodule, context):
    push = context.socket(zmq.PUSH)  # its end would be an event
    monitor = push.get_monitor_socket()
    with pytest.raises(zmq.Again):
        submodule("utils.monitor").recv_monitor_message(monitor, zmq.NOBLOCK)


# -- stopwatch and tracker


def test_stopwatch(zmq):
    watch = zmq.Stopwatch()
    watch.start()
    time.sleep(0.01)  # what is measured
    first = watch.stop()
    assert isinstance(first, int) and 9_000 < first < 5_000_000
    assert watch.stop() >= first
    watch.start()
    assert watch.stop() < first


def test_tracker(zmq):
    event = threading.Event()
    tracker = zmq.MessageTracker(event)
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.01)
    both = zmq.MessageTracker(tracker, event)
    assert not both.done
    event.set()
    assert tracker.done and both.done
    tracker.wait()
    both.wait(timeout=5)
    assert zmq.MessageTracker().done
    assert zmq._FINISHED_TRACKER.done
    with pytest.raises(TypeError):
        zmq.MessageTracker(5)
    with pytest.raises(ValueError):
        zmq.MessageTracker(zmq.Frame(b"not tracked"))


def test_message_is_frame(zmq):
    assert zmq.Message is zmq.Frame


# -- logging


@pytest.fixture
def published(zmq, submodule, context):
    """A logger, its handler, and a function that receives what was published."""
    handlers = submodule("log.handlers")
    handler = handlers.PUBHandler("inproc://log", context=context)
    sub = context.socket(zmq.SUB)
    sub.rcvtimeo = 5000
    sub.connect("inproc://log")
    sub.subscribe("")
    logger = handlers.TopicLogger("topics")
    plain = logging.Logger("plain")
    for one in (logger, plain):
        one.setLevel(logging.DEBUG)
        one.addHandler(handler)
    yield plain, logger, handler, lambda: [part.decode() for part in sub.recv_multipart()]
    handler.close()


def test_log_levels_and_topics(published):
    logger, _, handler, receive = published
    logger.info("hello")
    assert receive() == ["INFO", "hello\n"]
    logger.info("sub::hello %s", "you")
    assert receive() == ["INFO.sub", "hello you\n"]
    handler.root_topic = "root"
    assert handler.root_topic == "root"
    logger.error("sub.two::bad")
    topic, text = receive()
    assert topic == "root.ERROR.sub.two" and "test_utils.py" in text and "bad" in text
    handler.setRootTopic("other")
    logger.debug("x")
    topic, text = receive()
    assert topic == "other.DEBUG" and text.startswith("DEBUG test_utils.py:")
    logger.info(5)
    assert receive() == ["other.INFO", "5\n"]


def test_log_formatters(published):
    logger, _, handler, receive = published
    handler.setFormatter(logging.Formatter("all %(message)s"))
    handler.setFormatter(logging.Formatter("info %(message)s"), logging.INFO)
    logger.info("x")
    assert receive() == ["INFO", "info x"]
    logger.warning("x")
    assert receive() == ["WARNING", "all x"]


@pytest.mark.better
def test_log_levels_between_the_named_ones(published):
    logger, _, _, receive = published
    logger.log(25, "between")
    assert receive() == ["Level 25", "between\n"]


@pytest.mark.better
def test_topic_logger(published):
    _, logger, _, receive = published
    logger.info("topic", "hello %s", "you")  # noqa: PLE1205  # the topic comes first
    assert receive() == ["INFO.topic", "hello you\n"]
    logger.log(logging.INFO, "topic", "hello")
    assert receive() == ["INFO.topic", "hello\n"]
    logger.disabled = True
    logger.info("topic", "not sent")  # noqa: PLE1205  # the topic comes first
    logger.disabled = False
    logger.warning("topic", "sent")  # noqa: PLE1205  # the topic comes first
    assert receive()[0] == "WARNING.topic"


@pytest.mark.better
def test_topic_logger_names_the_callers_line(published):
    _, logger, _, receive = published
    logger.warning("topic", "x")  # noqa: PLE1205  # the topic comes first
    assert "test_utils.py" in receive()[1]
    logger.log(logging.WARNING, "topic", "x")
    assert "test_utils.py" in receive()[1]


def test_log_handler_on_a_socket(zmq, submodule, context):
    socket = context.socket(zmq.PUB)
    handler = submodule("log.handlers").PUBHandler(socket)
    assert handler.socket is socket and handler.ctx is context


@pytest.mark.parametrize("value", [1, 1.5, None], ids=repr)
def test_z85_of_what_is_no_text(submodule, value):
    z85 = submodule("utils.z85")
    for call in (z85.decode, z85.encode):
        with pytest.raises(TypeError):
            call(value)


@pytest.mark.parametrize("value", [1.5, "1", b"1", None], ids=repr)
def test_what_is_no_address(submodule, value):
    with pytest.raises(ValueError, match="Cannot cast"):
        submodule("utils.interop").cast_int_addr(value)
