"""The roles of the `raw` stacks: raw.c on sockets made by Python, with the same clock and the same bursts as everybody else."""

import ctypes
import os
import socket
import subprocess

from .base import expect, now, payload


def build(directory):
    """Compiles raw.c; returns the library's path."""
    source = __file__.replace("raw.py", "raw.c")
    library = f"{directory}/raw.so"
    done = subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise OSError(f"cc failed: {done.stderr.strip()[-200:]}")
    return library


class Raw:
    drives = False

    def __init__(self, stack, params):
        self.params = params
        # Spinning only makes sense when the other side has a core of its own.
        self.spin = int(stack == "raw" and params.get("pin") is None)
        if params.get("pin") is None and hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[params["own_core"] % len(cores)]})
        self.size = params.get("size", 16)
        self.message = payload(self.size)
        self.buffer = ctypes.create_string_buffer(self.message, self.size)
        self.library = ctypes.CDLL(params["raw_library"])
        self.listener = self.peer = None

    def listen(self):
        if self.params.get("transport") == "ipc":
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(f"{self.params['dir']}/raw")
        else:
            self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.listen(1)
        return {"raw": self.listener.getsockname()}

    def connect(self, endpoints):
        address = endpoints["raw"]
        if self.params.get("transport") == "ipc":
            self.peer = socket.socket(socket.AF_UNIX)
            self.peer.connect(address)
        else:
            self.peer = socket.create_connection(tuple(address))
        self.no_delay()

    def no_delay(self):
        if self.peer.family != socket.AF_UNIX:
            self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def live(self):
        if self.listener is not None:
            self.peer, _ = self.listener.accept()
            self.no_delay()
        self.fd = self.peer.fileno()

    def call(self, name, *args):
        function = getattr(self.library, name)
        function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_long, ctypes.c_long] + [ctypes.c_int] * (len(args) - 2)
        expect(function(self.fd, self.buffer, *args), 0, name)

    def close(self):
        for each in (self.listener, self.peer):
            if each is not None:
                each.close()


class Push(Raw):
    drives = True

    def open(self, endpoints):
        self.connect(endpoints)

    def burst(self, n, check):
        start = now()
        self.call("raw_send_many", self.size, n)
        return {"t0": start}


class Pull(Raw):
    def open(self, endpoints):
        return self.listen()

    def burst(self, n, check):
        self.call("raw_recv_many", self.size, n)
        end = now()
        expect(self.buffer.raw, self.message, "last message")
        return {"t1": end}


class Req(Raw):
    drives = True

    def open(self, endpoints):
        self.connect(endpoints)

    def burst(self, n, check):
        start = now()
        self.call("raw_ping", self.size, n, self.spin)
        end = now()
        expect(self.buffer.raw, self.message, "last answer")
        return {"t0": start, "t1": end}


class Rep(Raw):
    def open(self, endpoints):
        return self.listen()

    def burst(self, n, check):
        self.call("raw_pong", self.size, n, self.spin)
