"""Seeing inside: what a socket has done, and who is at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _core

if TYPE_CHECKING:
    from .statistics import SocketStatistics


class SeeingSocket(_core.Socket):
    """Base of Socket: seeing inside."""

    def statistics(self) -> SocketStatistics:
        """Return what the socket has sent, received and dropped, and the same for each peer.

        The counters are exact, and taking them does not wait; they cost nothing while nobody asks. Also for a closed socket, for what it
        goes on sending (`state` "closing") and what was dropped at its end.

        Returns:
            SocketStatistics: the counters and the peers.

        Raises:
            ZMQError (ENOTSOCK): the socket belongs to the parent process.

        Source: none, zmqcore's own; docs/seeing-inside.md explains the counters.

        Example:
            >>> push.send(b"hello")
            >>> found = push.statistics()
            >>> found.messages_out, found.bytes_out, found.dropped.total
            (1, 5, 0)
            >>> [(peer.type, peer.state) for peer in found.peers]
            [('PULL', 'ready')]
        """
        from .statistics import statistics_of

        return statistics_of(self)
