"""A process whose children are killed and started again at once: `reborn.py MODULE ROLE KIND ENDPOINT RECORD`.

It has imported the module and made no context, so a child is a fork and takes milliseconds. Orders are lines on stdin, each answered by a line:
`start` (of a child: its pid), `kill` and `stop` (SIGKILL, SIGSTOP). It ends, and its child with it, when stdin ends.

Roles of a child
- receive: KIND (PULL, ROUTER) binds and takes numbered messages (numbered.py). Before it asks for the next one it records life, number, and of the socket's
  own counters what has arrived and what of it is queued. A ROUTER answers each, after that.
- send: KIND connects and sends messages of its life, numbered from 0; after each it records life, number + 1 and how many have left.
- crowd: KIND binds and says nothing. guest: it connects and says nothing.
"""
import importlib
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numbered

RECORD = struct.Struct("=IIII")


def records(path):
    """life -> what its child recorded: (number, first counter, second counter), in order."""
    octets = path.read_bytes() if path.exists() else b""
    lives = {}
    for life, *found in RECORD.iter_unpack(octets[:len(octets) // RECORD.size * RECORD.size]):
        lives.setdefault(life, []).append(tuple(found))
    return lives


def counters(socket, life, number):
    if not hasattr(socket, "statistics"):   # pyzmq
        return RECORD.pack(life, number, 0, 0)
    found = socket.statistics()
    return RECORD.pack(life, number, found.messages_in, found.queued_in)


def small(socket):
    """Little is on its way, so little is lost by each kill, and it does not take long to record."""
    socket.sndbuf = socket.rcvbuf = 16384
    socket.sndhwm = socket.rcvhwm = 20


def receive(socket, record, life):
    while True:
        frames = socket.recv_multipart()
        name, number = numbered.parsed(frames[-3:])
        os.write(record, counters(socket, life, number))
        if len(frames) == 4:
            socket.send_multipart([frames[0], *numbered.message(name, number)])


def send(socket, record, life):
    number = 0
    while True:
        socket.send_multipart(numbered.message(life, number))
        number += 1
        os.write(record, RECORD.pack(life, number, socket.statistics().messages_left, 0))


def child(zmq, role, kind, endpoint, path, life, ready):
    socket = zmq.Context().socket(getattr(zmq, kind))
    small(socket)
    if role in ("send", "guest"):
        socket.connect(endpoint)
        socket.wait_for_peers(1, timeout=30000)     # who is killed before has no connection that could end
    else:
        socket.backlog = 4096
        socket.bind(endpoint)   # whose it was has been waited for
    os.write(ready, b"1")
    os.close(ready)
    if role in ("crowd", "guest"):
        signal.pause()
    (send if role == "send" else receive)(socket, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), life)


def start(zmq, arguments, life):
    heard, ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(heard)
            child(zmq, *arguments, life, ready)
        except BaseException as error:
            print(f"life {life}: {error!r}", file=sys.stderr, flush=True)
            status = 2
        finally:
            os._exit(status)
    os.close(ready)
    assert os.read(heard, 1) == b"1", "the child has ended"
    os.close(heard)
    return pid


def main(module, *arguments):
    zmq = importlib.import_module(module)
    pid, life = 0, 0
    for order in sys.stdin:
        if order == "start\n":
            pid = start(zmq, arguments, life)
            life += 1
        elif order == "stop\n":
            os.kill(pid, signal.SIGSTOP)
        else:
            os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
            assert os.WTERMSIG(status) == signal.SIGKILL, f"it had ended by itself: {status}"
            pid = 0
        print(pid, flush=True)
    if pid:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Reborn:
    """That process, for a test."""

    def __init__(self, module, role, kind, endpoint, path="-"):
        self.process = subprocess.Popen([sys.executable, str(Path(__file__)), module, role, kind, endpoint, str(path)], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))))

    def order(self, what):
        self.process.stdin.write(what + "\n")
        answer = self.process.stdout.readline()
        assert answer, f"{what}: the process has ended"
        return int(answer)

    def end(self):
        """Its status: 0, unless a child was wrong."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(30)


if __name__ == "__main__":
    main(*sys.argv[1:])
