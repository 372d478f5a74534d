"""A question goes through a SOCKS5 proxy to a server whose name only the proxy knows."""

import contextlib
import socket
import threading

import zmqcore as zmq

NAMES = {b"service.internal": "127.0.0.1"}


def read(connection, size):
    return connection.recv(size, socket.MSG_WAITALL)


def relay(source, sink):
    with contextlib.suppress(OSError):  # one side may hang up with bytes on their way to it
        while octets := source.recv(65536):
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)


def proxy(listener):
    """One connection: no password, a name, its port."""
    client, _ = listener.accept()
    read(client, 3)
    client.sendall(b"\5\0")
    name = read(client, read(client, 5)[4])
    server = socket.create_connection((NAMES[name], int.from_bytes(read(client, 2), "big")))
    print("the proxy connects to", name.decode())
    client.sendall(b"\5\0\0\1\0\0\0\0\0\0")
    answers = threading.Thread(target=relay, args=(server, client))
    answers.start()
    relay(client, server)
    answers.join()
    client.close()
    server.close()


with zmq.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req, socket.create_server(("127.0.0.1", 0)) as listener:
    serving = threading.Thread(target=proxy, args=(listener,))
    serving.start()
    port = rep.bind_to_random_port("tcp://127.0.0.1")
    req.socks_proxy = b"127.0.0.1:%d" % listener.getsockname()[1]
    req.connect(f"tcp://service.internal:{port}")
    req.send(b"question")
    print(rep.recv().decode(), "->", end=" ")
    rep.send(b"answer")
    print(req.recv().decode())
    req.close()
    serving.join()
