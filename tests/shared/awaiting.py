"""How the behaviour tests wait: for an event, for a condition with a deadline, or for a short silence. None of them sleeps to synchronise."""
import contextlib
import importlib
import time

from transports import unused_port

SECONDS = 15.0  # only a failure takes them
SILENCE_MS = 100  # how long nothing must arrive before "nothing arrives" is believed


def until(condition, seconds=SECONDS):
    """Calls `condition` until it is true and returns its value; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still not true after {seconds} s: {condition}"
        time.sleep(0.001)


def silent(socket, milliseconds=SILENCE_MS):
    """Nothing arrives."""
    assert socket.poll(milliseconds) == 0, socket.recv_multipart()


def received(socket, milliseconds=SILENCE_MS):
    """Everything that arrives until `milliseconds` pass without a message."""
    messages = []
    while socket.poll(milliseconds):
        messages.append(socket.recv_multipart())
    return messages


def received_up_to(socket, last):
    """Everything that arrives up to and including the message that begins with `last`. What came by the same way was sent before it."""
    messages = [socket.recv_multipart()]
    while messages[-1][0] != last:
        messages.append(socket.recv_multipart())
    return messages


def endpoint(socket):
    """The endpoint bound last, as text."""
    return socket.last_endpoint.rstrip(b"\0").decode()


def dead_endpoint():
    """A tcp endpoint where nothing listens."""
    return f"tcp://127.0.0.1:{unused_port()}"


def bound(zmq, socket, where):
    """Whether bind succeeded; for retry loops, because a closed socket gives its address back asynchronously."""
    try:
        socket.bind(where)
        return True
    except zmq.ZMQError as error:
        assert error.errno == zmq.EADDRINUSE
        return False


def join(zmq, publisher, subscriber, topic=b""):
    """Subscribes and waits until an XPUB has seen it. A bound subscriber is asked meanwhile: libzmq attaches peers inside calls."""
    subscriber.subscribe(topic)

    def seen():
        subscriber.getsockopt(zmq.EVENTS)
        return publisher.poll(2)

    until(seen)
    assert publisher.recv() == b"\1" + topic


def fill(zmq, socket, body=b"x", limit=100000):
    """Sends without blocking until the socket refuses; returns how many it took."""
    for count in range(limit):
        try:
            socket.send(body, zmq.DONTWAIT)
        except zmq.Again:
            return count
    return limit


def try_to_send(zmq, socket):
    """Who has been refused already has nowhere to send to."""
    with contextlib.suppress(zmq.Again):
        socket.send(b"never", zmq.DONTWAIT)


class Events:
    """The monitor events of a socket; create it before the thing that is to be observed. `monitor`: a PAIR that receives them already. `where`
    makes of an event what stands for its endpoint."""

    def __init__(self, zmq, socket, mask=None, monitor=None, where=lambda event: event["endpoint"].decode()):
        self.zmq = zmq
        self.socket = socket
        self.parse = importlib.import_module(zmq.__name__ + ".utils.monitor").recv_monitor_message
        self.monitor = monitor or socket.get_monitor_socket(*([] if mask is None else [mask]))
        self.monitor.rcvtimeo = int(SECONDS * 1000)
        self.where = where
        self.seen = []

    def next(self):
        """(name, value, endpoint) of the next event."""
        try:
            event = self.parse(self.monitor)
        except self.zmq.Again:
            raise AssertionError(f"no further event after {self.seen}") from None
        found = (self.zmq.Event(event["event"]).name, event["value"], self.where(event))
        self.seen.append(found)
        return found

    def wait(self, *names):
        """The first event with one of these names; those before it are skipped but remembered."""
        while True:
            event = self.next()
            if event[0] in names:
                return event

    def all_until(self, name):
        """The names of all events up to and including `name`."""
        names = []
        while not names or names[-1] != name:
            names.append(self.next()[0])
        return names
