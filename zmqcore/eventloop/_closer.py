"""`IOLoop.close(all_fds=True)` closes the sockets that were used on that loop, which holds on to none of them."""

from __future__ import annotations

import weakref
from typing import Any


class Closer:
    """What a loop of tornado has in its list of descriptors: it closes the socket with the rest."""

    def __init__(self, socket: Any, io_loop: Any) -> None:
        self.socket = weakref.ref(socket)
        self.fd = socket.fileno()
        io_loop.add_handler(self, self._ignore, 0)  # no events: the socket's own reader has them
        self.remove = weakref.finalize(socket, io_loop.remove_handler, self.fd)
        self.remove.atexit = False

    def fileno(self) -> int:
        """The descriptor."""
        return self.fd

    def close(self) -> None:
        """Close the socket, if it is there."""
        socket = self.socket()
        if socket is not None:
            socket.close()

    @staticmethod
    def _ignore(fd: Any, events: int) -> None: ...
