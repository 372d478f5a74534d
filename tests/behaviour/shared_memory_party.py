"""shared_memory_party.py send|receive ENDPOINT: sends or receives large frames until it is killed."""

import itertools
import sys

import zmqcore as zmq

role, where = sys.argv[1:]
context = zmq.Context()
socket = context.socket(zmq.PUSH if role == "send" else zmq.PULL)
socket.SHARED_MEMORY = 16 << 20
socket.connect(where)
sizes = (40000, 1 << 20, 65536, 300000)
kept = []
print("there", flush=True)
for number in itertools.count():
    if role == "send":
        size = sizes[number % len(sizes)]
        socket.send(number.to_bytes(4, "big") * (size // 4))
    else:
        frame = socket.recv(copy=False)
        first = memoryview(frame)[:4]
        assert bytes(frame) == bytes(first) * (len(frame) // 4)
        kept = [*kept[-5:], frame]
