"""Lending: memory of the socket that the program fills and sends."""

from __future__ import annotations

from . import _core


class LendingSocket(_core.Socket):
    """Base of Socket: lending memory."""

    def lend(self, size: int) -> _core.Frame:
        """Return a Frame to be filled and sent, so that its content is never copied on the way.

        With the option SHARED_MEMORY it lies in the memory that the socket shares with its peers over ipc: what the program writes there, a peer
        reads in place (`recv(copy=False)`). Otherwise, and when that memory is used up, it is an ordinary Frame.

        Fill it, then send it with `copy=False`, as often as you like. Once it has been sent, do not write to it again: peers may be reading it.
        Lend another one; the memory goes back when the Frame is dropped and every peer has let go of it.

        Args:
            size (int): bytes, 0 or more. The content is undefined until it is written.

        Returns:
            Frame: a buffer that can be written to.

        Raises:
            ZMQError (EINVAL): a negative size.
            ZMQError (ENOTSOCK): the socket is closed.
            MemoryError: there is no memory.

        Source: none, zmqcore's own; docs/shared-memory.md.

        Example:
            >>> frame = push.lend(5)
            >>> memoryview(frame)[:] = b"hello"
            >>> push.send(frame, copy=False)
            >>> pull.recv()
            b'hello'
        """
        return _core.lend(self, size)
