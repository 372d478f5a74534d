"""What stands around an encrypted message: nobody has signed it, so it must not matter."""

import socket
import threading

import pytest
from awaiting import endpoint
from rawpeer import COMMAND, LONG, MORE
from zap import CLIENTS, SERVERS

BUFFER = 65536  # of the kernel, for each connection and direction: what they hold altogether is far below what is offered
GREETING_SIZE = 64


class Meddler:
    """Stands between a client and `port`, and changes the flags of each message that the client sends."""

    def __init__(self, port, flags):
        self.flags = flags
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.ends = []
        self.thread = threading.Thread(target=self.run, args=(port,), daemon=True)
        self.thread.start()

    def run(self, port):
        near, _ = self.listener.accept()
        far = socket.create_connection(("127.0.0.1", port))
        self.ends += [near, far]
        for end in self.ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        back = threading.Thread(target=self.pump, args=(far, near), daemon=True)
        back.start()
        try:
            self.meddle(near.makefile("rb"), far)
        except (OSError, ValueError):
            pass

    def pump(self, source, sink):
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
        except OSError:
            pass

    def meddle(self, source, sink):
        for _ in range(GREETING_SIZE):  # each side waits for parts of the other's
            sink.sendall(source.read(1))
        while head := source.read(1):
            size = source.read(8 if head[0] & LONG else 1)
            body = source.read(int.from_bytes(size, "big"))
            if body.startswith(b"\x07MESSAGE"):
                head = bytes([head[0] | self.flags])
            sink.sendall(head + size + body)

    def close(self):
        for each in (self.listener, *self.ends):
            each.close()


@pytest.mark.parametrize(("flags", "size"), [(COMMAND, 300), (COMMAND, 20000), (MORE, 300)])
def test_the_flags_outside_do_not_get_past_the_high_water_mark(zmq, make, flags, size):
    """Only what fits the two queues and the buffers of the kernel is taken, and arrives as it was sent."""
    pull = make("PULL", RCVHWM=5, RCVBUF=BUFFER, **{**SERVERS["CURVE"], "ZAP_DOMAIN": b""})
    pull.bind("tcp://127.0.0.1:*")
    meddler = Meddler(int(endpoint(pull).rpartition(":")[2]), flags)
    push = make("PUSH", SNDHWM=5, SNDBUF=BUFFER, SNDTIMEO=1000, **CLIENTS["CURVE"])
    push.connect(meddler.endpoint)
    most = 8_000_000 // size
    sent = 0
    try:
        while sent < most:
            push.send(sent.to_bytes(4, "big") + bytes(size))
            sent += 1
    except zmq.Again:
        pass
    assert sent < most
    for number in range(sent):
        assert pull.recv() == number.to_bytes(4, "big") + bytes(size)
    meddler.close()
