"""Processes that exchange numbered messages, made to be killed, stopped and cut off: `numbered.py MODULE ROLE KIND ENDPOINT [options]`.

Roles
- send: KIND sends messages of its NAME, numbered from 0, until stdin ends, --count is reached or --seconds are over; then it closes with LINGER and
  prints how many there were.
- receive: KIND receives and writes name and number of each message to --record before it asks for the next one; it ends when stdin has ended and
  nothing has come for a while.
- ask: a REQ that asks and waits for its answer; after --patience it gives its socket up and asks something else with a new one. Answers go to --record.
- answer: a REP; what it was asked goes to --record.
- pass: KIND is FRONT-BACK, two socket types; ENDPOINT and --back are bound, and a proxy joins them.

A message has three frames: name and number, a filler whose size follows from the number, and a checksum. Whatever else comes is torn, and the process
ends with status 3. Name and number are 32 bits each in the record, which one write() adds.
"""
import argparse
import importlib
import os
import struct
import sys
import threading
import time
import zlib

RECORD = struct.Struct("=II")
QUIET = 0.5             # seconds without a message after which a receiver that was told to end ends
TORN = 3


def message(name, number):
    size = number * 37 % 1000 if number % 50 else number * 137 % 40000
    head, filler = b"%d %d" % (name, number), bytes([number & 255]) * size
    return [head, filler, b"%d" % zlib.crc32(filler, zlib.crc32(head))]


def parsed(frames):
    if len(frames) == 3 and frames[2] == b"%d" % zlib.crc32(frames[1], zlib.crc32(frames[0])):
        return tuple(map(int, frames[0].split()))
    print(f"torn: {len(frames)} frames, {[frame[:40] for frame in frames]}", file=sys.stderr, flush=True)
    os._exit(TORN)


def read_record(path):
    """All of it: a list of (name, number)."""
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        return []
    return list(RECORD.iter_unpack(octets[:len(octets) // RECORD.size * RECORD.size]))


class Role:
    def __init__(self, zmq, given):
        self.zmq, self.given = zmq, given
        self.context = zmq.Context()
        self.ended = threading.Event()
        self.deadline = time.monotonic() + given.seconds
        self.record = os.open(given.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if given.record else -1
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        os.read(0, 1)
        self.ended.set()

    @property
    def over(self):
        return self.ended.is_set() or time.monotonic() > self.deadline

    def note(self, name, number):
        os.write(self.record, RECORD.pack(name, number))

    def socket(self, kind, endpoint, bind):
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.reconnect_ivl, socket.reconnect_ivl_max = 20, 200
        socket.sndtimeo = socket.rcvtimeo = 100
        for option in self.given.option:
            option, value = option.split("=")
            socket.setsockopt(getattr(self.zmq, option), int(value))
        if kind == "SUB":
            socket.subscribe(b"")
        if not bind:
            socket.connect(endpoint)
            return socket
        while True:
            try:
                socket.bind(endpoint)
                return socket
            except self.zmq.ZMQError as error:
                if error.errno != self.zmq.EADDRINUSE or self.over:
                    raise
                time.sleep(0.01)

    def send(self):
        given, number = self.given, 0
        socket = self.socket(given.kind, given.endpoint, given.bind)
        print("ready", flush=True)
        while number < given.count and not self.over:
            try:
                socket.send_multipart(message(given.name, number))
            except self.zmq.Again:
                continue
            number += 1
            if given.pause and number % 10 == 0:
                time.sleep(given.pause)
        socket.close(linger=10000)
        self.context.term()
        print(number, flush=True)

    def receive(self):
        socket = self.socket(self.given.kind, self.given.endpoint, self.given.bind)
        print("ready", flush=True)
        last = time.monotonic()
        while not (self.over and time.monotonic() > last + QUIET):
            try:
                frames = socket.recv_multipart()
            except self.zmq.Again:
                continue
            last = time.monotonic()
            self.note(*parsed(frames[1:] if self.given.kind == "ROUTER" else frames))
        self.context.destroy(linger=0)

    def ask(self):
        given, socket, number = self.given, None, 0
        print("ready", flush=True)
        while number < given.count and not self.over:
            if socket is None:
                socket = self.socket("REQ", given.endpoint, False)
                socket.rcvtimeo = given.patience
            number += 1
            try:
                socket.send_multipart(message(given.name, number))
                answer = parsed(socket.recv_multipart())
            except self.zmq.Again:
                socket.close(linger=0)
                socket = None
                continue
            if answer != (given.name, number):
                print(f"asked {number}, answered {answer}", file=sys.stderr, flush=True)
                os._exit(TORN)
            self.note(*answer)
            if given.pause:
                time.sleep(given.pause)
        self.context.destroy(linger=0)
        print(number, flush=True)

    def answer(self):
        socket = self.socket("REP", self.given.endpoint, self.given.bind)
        print("ready", flush=True)
        while not self.over:
            try:
                frames = socket.recv_multipart()
            except self.zmq.Again:
                continue
            self.note(*parsed(frames))
            socket.send_multipart(frames)
        self.context.destroy(linger=0)

    def run_pass(self):
        front, back = self.given.kind.split("-")
        front, back = self.socket(front, self.given.endpoint, True), self.socket(back, self.given.back, True)
        print("ready", flush=True)
        threading.Thread(target=self.zmq.proxy, args=(front, back), daemon=True).start()
        self.ended.wait(self.given.seconds)
        os._exit(0)


ROLES = {"send": Role.send, "receive": Role.receive, "ask": Role.ask, "answer": Role.answer, "pass": Role.run_pass}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("kind")
    parser.add_argument("endpoint")
    parser.add_argument("--back")
    parser.add_argument("--bind", action="store_true")
    parser.add_argument("--name", type=int, default=0)
    parser.add_argument("--record")
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pause", type=float, default=0.002, help="after ten messages, or one question")
    parser.add_argument("--patience", type=int, default=500, help="milliseconds to wait for an answer")
    parser.add_argument("--option", action="append", default=[], help="NAME=NUMBER, a socket option")
    given = parser.parse_args()
    ROLES[given.role](Role(importlib.import_module(given.module), given))


if __name__ == "__main__":
    main()
