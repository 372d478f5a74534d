"""Statistics: what a socket has sent, received and dropped, and who its peers are. `socket.statistics()` takes them.

Rules
- The counters are exact: a message is counted once where it is written and once where it arrives, and whatever is dropped is counted by a reason.
- A message that was sent has been written to one or more peers (`messages_out`), or was dropped at once (`dropped.full`, `dropped.nobody`).
  What was written is still here (`queued_out`), dropped (`dropped.lost`, `lingered`, `conflated`, `outdated`, `refused`), or has left (`messages_left`).
- What had left over a network is in the hands of the operating systems: a connection that is reset may lose it, and nobody can count that here.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from . import _core
from .constants import Event, SecurityMechanism, SocketOption
from .error import ZMQError

__all__ = ["ContextStatistics", "Dropped", "PeerStatistics", "SocketStatistics"]

STATES = ("waiting", "connecting", "handshake", "ready", "closing", "gone")


@dataclass(frozen=True)
class Dropped:
    """Messages that were dropped, by reason.

    Attributes:
        full (int): not written to a peer whose queue was full (SNDHWM), by types that drop then: PUB, XPUB, XSUB, ROUTER, REP. Of a socket, also those
            that OVERFLOW had it drop because the queues of all its peers were full.
        nobody (int): sent when there was nobody to send to: no subscriber of the topic, no peer with that routing id, the requester is gone.
            Of a socket only.
        lost (int): written, and given up with the connection: the rest of a message that had begun to leave, or all that was queued
            when no new connection was to come.
        lingered (int): written, and given up because the application had closed the socket or the connection, and LINGER was over.
        conflated (int): gave way to a newer message (CONFLATE).
        outdated (int): written, and given up to make room for a newer message (OVERFLOW).
        filtered (int): received by a SUB that has not subscribed to it (any more).
        unwanted (int): received, and nothing that the type takes: answers that a REQ does not wait for, requests without an envelope,
            messages to types that only send, messages of several frames to types that take one.
        unread (int): received, but not by the application before it closed the socket or the connection.
        refused (int): datagrams that were written, and that the system would not send: too large for the network and not to be divided, no way
            to that address, an address of another family than the socket's.
        overrun (int): datagrams that came when the system's buffer was full (RCVBUF). Linux counts them; elsewhere 0.
        oversized (int): datagrams that came and were larger than MAXMSGSIZE.
        malformed (int): datagrams that came and were no message: shorter than the group that they announce.

    The datagrams of the last three never were messages: they are in no other number.
    """

    full: int = 0
    nobody: int = 0
    lost: int = 0
    lingered: int = 0
    conflated: int = 0
    outdated: int = 0
    filtered: int = 0
    unwanted: int = 0
    unread: int = 0
    refused: int = 0
    overrun: int = 0
    oversized: int = 0
    malformed: int = 0

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(getattr(self, name) for name in REASONS)


REASONS = tuple(Dropped.__dataclass_fields__)


@dataclass(frozen=True)
class Traffic:
    """What a peer, or a socket with all its peers, has sent and received: base of PeerStatistics and SocketStatistics."""

    messages_in: int
    bytes_in: int
    queued_in: int
    messages_out: int
    bytes_out: int
    queued_out: int
    dropped: Dropped
    full_in: int
    full_out: int
    handshake_failures: int
    last_handshake_error: str | None
    reads: int
    writes: int
    handed_over: int
    wire_in: int
    wire_out: int
    packets_lost: int
    shared_in: int
    shared_out: int

    @property
    def messages_left(self) -> int:
        """Messages that are neither queued nor dropped: handed to the operating system, or in the peer's queue within the process."""
        dropped = self.dropped
        return self.messages_out - self.queued_out - dropped.lost - dropped.lingered - dropped.conflated - dropped.outdated - dropped.refused


