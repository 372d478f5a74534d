"""What the tests of raw connections share: plain tcp on one side, a STREAM on the other."""

import os
import socket
import struct

from awaiting import endpoint, until

BIG = os.urandom(3_000_000)


def port_of(made):
    return int(endpoint(made).rsplit(":", 1)[1])


def greeted(made):
    """The id of a connection that has just come."""
    identity, empty = made.recv_multipart()
    assert empty == b""
    return identity


def take(made, identity, size):
    """So many bytes of that connection."""
    data = b""
    while len(data) < size:
        sender, part = made.recv_multipart()
        assert sender == identity and part
        data += part
    assert len(data) == size
    return data


def read(one, size):
    data = b""
    while len(data) < size:
        part = one.recv(65536)
        assert part, len(data)
        data += part
    return data


def reset(one):
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


def ended(made, one):
    """The end of the stream has come. libzmq closes a connection inside a later call on the socket."""
    one.settimeout(0.01)

    def gone():
        made.getsockopt(15)  # EVENTS
        try:
            return one.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True

    return until(gone)
