"""Opens handshakes of CURVE and leaves, in waves: `curve_crowd.py PORT WAVES SIZE`. Prints a line after each wave, and waits for one before the next.

Of each four one leaves within the greeting, one after its HELLO without a farewell (a reset), one when the WELCOME is there, and one sends an INITIATE
with a cookie of its own and stays until it is thrown out."""

import os
import socket
import struct
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / "shared")]

from curve_peer import CURVE_COOKIE_SIZE, GREETING, Client, command  # noqa: E402

WELCOME_AT = 64 + 2  # behind the greeting and the header of its frame


def read(connection, count):
    octets = b""
    while len(octets) < count:
        piece = connection.recv(count - len(octets))
        assert piece, "thrown out too early"
        octets += piece
    return octets


def wave(port, size, hello):
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(size)]
    for number, connection in enumerate(connections):
        connection.settimeout(30)
        connection.sendall(GREETING[:40] if number % 4 == 0 else GREETING + hello)
    for number, connection in enumerate(connections):
        if number % 4 == 1:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif number % 4 > 1:
            read(connection, WELCOME_AT + 168)
        if number % 4 == 3:
            connection.sendall(command(b"\x08INITIATE" + os.urandom(CURVE_COOKIE_SIZE) + bytes(8 + 144 + 41)))
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        connection.close()


def main():
    port, waves, size = map(int, sys.argv[1:])
    hello = command(Client().hello())
    for _ in range(waves):
        wave(port, size, hello)
        print("left", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
