"""The end, and what is in its way: what `close(timeout=...)` and `term(timeout=...)` return, and descriptions of all sockets.

Rules
- A wait of `close(timeout=...)` changes nothing about LINGER: messages are given up when it would have been over, wait or no wait.
- Where a socket was opened is noted if the context is asked to (`track_origins`): a stack for each socket costs time and memory.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from . import _core
from .statistics import REASONS, Dropped, PeerStatistics, context_statistics_of, peers_of, statistics_of

__all__ = ["CloseReport", "SocketReport", "TermReport", "describe", "describe_on_signal"]

SLICE_MS = 200  # a wait without limit comes up so often, for signal handlers


@dataclass(frozen=True)
class CloseReport:
    """What has become of a socket that was closed.

    Attributes:
        ended (bool): nothing is left to do: everything has been delivered to the peers' systems, or given up.
        undelivered (tuple[PeerStatistics, ...]): the peers that messages were still queued for (`queued_out`) when the wait was over. If `ended`,
            LINGER was over as well, and these messages have been dropped; if not, they go on being sent in the background.
        dropped (Dropped): what was dropped because of the end, by reason.
    """

    ended: bool
    undelivered: tuple[PeerStatistics, ...]
    dropped: Dropped


@dataclass(frozen=True)
class SocketReport:
    """A socket that a context still has.

    Attributes:
        type (str): type of the socket.
        closed (bool): it has been closed, and is still sending what is queued; False: it is open.
        bound (tuple[str, ...]), connected (tuple[str, ...]): the endpoints.
        peers (tuple[PeerStatistics, ...]): its peers.
        queued_out (int): messages that wait to be sent.
        queued_in (int): messages that wait to be received.
        dropped (Dropped): what it has dropped so far.
        origin (str | None): where it was opened, as lines of a traceback; None if that was not noted (`Context.track_origins`).
    """

    type: str
    closed: bool
    bound: tuple[str, ...]
    connected: tuple[str, ...]
    peers: tuple[PeerStatistics, ...]
    queued_out: int
    queued_in: int
    dropped: Dropped
    origin: str | None


@dataclass(frozen=True)
class TermReport:
    """What has become of a context that was to end.

    Attributes:
        ended (bool): it has ended.
        blocking (tuple[SocketReport, ...]): the sockets that it still has: open ones, and closed ones that have messages to send.
    """

    ended: bool
    blocking: tuple[SocketReport, ...]


def close_within(socket: Any, linger: int, timeout: int, close: Callable[[int], None]) -> CloseReport:
    """Close, and wait up to `timeout` ms (negative: as long as it takes)."""
    before = statistics_of(socket).dropped
    close(-1)
    now = time.monotonic
    began = now()
    wait = min((limit for limit in (linger, timeout) if limit >= 0), default=-1)
    ended = False
    try:
        while not ended:
            left = SLICE_MS if wait < 0 else min(SLICE_MS, wait - round((now() - began) * 1000))
            ended = _core.wait_closed(socket, max(0, left))
            if left <= 0:
                break
        undelivered = () if ended else tuple(peer for peer in statistics_of(socket).peers if peer.queued_out)
    finally:
        if not ended and linger >= 0:
            _core.linger_on(socket, max(0, linger - round((now() - began) * 1000)))
    if not ended:
        ended = _core.wait_closed(socket, SLICE_MS if 0 <= linger <= wait else 0)
    after = statistics_of(socket).dropped
    dropped = Dropped(**{reason: getattr(after, reason) - getattr(before, reason) for reason in REASONS})
    return CloseReport(ended, undelivered, dropped)


# -- descriptions


def note_origin(context: Any, socket: Any) -> None:
    """Where the program makes this socket: the stack, without zmqcore's own frames."""
    here = os.path.dirname(__file__)
    frames = [frame for frame in traceback.extract_stack() if os.path.dirname(frame.filename) != here]
    context._origins[socket.underlying] = "".join(traceback.format_list(frames[-5:])).rstrip()


def reports_of(context: Any) -> tuple[SocketReport, ...]:
    found = []
    origins = context._origins
    pictures = _core.pictures(context)
    for facts in pictures:
        if facts["internal"]:
            continue
        counts = facts["counts"]
        found.append(
            SocketReport(
                type=facts["type"],
                closed=not facts["open"],
                bound=tuple(place[1:] for place in facts["places"] if place[0] == "b"),
                connected=tuple(place[1:] for place in facts["places"] if place[0] == "c"),
                peers=peers_of(facts["peers"], None),
                queued_out=counts["queued_out"],
                queued_in=counts["queued_in"],
                dropped=Dropped(**{reason: counts[reason] for reason in REASONS}),
                origin=origins.get(facts["identity"]),
            )
        )
    there = {facts["identity"] for facts in pictures}
    for identity in list(origins):
        if identity not in there:
            origins.pop(identity, None)
    return tuple(found)


def _peer_line(peer: PeerStatistics) -> str:
    who = peer.routing_id.decode("latin-1").encode("unicode_escape").decode() if peer.routing_id else ""
    where = peer.address or (f"pid {peer.pid}" if peer.pid is not None else "")
    told = [peer.type or "?", who, where, peer.endpoint, peer.state]
    return (
        f"    peer {peer.id}: {' '.join(part for part in told if part)}; "
        f"in {peer.messages_in} ({peer.queued_in} queued), out {peer.messages_out} ({peer.queued_out} queued), dropped {peer.dropped.total}"
    )


def description(context: Any) -> str:
    """A context with its sockets, endpoints, peers and queues, as text."""
    lines = [f"{context!r}"]
    memory = context_statistics_of(context)
    if memory.queued_bytes is not None:
        lines.append(f"  {memory.queued_bytes} of {memory.max_queued_bytes} bytes queued, {memory.limit_hits} times no room")
    for one in reports_of(context):
        lines.append(
            f"  {one.type}{' (closed, sending)' if one.closed else ''}: "
            f"{one.queued_in} to receive, {one.queued_out} to send, {one.dropped.total} dropped"
        )
        lines += [f"    bound to {endpoint}" for endpoint in one.bound]
        lines += [f"    connects to {endpoint}" for endpoint in one.connected]
        lines += [_peer_line(peer) for peer in one.peers]
        if one.origin:
            lines += ["    opened at"] + [f"    {line}" for line in one.origin.splitlines()]
    return "\n".join(lines)


def describe(file: TextIO | None = None) -> None:
    """Print all contexts of the process with their sockets, endpoints, peers and queues.

    Args:
        file (TextIO): where to. Default None: sys.stderr.

    Example:
        >>> import sys
        >>> from zmqcore.ending import describe
        >>> describe(sys.stdout)  # doctest: +ELLIPSIS
        <...
    """
    for context in _core.contexts():
        if not context.closed:
            print(description(context), file=file or sys.stderr, flush=True)


def describe_on_signal(number: int | None = None, file: TextIO | None = None) -> None:
    """Print `describe()` whenever a signal arrives, also while a call on a socket is blocked. To be called on the main thread.

    Args:
        number (int): the signal. Default None: SIGUSR1.
        file (TextIO): where to. Default None: sys.stderr.

    Raises:
        ValueError: not on the main thread, or no such signal here.
    """
    signal.signal(signal.SIGUSR1 if number is None else number, lambda _number, _frame: describe(file))
