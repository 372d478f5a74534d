"""Seeing inside: what a socket has done, and who is at the other end."""

from __future__ import annotations

from typing import Any

from . import _core, _told
from ._presence import Presence
from .constants import DONTWAIT
from .error import Again


class SeeingSocket(_core.Socket):
    """Base of Socket: seeing inside."""

    def statistics(self) -> _told.SocketStatistics:
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

    def try_recv(self, copy: bool = True) -> Any:
        """Receive one frame if there is one. Does not wait.

        Args:
            copy (bool): False returns a Frame, as for `recv()`. Default True.

        Returns:
            bytes | Frame | None: the frame; None if there is none. From an asynchronous socket, to be awaited.

        Raises:
            ZMQError, ContextTerminated: as `recv()`.

        Example:
            >>> pull.try_recv() is None
            True
            >>> push.send(b"hello")
            >>> pull.try_recv()
            b'hello'
        """
        try:
            return self.recv(DONTWAIT, copy=copy)
        except Again:
            return None

    def try_recv_multipart(self, copy: bool = True) -> Any:
        """Receive one message if there is one. Does not wait.

        Args:
            copy (bool): False returns Frames, as for `recv_multipart()`. Default True.

        Returns:
            list[bytes] | list[Frame] | None: the frames; None if there is no message. From an asynchronous socket, to be awaited.

        Raises:
            ZMQError, ContextTerminated: as `recv_multipart()`.

        Example:
            >>> pull.try_recv_multipart() is None
            True
        """
        try:
            return self.recv_multipart(DONTWAIT, copy=copy)
        except Again:
            return None

    def wait_for_peers(self, n: int = 1, timeout: float | None = None) -> Any:
        """Wait until so many peers are there: connected, with the handshake done, or joined within the process.

        Args:
            n (int): how many. Default 1.
            timeout (float): milliseconds; None waits without limit. Default None.

        Returns:
            int: how many there are, `n` or more.

        Raises:
            Again (EAGAIN): the time is over, and there are fewer.
            ZMQError (ENOTSOCK): the socket is closed, or was closed by another thread meanwhile.
            ContextTerminated (ETERM): the context is ending.

        Source: none, zmqcore's own.

        Example:
            >>> push.wait_for_peers(1, timeout=1000)
            1
        """
        return self._wait_for(Presence(self, n, None, timeout))

    def wait_for_subscribers(self, n: int = 1, topic: str | bytes = b"", timeout: float | None = None) -> Any:
        """Wait until so many peers would get a message of a topic. For PUB and XPUB; for RADIO, of a group.

        Args:
            n (int): how many. Default 1.
            topic (str | bytes): what the message will begin with; str is encoded as UTF-8. Default b"": those who have subscribed
                to everything.
            timeout (float): milliseconds; None waits without limit. Default None.

        Returns:
            int: how many there are, `n` or more.

        Raises:
            Again (EAGAIN): the time is over, and there are fewer.
            ZMQError (ENOTSUP): the type has no subscribers.
            ZMQError (EFSM): the socket is inside a message of several frames.
            ZMQError (ENOTSOCK): the socket is closed, or was closed by another thread meanwhile.
            ContextTerminated (ETERM): the context is ending.

        Source: none, zmqcore's own; RFC 29 (PUB, SUB).

        Example:
            >>> with context.socket(zmq.PUB) as pub, context.socket(zmq.SUB) as sub:
            ...     sub.subscribe("weather.")
            ...     connected = sub.connect(pub.bind("tcp://127.0.0.1:*").addr)
            ...     pub.wait_for_subscribers(1, "weather.fair", timeout=1000)
            1
        """
        return self._wait_for(Presence(self, n, topic, timeout))

    def _wait_for(self, presence: Presence) -> Any:
        return presence.wait()

    def watch(self, events: int | None = None) -> _told.SocketEvents:
        """Report what happens to the connections of this socket, as typed events. `for event in socket.watch()`.

        Of an asynchronous socket: `async for`. It takes the place of `monitor()`: a socket reports to one at a time. Joining sockets within
        the process raises no events. zmq.EVENT_QUEUE_FULL, zmqcore's own, tells that the queue of a peer was full and a message was dropped or
        refused; it is told once until there is room again. `socket.watch(zmq.EVENT_QUEUE_FULL).call(function)` calls a function for it.

        Args:
            events (int): the events to report, zmq.EVENT_... combined. Default None: all.

        Returns:
            SocketEvents: an iterator of SocketEvent, from now on, until the socket is closed; a context manager that stops it.

        Raises:
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: none, zmqcore's own; zmq_socket_monitor in the ZeroMQ API has the same events.

        Example:
            >>> with context.socket(zmq.REP) as server, server.watch() as events:
            ...     bound = server.bind("tcp://127.0.0.1:*")
            ...     events.recv().name
            'LISTENING'
        """
        from ._events import SocketEvents

        return SocketEvents(self, events)

    def let_go(self, peer: _told.PeerStatistics | int) -> None:
        """End the connection to one peer, whatever the type of the socket. What it has sent can still be received.

        An endpoint that this socket connects to is not connected to again. What is queued for the peer is dropped, and counted.

        Args:
            peer (PeerStatistics | int): one of `statistics().peers`, or its `id`.

        Raises:
            ZMQError (EHOSTUNREACH): it is not there (any more).
            TypeError: neither of the two.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: none, zmqcore's own.

        Example:
            >>> for peer in push.statistics().peers:
            ...     push.let_go(peer)
        """
        number = getattr(peer, "id", peer)
        if not isinstance(number, int):
            raise TypeError(f"a peer is one of statistics().peers, or its id, not {peer!r}")
        _core.let_go(self, number)

    def peer_state(self, routing_id: bytes) -> int:
        """Tell whether a peer can take a message. For ROUTER and STREAM. Does not wait.

        Args:
            routing_id (bytes): the peer, as the first frame of its messages names it.

        Returns:
            int: zmq.POLLOUT if a message for that peer would find room, 0 if it would be dropped, or block with ROUTER_MANDATORY.

        Raises:
            ZMQError (EHOSTUNREACH): there is no such peer.
            ZMQError (ENOTSUP): the type of the socket does not know its peers by routing ids.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_socket_get_peer_state in the ZeroMQ API (draft).

        Example:
            >>> with context.socket(zmq.ROUTER) as router, context.socket(zmq.DEALER) as dealer:
            ...     dealer.routing_id = b"worker"
            ...     connected = dealer.connect(router.bind("inproc://work").addr)
            ...     router.wait_for_peers(1, timeout=1000)
            ...     router.peer_state(b"worker") == zmq.POLLOUT
            1
            True
        """
        return _core.peer_state(self, routing_id)

    def monitor_pipes_stats(self) -> None:
        """Report to the monitor how many messages wait.

        For each connection it is one event zmq.EVENT_PIPES_STATS with two values: messages to be sent, and messages
        to be received. `statistics()` returns the same and more.

        Raises:
            ZMQError (EINVAL): there is no monitor of version 2.
            Again (EAGAIN): there is no connection.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: zmq_socket_monitor_pipes_stats in the ZeroMQ API.
        """
        _core.pipes_stats(self)
