"""Descriptors that a poll can wait for, on every system."""

import contextlib
import os
import socket
import sys

# More than Python's select() takes on Windows, which is more than Windows' own.
MANY = 520


@contextlib.contextmanager
def silent_descriptors(count=MANY):
    """So many sockets of the system where nothing arrives."""
    with contextlib.ExitStack() as opened:
        made = [opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for one in made:
            one.bind(("127.0.0.1", 0))
        yield [one.fileno() for one in made]


class Channel:
    """What is written at one end is read at the other; `reader` and `writer` are plain numbers. A pipe, or on Windows, which polls nothing
    but sockets, two of them."""

    def __init__(self):
        if sys.platform == "win32":
            self.ends = socket.socketpair()
            self.reader, self.writer = (end.fileno() for end in self.ends)
        else:
            self.ends = None
            self.reader, self.writer = os.pipe()
        self.open = [True, True]

    def write(self, data):
        self.ends[1].sendall(data) if self.ends else os.write(self.writer, data)

    def read(self, size):
        return self.ends[0].recv(size) if self.ends else os.read(self.reader, size)

    def _close(self, end):
        if self.open[end]:
            self.open[end] = False
            self.ends[end].close() if self.ends else os.close((self.reader, self.writer)[end])

    def close_reader(self):
        self._close(0)

    def close_writer(self):
        self._close(1)

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.close_reader()
        self.close_writer()
