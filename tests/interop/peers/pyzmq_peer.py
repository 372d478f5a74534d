"""A peer process made of any pyzmq-compatible module: `python pyzmq_peer.py MODULE` (see words.py)."""
import importlib
import sys

from words import Driver


class Stack:
    def __init__(self, module):
        self.zmq = importlib.import_module(module)
        self.version = f"{module} {self.zmq.zmq_version()}"
        self.context = self.zmq.Context()
        self.sockets = {}

    def open(self, name, kind, how, endpoint, options):
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.linger = 0
        socket.sndtimeo = 10000
        for key, value in options.items():
            socket.setsockopt(getattr(self.zmq, key), value)
        if how == "bind":
            socket.bind(endpoint)
            endpoint = socket.getsockopt(self.zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        else:
            socket.connect(endpoint)
        self.sockets[name] = socket
        return endpoint

    def send(self, name, frames):
        self.sockets[name].send_multipart(frames)

    def recv(self, name, timeout):
        socket = self.sockets[name]
        socket.rcvtimeo = timeout
        return socket.recv_multipart()

    def close(self, name):
        self.sockets.pop(name).close()


if __name__ == "__main__":
    Driver(Stack(sys.argv[1])).run()