@dataclass(frozen=True)
class PeerStatistics(Traffic):
    """One peer of a socket, or an address that a peer is expected at.

    Attributes:
        id (int): number of the peer, never used twice by a socket; 0 while there has been no connection.
        endpoint (str): that was connected to, or that the connection was accepted at. "" if it is not known any more.
        connects (bool): this socket connects to the peer, rather than accepts.
        state (str): "waiting" (to be connected again, or for a bind within the process), "connecting", "handshake", "ready",
            "closing" (the application has let go of it, what is queued is still being sent), or "gone" (what it sent can still be received).
        connected_since (float | None): time of the connection, seconds since the epoch as of `time.time()`; None: it is not there.
        address (str | None): where the peer is, as the system told: an IP address; None within the process and over ipc.
        pid (int | None), uid (int | None), gid (int | None): process, user and group of the peer, over ipc where the system tells.
        type (str | None): type of its socket, such as "DEALER"; None while it is not known.
        routing_id (bytes): by which this socket knows it (ROUTER, SERVER, PEER), or that it has announced; b"" if there is none.
        mechanism (str | None): of the connection: "NULL", "PLAIN", "CURVE", "GSSAPI"; None without a handshake.
        user (str | None): User-Id, as a ZAP handler or `secure_server()` told; None: nobody has told.
        authenticated (bool): the peer has proved who it is, as `Frame.authenticated`.
        metadata (Mapping[str, bytes]): all properties of the connection, by name.
        messages_in (int): messages received from it, whatever became of them.
        bytes_in (int): bytes of their frames.
        queued_in (int): of these, messages that the application has not received yet.
        messages_out (int): messages written to it, whatever became of them.
        bytes_out (int): bytes of their frames.
        queued_out (int): of these, messages that have not left yet.
        dropped (Dropped): messages that were dropped, by reason.
        full_in (int): times that reading stopped because RCVHWM messages were queued.
        full_out (int): times that a message, or a look whether there is room, found SNDHWM messages queued.
        has_room (bool): another message would find room now; False: it would block, or be dropped.
        reconnects (int): connections after the first, of an endpoint that this socket connects to.
        attempts (int): attempts to connect that failed since the last connection.
        handshake_failures (int): connections that ended within the handshake.
        last_handshake_error (str | None): why the last of these did.
        reads (int), writes (int): system calls that read from and wrote to its connections.
        handed_over (int): of these writes, those of large frames that the I/O thread made beside the program.
        wire_in (int), wire_out (int): bytes that they have read and written, handshakes and framing included.
        packets_lost (int): packets of a multicast group that could not be had again, with every message that had a part in them.
        shared_in (int), shared_out (int): bytes of frames that came and went through shared memory (option SHARED_MEMORY); they are not in wire_in
            and wire_out.
        round_trip (float | None): seconds between the last heartbeat and its answer; None: there was none (option HEARTBEAT_IVL).
    """

    id: int
    endpoint: str
    connects: bool
    state: str
    connected_since: float | None
    address: str | None
    pid: int | None
    uid: int | None
    gid: int | None
    type: str | None
    routing_id: bytes
    mechanism: str | None
    user: str | None
    authenticated: bool
    metadata: Mapping[str, bytes]
    has_room: bool
    reconnects: int
    attempts: int
    round_trip: float | None


@dataclass(frozen=True)
class SocketStatistics(Traffic):
    """A socket, at one moment: what it has sent and received since it was made, and its peers.

    Attributes:
        type (str): type of the socket.
        peers (tuple[PeerStatistics, ...]): the peers that are there, were there and left something to receive, or are expected.
        messages_in (int), bytes_in (int), queued_in (int), messages_out (int), bytes_out (int), queued_out (int), full_in (int), full_out (int),
            reads (int), writes (int), handed_over (int), wire_in (int), wire_out (int), packets_lost (int), shared_in (int),
            shared_out (int): as for a peer; of all peers, also of those that are gone.
        dropped (Dropped): the same, by reason; and what was dropped because there was no peer.
        connections (int): peers that have come: connections made and accepted, and sockets joined within the process.
        disconnections (int): peers that have gone.
        retries (int): times that a connection, or an attempt to make one, was followed by another attempt.
        shared_blocks (int): blocks of the socket's shared memory in use: lent, on their way, or not given back yet.
        handshake_failures (int): connections that ended within the handshake.
        last_handshake_error (str | None): why one of the last did.
    """

    type: str
    peers: tuple[PeerStatistics, ...]
    connections: int
    disconnections: int
    retries: int
    shared_blocks: int


@dataclass(frozen=True)
class ContextStatistics:
    """What the sockets of a context hold, at one moment. See the option MAX_QUEUED_BYTES.

    Attributes:
        max_queued_bytes (int): the limit; 0: there is none.
        queued_bytes (int | None): what is queued by the sockets that the limit concerns: the bytes of frames, and 64 for each frame. None if
            there is no limit, for then nobody counts.
        limit_hits (int): times that a message, or a look whether there is room, found none because of the limit.
        recycled_bytes (int): memory that holds nothing and is kept to be used again: buffers, empty queues, and blocks for large frames, which are
            the process's. A socket gives it back when it has been quiet for a second.
    """

    max_queued_bytes: int
    queued_bytes: int | None
    limit_hits: int
    recycled_bytes: int


