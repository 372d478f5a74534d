"""Sends COUNT numbered messages and ends at once: `push_and_exit.py MODULE ENDPOINT COUNT [SIZE]`. The default LINGER must deliver all.

Each message is its number in decimal, blank-padded to SIZE octets.
"""
import importlib
import sys


def main(module, endpoint, count, size):
    zmq = importlib.import_module(module)
    socket = zmq.Context().socket(zmq.PUSH)
    socket.reconnect_ivl = 10
    socket.connect(endpoint)
    for number in range(count):
        socket.send((b"%d" % number).ljust(size))
    socket.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0)
