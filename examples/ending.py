"""An end that is held up: which socket it is, what it has left to send, and to whom."""

import sys

import zmqcore as zmq
from zmqcore.ending import describe

context = zmq.Context()
context.track_origins = True

forgotten = context.socket(zmq.REP)
forgotten.bind("tcp://127.0.0.1:*")
push = context.socket(zmq.PUSH)
push.connect("tcp://127.0.0.1:1")  # nobody listens there
push.send(b"never read")
describe(sys.stdout)

report = push.close(linger=1000, timeout=100)
for peer in report.undelivered:
    print(f"\n{peer.queued_out} message for {peer.endpoint} is not delivered yet")

report = context.term(timeout=100)
for socket in report.blocking:
    print(f"\nterm() waits for {socket.type}: {'closed, still sending' if socket.closed else 'not closed'}; opened at")
    print(socket.origin)

forgotten.close()
assert context.term(timeout=20000).ended  # when LINGER is over
print("ended")
