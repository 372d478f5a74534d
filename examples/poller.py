"""Poller: one thread waits for several sockets, ZeroMQ's and ordinary ones, at the same time."""

import socket

import zmqcore as zmq


def main():
    plain_in, plain_out = socket.socketpair()
    with zmq.Context() as context, plain_in, plain_out:
        with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
            pull.bind("tcp://127.0.0.1:*")
            push.connect(pull.get_string(zmq.LAST_ENDPOINT))

            poller = zmq.Poller()
            poller.register(pull, zmq.POLLIN)
            poller.register(plain_in, zmq.POLLIN)
            print("nothing yet:", poller.poll(timeout=0))

            push.send(b"from a ZeroMQ socket")
            plain_out.sendall(b"from an ordinary socket")
            waiting = {pull, plain_in}
            while waiting:
                ready = dict(poller.poll(timeout=5000))
                if not ready:
                    raise SystemExit(f"nothing arrived within 5 s on {waiting}")
                if pull in ready:
                    print(pull.recv().decode())
                    waiting.discard(pull)
                if plain_in.fileno() in ready:
                    print(plain_in.recv(100).decode())
                    waiting.discard(plain_in)


if __name__ == "__main__":
    main()
