"""Forwarding of a local port through a connection of paramiko's.

A connection is two streams of bytes, and each has a thread of its own: a peer that reads slowly in one direction does not stop the other one.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from typing import Any

__all__ = ["forward_tunnel"]

logger = logging.getLogger("ssh")

CHUNK = 65536


class ForwardServer(socketserver.ThreadingTCPServer):
    """Accepts connections to the local port."""

    daemon_threads = True
    allow_reuse_address = True


class Handler(socketserver.BaseRequestHandler):
    """Forwards one connection. Subclasses say to where."""

    ssh_transport: Any
    chain_host: str
    chain_port: int

    def handle(self) -> None:
        """Forward until both sides have ended."""
        target = (self.chain_host, self.chain_port)
        try:
            channel = self.ssh_transport.open_channel("direct-tcpip", target, self.request.getpeername())
        except Exception as error:
            logger.error("No forwarding to %s:%s: %s", *target, error)
            return
        logger.debug("Forwarding to %s:%s", *target)
        back = threading.Thread(target=_copy_back, args=(channel, self.request), daemon=True)
        back.start()
        try:
            while data := self.request.recv(CHUNK):
                channel.sendall(data)
            channel.shutdown_write()
        except OSError as error:
            logger.debug("Forwarding to %s:%s has ended: %s", *target, error)
            channel.close()
        back.join()
        channel.close()


def _copy_back(channel: Any, request: socket.socket) -> None:
    try:
        while data := channel.recv(CHUNK):
            request.sendall(data)
        request.shutdown(socket.SHUT_WR)
    except OSError as error:
        logger.debug("Forwarding has ended: %s", error)
        channel.close()


def serve(local_port: int, remote_host: str, remote_port: int, transport: Any) -> ForwardServer:
    """A server that listens to the local port already."""

    class Forward(Handler):
        chain_host = remote_host
        chain_port = remote_port
        ssh_transport = transport

    return ForwardServer(("127.0.0.1", local_port), Forward)


def forward_tunnel(local_port: int, remote_host: str, remote_port: int, transport: Any) -> None:
    """Forward a local port for ever.

    Args:
        local_port (int): where to listen, at 127.0.0.1.
        remote_host (str): where to connect to, as the ssh server sees it.
        remote_port (int): the port there.
        transport (paramiko.Transport): an authenticated connection.

    Raises:
        OSError: the local port is not free.
    """
    with serve(local_port, remote_host, remote_port, transport) as server:
        server.serve_forever()
