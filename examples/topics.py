"""Topics beyond prefixes, and the last value of each for a subscriber who comes late."""

import zmqcore as zmq
from zmqcore.last_values import LastValuePublisher

with zmq.Context() as context, LastValuePublisher(context, lifetime=60_000) as publisher:
    address = publisher.socket.bind("tcp://127.0.0.1:*").addr
    for topic, price in ((b"price.A", b"17"), (b"price.AB", b"3"), (b"price.B", b"42"), (b"price.A", b"18"), (b"debug.x", b"?")):
        publisher.publish([topic, price])  # nobody has subscribed yet

    with context.socket(zmq.SUB) as late:
        late.subscribe_exact("price.A")  # not price.AB
        late.connect(address)
        print("the last price of A:", late.recv_multipart()[1].decode())
        publisher.publish([b"price.AB", b"4"])
        publisher.publish([b"price.A", b"19"])
        print("and the next one:", late.recv_multipart()[1].decode())

    with context.socket(zmq.SUB) as everything:
        everything.subscribe("")
        everything.exclude("debug.", "price.B")
        everything.connect(address)
        for _ in range(2):
            topic, price = everything.recv_multipart()
            print(topic.decode(), price.decode())
