"""Sends COUNT numbered messages and ends at once: `push_and_exit.py MODULE ENDPOINT COUNT [SIZE [open]]`. The default LINGER must deliver all.
With `open` the interpreter finds the socket open at its end.

Each message is its number in decimal, blank-padded to SIZE octets.
"""
import importlib
import sys

left = []


def main(module, endpoint, count, size=0, ending="closed"):
    zmq = importlib.import_module(module)
    socket = zmq.Context().socket(zmq.PUSH)
    socket.reconnect_ivl = 10
    socket.connect(endpoint)
    for number in range(count):
        socket.send((b"%d" % number).ljust(size))
    if ending == "open":
        left.append(socket)
    else:
        socket.close()


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:5]), *sys.argv[5:])
