"""A peer process that drives the system's libzmq (Debian: package libzmq5) through ctypes, without any binding (see words.py)."""
import ctypes
import os
import sys

from words import Driver

TYPES = {name: number for number, name in enumerate("PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB".split())}
OPTIONS = {"ROUTING_ID": 5, "SUBSCRIBE": 6, "LINGER": 17, "SNDHWM": 23, "RCVHWM": 24, "RCVTIMEO": 27, "SNDTIMEO": 28,
           "ROUTER_MANDATORY": 33, "PLAIN_USERNAME": 45, "PLAIN_PASSWORD": 46, "GSSAPI_SERVER": 62, "GSSAPI_PRINCIPAL": 63,
           "GSSAPI_SERVICE_PRINCIPAL": 64, "GSSAPI_PLAINTEXT": 65, "GSSAPI_PRINCIPAL_NAMETYPE": 90,
           "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE": 91}
LAST_ENDPOINT, RCVMORE, SNDMORE = 32, 13, 2
MSG_SIZE = 64  # sizeof(zmq_msg_t), fixed by libzmq's ABI


class Stack:
    def __init__(self, library):
        z = self.z = ctypes.CDLL(library, use_errno=True)
        for function in "zmq_ctx_new zmq_socket zmq_msg_data".split():
            getattr(z, function).restype = ctypes.c_void_p
        for function in "zmq_msg_size".split():
            getattr(z, function).restype = ctypes.c_size_t
        pointer, size, number, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p
        z.zmq_socket.argtypes = [pointer, number]
        z.zmq_close.argtypes = [pointer]
        z.zmq_bind.argtypes = z.zmq_connect.argtypes = [pointer, text]
        z.zmq_setsockopt.argtypes = [pointer, number, pointer, size]
        z.zmq_getsockopt.argtypes = [pointer, number, pointer, pointer]
        z.zmq_send.argtypes = [pointer, text, size, number]
        z.zmq_msg_recv.argtypes = [pointer, pointer, number]
        for function in "zmq_msg_init zmq_msg_close zmq_msg_data zmq_msg_size zmq_msg_more".split():
            getattr(z, function).argtypes = [pointer]
        triple = [ctypes.c_int() for _ in range(3)]
        z.zmq_version(*[ctypes.byref(part) for part in triple])
        self.version = "libzmq " + ".".join(str(part.value) for part in triple)
        self.context = z.zmq_ctx_new()
        self.sockets = {}

    def check(self, result):
        if result == -1:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result

    def set(self, socket, option, value):
        octets = value if isinstance(value, bytes) else ctypes.c_int(value)
        size = len(value) if isinstance(value, bytes) else 4
        where = octets if isinstance(value, bytes) else ctypes.byref(octets)
        self.check(self.z.zmq_setsockopt(socket, OPTIONS[option], where, size))

    def open(self, name, kind, how, endpoint, options):
        socket = self.z.zmq_socket(self.context, TYPES[kind])
        if not socket:
            self.check(-1)
        for key, value in {"LINGER": 0, "SNDTIMEO": 10000, **options}.items():
            self.set(socket, key, value)
        if how == "bind":
            self.check(self.z.zmq_bind(socket, endpoint.encode()))
            room = ctypes.create_string_buffer(256)
            size = ctypes.c_size_t(256)
            self.check(self.z.zmq_getsockopt(socket, LAST_ENDPOINT, room, ctypes.byref(size)))
            endpoint = room.value.decode()
        else:
            self.check(self.z.zmq_connect(socket, endpoint.encode()))
        self.sockets[name] = socket
        return endpoint

    def send(self, name, frames):
        for index, frame in enumerate(frames):
            more = SNDMORE if index + 1 < len(frames) else 0
            self.check(self.z.zmq_send(self.sockets[name], frame, len(frame), more))

    def recv(self, name, timeout):
        socket = self.sockets[name]
        self.set(socket, "RCVTIMEO", timeout)
        frames, message = [], ctypes.create_string_buffer(MSG_SIZE)
        while True:
            self.z.zmq_msg_init(message)
            self.check(self.z.zmq_msg_recv(message, socket, 0))
            frames.append(ctypes.string_at(self.z.zmq_msg_data(message), self.z.zmq_msg_size(message)))
            more = self.z.zmq_msg_more(message)
            self.z.zmq_msg_close(message)
            if not more:
                return frames

    def close(self, name):
        self.check(self.z.zmq_close(self.sockets.pop(name)))


if __name__ == "__main__":
    try:
        stack = Stack(sys.argv[1])
    except OSError as error:
        sys.exit(f"cannot load {sys.argv[1]}: {error}; on Debian: apt-get install -y libzmq5")
    Driver(stack).run()
