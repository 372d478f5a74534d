"""Security: an encrypted server that lets in the clients it knows, and tells who sent what."""

import tempfile
import threading
from pathlib import Path

import zmqcore as zmq


def serve(rep, names):
    for _ in range(2):
        frame = rep.recv(copy=False)
        rep.send_string(f"Hello, {names[frame.peer_key]}! You said: {frame.bytes.decode()}")


def ask(context, endpoint, server_key, key, text, wait=10_000):
    with context.socket(zmq.REQ) as req:
        req.linger = 0
        # Both: a client that has been refused has no peer, neither to send to nor to receive from.
        req.sndtimeo = req.rcvtimeo = wait
        req.secure_client(server_key, key)
        req.connect(endpoint)
        try:
            req.send_string(text)
            return req.recv_string()
        except zmq.Again:
            return "no answer"


def main():
    with tempfile.TemporaryDirectory() as folder:
        # Once, on the server's machine: keys in files that only their owner can read.
        zmq.SecretKey.generate().save(Path(folder, "server.key_secret"))
        server_key = zmq.SecretKey.load(Path(folder, "server.key_secret"))

    ada, grace, stranger = (zmq.SecretKey.generate() for _ in range(3))
    names = {ada.public: "Ada", grace.public: "Grace"}

    with zmq.Context() as context, context.socket(zmq.REP) as rep:
        rep.secure_server(server_key, allow=names)
        endpoint = rep.bind("tcp://127.0.0.1:*").addr
        server = threading.Thread(target=serve, args=(rep, names))
        server.start()
        print("stranger ->", ask(context, endpoint, server_key.public, stranger, "let me in", wait=500))
        print("Ada ->", ask(context, endpoint, server_key.public, ada, "it works"))
        print("Grace ->", ask(context, endpoint, server_key.public, grace, "so it does"))
        server.join()


if __name__ == "__main__":
    main()
