"""A program that uses whatever the system can refuse: run in a process of its own, where `zmq` and `ENDPOINT` are, it ends with "done"."""

# Big, small and multipart messages both ways at once: more is under way than the system's buffers hold.
TRAFFIC = """
import os
context = zmq.Context()
server, client = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
for socket in server, client:
    socket.rcvtimeo = socket.sndtimeo = 20000
    socket.linger = 0
server.bind(ENDPOINT)
client.connect(server.last_endpoint)
BIG = bytes(range(256)) * 8192
MESSAGES = [[b"small"], [BIG], [b""], [b"a", BIG, b"b", b"", BIG], [BIG[:100000]] * 9, [b"end"]]

def send(socket):
    for message in MESSAGES * 3:
        socket.send_multipart(message, copy=False)

senders = [threading.Thread(target=send, args=[socket]) for socket in (server, client)]
for thread in senders:
    thread.start()
for message in MESSAGES * 3:
    assert server.recv_multipart() == message
    assert client.recv_multipart() == message
for thread in senders:
    thread.join()

# What waits: polling, a wake-up from another thread, the I/O thread's timers.
poller = zmq.Poller()
poller.register(server, zmq.POLLIN)
poller.register(client, zmq.POLLIN)
assert poller.poll(1.5) == []
later = threading.Timer(0.1, client.send, [b"later"])
later.start()
assert poller.poll(20000) == [(server, zmq.POLLIN)] and server.recv() == b"later"
later.join()
inside = context.socket(zmq.PAIR)
inside.bind("inproc://inside")
other = context.socket(zmq.PAIR)
other.connect("inproc://inside")
later = threading.Timer(0.1, other.send, [b"inside"])
later.start()
assert inside.recv() == b"inside"
later.join()
late = context.socket(zmq.PULL)
late.rcvtimeo = 20000
push = context.socket(zmq.PUSH)
push.reconnect_ivl = 50
address = f"ipc://@traffic of {os.getpid()}"  # a port might be somebody else's by the time it is bound
push.connect(address)
push.send(b"by the timer")
late.bind(address)
assert late.recv() == b"by the timer"
context.destroy(linger=0)
print("done")
"""
