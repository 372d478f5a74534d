"""A subscriber that is too slow: what was published, what has arrived, and what was dropped add up."""

import time

import zmqcore as zmq

MESSAGES = 5000

with zmq.Context() as context, context.socket(zmq.PUB) as publisher, context.socket(zmq.SUB) as subscriber:
    publisher.sndhwm = subscriber.rcvhwm = 10
    subscriber.subscribe("")
    subscriber.connect(publisher.bind("tcp://127.0.0.1:*").addr)
    while not any(peer.state == "ready" and peer.wire_in > 100 for peer in publisher.statistics().peers):
        time.sleep(0.01)  # the subscription is on its way

    for _number in range(MESSAGES):
        publisher.send(b"x" * 10000)
    sent = publisher.statistics()
    for _ in range(sent.messages_out):
        subscriber.recv()
    received = subscriber.statistics()

    (peer,) = publisher.statistics().peers
    print(f"{peer.type} at {peer.address}, connected since {time.ctime(peer.connected_since)}")
    print(f"published {MESSAGES}")
    print(f"  = {received.messages_in} received")
    print(f"  + {sent.dropped.full} missed, because the queue was full")
    print(f"  + {sent.dropped.nobody} before the subscription was there")
    assert MESSAGES == received.messages_in + sent.dropped.full + sent.dropped.nobody
    print(f"system calls: {sent.writes} writes, {received.reads} reads")
