"""What a toy socket type must do over every transport: `answerer.py PACKAGE NUMBER ADDRESS ...`, in the folder of the package."""

import sys

import zmqcore as zmq

assert zmq.__file__.startswith(sys.argv[1]), zmq.__file__
kind = int(sys.argv[2])
context = zmq.Context()


def make(kind, **options):
    socket = context.socket(kind)
    socket.linger = 0
    socket.rcvtimeo = socket.sndtimeo = 5000
    for name, value in options.items():
        setattr(socket, name, value)
    return socket


for address in sys.argv[3:]:
    toy = make(kind, sndhwm=3)
    toy.bind(address)
    try:
        toy.send(b"to nobody")
        raise SystemExit("sent to nobody")
    except zmq.ZMQError as error:
        assert error.errno == zmq.EFSM
    assert toy.getsockopt(zmq.EVENTS) == 0
    where = toy.last_endpoint.rstrip(b"\0").decode()
    dealers = [make(zmq.DEALER, rcvhwm=3) for _ in range(3)]
    for number, dealer in enumerate(dealers):
        dealer.connect(where)
        for size in (0, 1, 255, 256, 100000):
            body = bytes([number]) * size
            dealer.send_multipart([body, b"end"])
            assert toy.poll(5000) & zmq.POLLIN
            assert toy.recv_multipart() == [body, b"end"]
            toy.send_multipart([b"1", body])
            toy.send(b"2")
            assert dealer.recv_multipart() == [b"1", body]
            assert dealer.recv() == b"2"
    # Without room it waits, and goes on when there is some.
    large = b"x" * 1000000
    count = 0
    try:
        while count < 1000:
            toy.send(large, zmq.DONTWAIT)
            count += 1
    except zmq.Again:
        pass
    assert 3 <= count < 1000, count
    for _ in range(count):
        assert dealers[2].recv() == large
    toy.send(b"room again")
    assert dealers[2].recv() == b"room again"
    # The end of a peer, and what it said last.
    dealers[2].linger = 5000
    dealers[2].send(b"last words")
    dealers[2].close()
    assert toy.recv() == b"last words"
    dealers[0].send(b"still here")
    assert toy.recv() == b"still here"
    toy.send(b"me too")
    assert dealers[0].recv() == b"me too"
    for socket in (toy, *dealers):
        socket.close()
context.term()
print("done")
