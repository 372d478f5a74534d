"""One end of a multicast group: `multicast_peer.py MODULE send|recv ENDPOINT COUNT SIZE RATE RECOVERY_IVL [OPTION=VALUE ...]`, with zmqcore or libzmq.

Messages are numbered and of one size. A sender waits for a line, sends, says "sent", and stays for the repairs until the next line. A receiver says
what it got when it has the last message, or nothing has come for ten seconds: how many, how many numbers were left out, how many came twice or out of
order, and the number of packets reported as lost (zmqcore only).
"""

import ctypes
import importlib
import sys
import time

RATE, RECOVERY_IVL, SNDHWM, RCVHWM, RCVTIMEO, LINGER, SUBSCRIBE, PUB, SUB = 8, 9, 23, 24, 27, 17, 6, 1, 2
SILENCE_MS = 10000


class Libzmq:
    def __init__(self, kind):
        self.lib = ctypes.CDLL("libzmq.so.5", use_errno=True)
        pointer = ctypes.c_void_p
        for name, result, *arguments in [
            ("zmq_ctx_new", pointer),
            ("zmq_socket", pointer, pointer, ctypes.c_int),
            ("zmq_setsockopt", ctypes.c_int, pointer, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t),
            ("zmq_connect", ctypes.c_int, pointer, ctypes.c_char_p),
            ("zmq_send", ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int),
            ("zmq_recv", ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int),
        ]:
            function = getattr(self.lib, name)
            function.restype, function.argtypes = result, arguments
        self.socket = self.lib.zmq_socket(self.lib.zmq_ctx_new(), kind)
        self.buffer = ctypes.create_string_buffer(1 << 16)

    def set(self, option, value):
        value = value.to_bytes(4, sys.byteorder, signed=True) if isinstance(value, int) else value
        if self.lib.zmq_setsockopt(self.socket, option, value, len(value)):
            raise OSError(ctypes.get_errno(), f"option {option}")

    def connect(self, endpoint):
        if self.lib.zmq_connect(self.socket, endpoint.encode()):
            raise OSError(ctypes.get_errno(), endpoint)

    def send(self, message):
        if self.lib.zmq_send(self.socket, message, len(message), 0) < 0:
            raise OSError(ctypes.get_errno(), "zmq_send")

    def recv(self):
        """None: nothing came."""
        size = self.lib.zmq_recv(self.socket, self.buffer, len(self.buffer), 0)
        return None if size < 0 else self.buffer.raw[:size] if size > 64 else ctypes.string_at(self.buffer, size)

    def lost(self):
        return -1

    def close(self):
        pass


class Zmqcore:
    def __init__(self, kind):
        self.zmq = importlib.import_module("zmqcore")
        self.context = self.zmq.Context()
        self.socket = self.context.socket(kind)
        self.monitor = None
        if kind == SUB:
            self.monitor = self.socket.get_monitor_socket(self.zmq.EVENT_PACKETS_LOST, version=2)
            self.monitor.rcvhwm = 0
        self.set, self.connect, self.send = self.socket.setsockopt, self.socket.connect, self.socket.send

    def recv(self):
        try:
            return self.socket.recv()
        except self.zmq.Again:
            return None

    def lost(self):
        parse = importlib.import_module("zmqcore.utils.monitor").recv_monitor_message
        total = 0
        while self.monitor.poll(0):
            total += int(parse(self.monitor)["value"])
        return total

    def close(self):
        self.context.destroy()


def receive(socket, count):
    got = missing = wrong = 0
    following = 0
    begin = last = time.monotonic()
    while following != count:
        message = socket.recv()
        if message is None:
            break
        number = int(message[:10])
        got, missing, wrong = got + 1, missing + max(0, number - following), wrong + (number < following)
        if got == 1:
            begin = time.monotonic()
        last = time.monotonic()
        following = max(following, number + 1)
    missing += count - following
    print(got, missing, wrong, socket.lost(), round(last - begin, 3), flush=True)


def main(module, role, endpoint, count, size, rate, recovery, *more):
    count, size = int(count), int(size)
    socket = (Libzmq if module == "libzmq" else Zmqcore)(PUB if role == "send" else SUB)
    for option, value in [(RATE, int(rate)), (RECOVERY_IVL, int(recovery)), (SNDHWM, 0), (RCVHWM, 0), (RCVTIMEO, SILENCE_MS), (LINGER, 0)]:
        socket.set(option, value)
    for text in more:
        option, _, value = text.partition("=")
        socket.set(int(option), int(value))
    if role == "recv":
        socket.set(SUBSCRIBE, b"")
    socket.connect(endpoint)
    print("ready", flush=True)
    if role == "recv":
        receive(socket, count)
    else:
        rest = b"x" * (size - 10)
        sys.stdin.readline()
        for number in range(count):
            socket.send(b"%010d" % number + rest)
        print("sent", flush=True)
        sys.stdin.readline()
    socket.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