def context_statistics_of(context: Any) -> ContextStatistics:
    found = _core.memory(context)
    return ContextStatistics(found["limit"], found["queued"] if found["limit"] else None, found["hits"], found["recycled"])


def statistics_of(socket: Any) -> SocketStatistics:
    counts, peers = _core.picture(socket)
    mechanism = _mechanism(socket)
    return SocketStatistics(
        **_traffic(counts),
        type=socket._type_name,
        peers=peers_of(peers, mechanism),
        connections=counts["connections"],
        disconnections=counts["disconnections"],
        retries=counts["retries"],
        shared_blocks=counts["shared_blocks"],
    )


def peer_of(socket: Any, number: int) -> PeerStatistics | None:
    """The peer of that number, if it is there; takes as long with many peers as with one."""
    found = _core.peer_picture(socket, number)
    return None if found is None else peers_of([found], _mechanism(socket))[0]


def peers_of(peers: list[tuple[dict[str, Any], dict[str, int]]], mechanism: str | None) -> tuple[PeerStatistics, ...]:
    now = time.time()
    return tuple(_peer(facts, counts, mechanism, now) for facts, counts in peers)


def _mechanism(socket: Any) -> str | None:
    """Of all connections with a handshake: options decide it."""
    try:
        number = socket.get(SocketOption.MECHANISM)
    except ZMQError:  # closed
        return None
    return SecurityMechanism(number).name


def _traffic(counts: dict[str, int]) -> dict[str, Any]:
    return {
        **{name: counts[name] for name in _COUNTED},
        "dropped": Dropped(**{reason: counts[reason] for reason in REASONS}),
        "last_handshake_error": _failure(counts["failed_event"], counts["failed_value"]),
    }


_COUNTED = [name for name in Traffic.__dataclass_fields__ if name not in ("dropped", "last_handshake_error")]


def _failure(event: int, value: int) -> str | None:
    """What a monitor would have heard, as text."""
    if not event:
        return None
    if event == Event.HANDSHAKE_FAILED_AUTH:
        return f"refused: status {value}"
    if event == Event.HANDSHAKE_FAILED_PROTOCOL:
        name = next((str(member.name) for member in Event if member == value and (member.name or "").startswith("PROTOCOL")), f"{value:#x}")
        return f"protocol: {name}"
    return errno.errorcode.get(value, str(value))


def _properties(block: bytes, ours: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Those that we have found out, and all of them; the first of a name wins."""
    found: dict[str, bytes] = {}
    known: dict[str, bytes] = {}
    at = 0
    while at < len(block):
        begin = at
        size = block[at]
        name = block[at + 1 : at + 1 + size].decode("latin-1")
        at += 1 + size
        end = at + 4 + int.from_bytes(block[at : at + 4], "big")
        found.setdefault(name, block[at + 4 : end])
        if begin < ours:
            known.setdefault(name, block[at + 4 : end])
        at = end
    return known, found


def _whereabouts(text: str | None) -> dict[str, Any]:
    """Peer-Address: an address, or ":uid:gid:pid"."""
    told: dict[str, Any] = {"address": None, "uid": None, "gid": None, "pid": None}
    numbers = text.split(":") if text is not None and text.startswith(":") else []
    if len(numbers) == 4 and all(number.isdigit() for number in numbers[1:]):
        told |= {"uid": int(numbers[1]), "gid": int(numbers[2]), "pid": int(numbers[3])}
    else:
        told["address"] = text
    return told


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _peer(facts: dict[str, Any], counts: dict[str, int], mechanism: str | None, now: float) -> PeerStatistics:
    known, found = _properties(facts["properties"], facts["ours"])
    return PeerStatistics(
        **_traffic(counts),
        **_whereabouts(_text(known.get("Peer-Address"))),
        id=facts["id"],
        endpoint=facts["endpoint"],
        connects=facts["local"],
        state=STATES[facts["state"]],
        connected_since=None if facts["age"] is None else now - facts["age"],
        type=facts["type"] or _text(found.get("Socket-Type")),
        routing_id=facts["routing_id"] or facts["peer_id"],
        mechanism=mechanism if "Socket-Type" in found else None,
        user=_text(known.get("User-Id")),
        authenticated=facts["authenticated"],
        metadata=MappingProxyType(found),
        has_room=facts["room"],
        reconnects=max(0, facts["connections"] - 1) if facts["local"] else 0,
        attempts=facts["attempts"],
        round_trip=facts["rtt"],
    )
