"""Compression on the wire: the same records over tcp and over lz4+tcp, and how many bytes each took.

    pip install zmqcore[lz4]
    python examples/compression.py

A small relay between the two sockets counts the bytes, as a network would see them.
"""

import contextlib
import json
import socket
import threading

import zmqcore as zmq

RECORDS = [json.dumps({"station": n, "readings": [{"kind": "temperature", "unit": "C", "value": n % 30 + i} for i in range(12)]}).encode() for n in range(500)]


def relay(listener, port, counted):
    """Passes bytes on, both ways, and counts those that the client sends."""
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", port))

    def pump(source, target, count):
        with contextlib.suppress(OSError):  # one side may hang up with bytes on their way to it
            while data := source.recv(65536):
                if count:
                    counted.append(len(data))
                target.sendall(data)
        target.close()

    threading.Thread(target=pump, args=(far, near, False), daemon=True).start()
    pump(near, far, True)


def bytes_on_the_wire(scheme):
    context = zmq.Context()
    counted = []
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push, socket.create_server(("127.0.0.1", 0)) as listener:
        pull.bind(f"{scheme}://127.0.0.1:*")
        port = int(pull.last_endpoint.decode().rpartition(":")[2])
        thread = threading.Thread(target=relay, args=(listener, port, counted))
        thread.start()
        push.connect(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        for record in RECORDS:
            push.send(record)
        assert [pull.recv() for _ in RECORDS] == RECORDS
    thread.join()
    context.term()
    return sum(counted)


def main():
    print(f"{len(RECORDS)} records, {sum(map(len, RECORDS))} bytes")
    for scheme in ("tcp", "lz4+tcp", "zstd+tcp"):
        if scheme == "tcp" or zmq.has(scheme):
            print(f"{scheme:9} {bytes_on_the_wire(scheme):8} bytes on the wire")


if __name__ == "__main__":
    main()
