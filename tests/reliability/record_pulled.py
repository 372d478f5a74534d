"""Writes the numbers that it pulls into a file, eight octets each, until LAST comes: `record_pulled.py MODULE ENDPOINT FILE LAST`.

It is made to be killed: every number is in the file before the next message is asked for.
"""
import importlib
import os
import sys
import time


def main(module, endpoint, path, last):
    zmq = importlib.import_module(module)
    socket = zmq.Context().socket(zmq.PULL)
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.bind(endpoint)
            break
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE or time.monotonic() > deadline:
                raise
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    print("bound", flush=True)
    number = -1
    while number != last:
        number = int(socket.recv())
        os.write(descriptor, number.to_bytes(8, "big"))
    print("last", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
