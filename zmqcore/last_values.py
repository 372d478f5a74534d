"""The last value of each topic, for subscribers who come late.

Rules
- A subscriber gets what is kept for its topic when it subscribes, and then what is published: nothing twice for one subscription, and nothing
  older after something newer. That is why its subscription takes effect only here (XPUB_MANUAL), and what is kept goes to it alone (XPUB_ANSWER).
- What is kept is bounded in topics and bytes; whatever was published longest ago makes way, and is counted. It lives for so long and no longer.
- Subscribers are any SUB or XSUB, of whatever library. To them it is a publisher.
- What is kept for one subscriber goes into its queue at once, so the queue has room for all of it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

from ._arguments import check_kind, message_frames
from .constants import RCVTIMEO, SNDHWM, SUBSCRIBE, UNSUBSCRIBE, XPUB, XPUB_ANSWER, XPUB_MANUAL
from .error import Again, ContextTerminated, ZMQError

__all__ = ["AsyncLastValuePublisher", "LastValuePublisher", "LastValues"]

QUEUE = 1000  # messages besides those that are kept: the default of a socket


class LastValues:
    """What is kept: the last message of each topic, its first frame.

    Args:
        lifetime (float | None): milliseconds; None: for ever. Default None.
        topics_max (int): topics. Default 10,000.
        bytes_max (int): bytes of all messages. Default 64 MiB.

    Attributes:
        bytes (int): of the messages that are kept.
        evicted (int): messages that had to go before their time, or were too large to be kept.
    """

    def __init__(self, lifetime: float | None = None, topics_max: int = 10_000, bytes_max: int = 64 << 20) -> None:
        if topics_max < 1 or bytes_max < 0 or (lifetime is not None and lifetime < 0):
            raise ValueError("topics_max is at least 1, and neither bytes_max nor lifetime is negative")
        self.lifetime = None if lifetime is None else lifetime / 1000
        self.topics_max = topics_max
        self.bytes_max = bytes_max
        self.bytes = 0
        self.evicted = 0
        self._kept: OrderedDict[bytes, tuple[float, list[bytes]]] = OrderedDict()  # when, and what; oldest first
        self._topics: list[bytes] = []  # sorted

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, frames: list[bytes], now: float | None = None) -> None:
        """Keep a message instead of the last one of its topic. `now` (float): seconds of time.monotonic(); None: now."""
        now = time.monotonic() if now is None else now
        topic = frames[0]
        size = sum(map(len, frames))
        self.forget(topic)
        self._expire(now)
        if size > self.bytes_max:
            self.evicted += 1
            return
        while len(self._kept) >= self.topics_max or self.bytes + size > self.bytes_max:
            self.forget(next(iter(self._kept)))
            self.evicted += 1
        self._kept[topic] = now, frames
        insort(self._topics, topic)
        self.bytes += size

    def forget(self, topic: bytes) -> None:
        """Keep nothing for a topic."""
        found = self._kept.pop(topic, None)
        if found is not None:
            self.bytes -= sum(map(len, found[1]))
            del self._topics[bisect_left(self._topics, topic)]

    def matching(self, prefix: bytes, now: float | None = None) -> Iterator[list[bytes]]:
        """What is kept for the topics that begin with a prefix, in the order of the topics. `now` as for `keep()`."""
        self._expire(time.monotonic() if now is None else now)
        for place in range(bisect_left(self._topics, prefix), len(self._topics)):
            topic = self._topics[place]
            if not topic.startswith(prefix):
                return
            yield self._kept[topic][1]

    def _expire(self, now: float) -> None:
        while self.lifetime is not None and self._kept:
            topic, (since, _) = next(iter(self._kept.items()))
            if now - since < self.lifetime:
                return
            self.forget(topic)


class _Publishing:
    """What both kinds have in common. `_plain` is the socket without asyncio."""

    _plain: Any

    def _begin(self, plain: Any, lifetime: float | None, topics_max: int, bytes_max: int) -> None:
        self.values = LastValues(lifetime, topics_max, bytes_max)
        self._lock = threading.Lock()
        self._plain = plain
        plain.set(XPUB_MANUAL, 1)
        plain.set(SNDHWM, topics_max + QUEUE)

    def publish(self, message: bytes | Sequence[bytes]) -> None:
        """Send a message to those who have subscribed, and keep it for those who will. Never waits; any thread may call it.

        Args:
            message (bytes | Sequence[bytes]): one frame or several. The first one is the topic.

        Raises:
            TypeError, IndexError: the message is none. Nothing has been sent.
            ZMQError (ENOTSOCK): it was closed.
            ContextTerminated (ETERM): the context is ending.
        """
        frames = message_frames(message)
        with self._lock:
            self._plain.send_multipart(frames)
            self.values.keep(frames)

    def forget(self, topic: str | bytes) -> None:
        """Keep nothing for a topic.

        Args:
            topic (str | bytes): the whole first frame; str is encoded as UTF-8.
        """
        with self._lock:
            self.values.forget(topic.encode() if isinstance(topic, str) else topic)

    def _answer(self, request: list[bytes]) -> None:
        """A subscriber asks, or takes back. What else subscribers send is none of ours."""
        if len(request) != 1 or request[0][:1] not in (b"\0", b"\1"):
            return
        topic = request[0][1:]
        with self._lock:
            if request[0][0] == 0:
                self._plain.set(UNSUBSCRIBE, topic)
                return
            self._plain.set(SUBSCRIBE, topic)
            self._plain.set(XPUB_ANSWER, 1)
            try:
                for frames in self.values.matching(topic):
                    self._plain.send_multipart(frames)
            finally:
                self._plain.set(XPUB_ANSWER, 0)


class LastValuePublisher(_Publishing):
    """A publisher that tells those who come late the last value of each topic they subscribe to.

    A thread of its own answers subscriptions.

    Args:
        context (Context): makes the socket, an XPUB.
        lifetime (float | None): milliseconds after which a value is too old to be told; None: never. Default None.
        topics_max (int): topics to keep. Default 10,000.
        bytes_max (int): bytes of all messages to keep. Default 64 MiB.

    Attributes:
        values (LastValues): what is kept, and what had to go (`evicted`).

    Raises:
        ValueError: a bound that is none.
        TypeError: a context of another kind.
        ZMQError: as `Context.socket()`.

    Example:
        >>> import zmqcore as zmq
        >>> from zmqcore.last_values import LastValuePublisher
        >>> context = zmq.Context()
        >>> with LastValuePublisher(context, lifetime=60_000) as publisher, context.socket(zmq.SUB) as sub:
        ...     bound = publisher.socket.bind("tcp://127.0.0.1:*")
        ...     publisher.publish([b"price.A", b"17"])
        ...     sub.subscribe("price.")
        ...     connected = sub.connect(bound.addr)
        ...     sub.recv_multipart()
        [b'price.A', b'17']
        >>> context.term()
    """

    def __init__(self, context: Any, lifetime: float | None = None, topics_max: int = 10_000, bytes_max: int = 64 << 20) -> None:
        self._socket = context.socket(XPUB)
        try:
            check_kind(self, self._socket, False)
            self._begin(self._socket, lifetime, topics_max, bytes_max)
        except BaseException:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._serve, name="zmqcore/last-values", daemon=True)
        self._thread.start()

    @property
    def socket(self) -> Any:
        """The XPUB: for `bind()`, `connect()`, options and `statistics()`. It is not to be sent to or received from."""
        return self._socket

    def __enter__(self) -> LastValuePublisher:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket, and end the thread. What has been published is still sent, as long as LINGER allows."""
        self._socket.close()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                self._answer(self._socket.recv_multipart())
            except Again:  # a RCVTIMEO, perhaps the context's for all of its sockets
                self._socket.set(RCVTIMEO, -1)
            except (ContextTerminated, ZMQError):  # closed, or about to be
                return


class AsyncLastValuePublisher(_Publishing):
    """As `LastValuePublisher`, for asyncio: a task answers subscriptions, begun by the first `async with`.

    Args:
        context (zmqcore.asyncio.Context): makes the socket, an XPUB.
        lifetime (float | None): milliseconds after which a value is too old to be told; None: never. Default None.
        topics_max (int): topics to keep. Default 10,000.
        bytes_max (int): bytes of all messages to keep. Default 64 MiB.

    Attributes:
        values (LastValues): what is kept, and what had to go (`evicted`).

    Raises:
        ValueError: a bound that is none.
        TypeError: a context of another kind.
        ZMQError: as `Context.socket()`.
    """

    def __init__(self, context: Any, lifetime: float | None = None, topics_max: int = 10_000, bytes_max: int = 64 << 20) -> None:
        from .socket import Socket

        self._socket = context.socket(XPUB)
        try:
            check_kind(self, self._socket, True)
            self._begin(Socket.shadow(self._socket), lifetime, topics_max, bytes_max)
        except BaseException:
            self._socket.close()
            raise
        self._task: asyncio.Task[None] | None = None

    @property
    def socket(self) -> Any:
        """The XPUB: for `bind()`, `connect()`, options and `statistics()`. It is not to be sent to or received from."""
        return self._socket

    async def __aenter__(self) -> AsyncLastValuePublisher:
        self._task = asyncio.ensure_future(self._serve())
        return self

    async def __aexit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket, and end the task. What has been published is still sent, as long as LINGER allows."""
        if self._task is not None:
            self._task.cancel()
        self._socket.close()

    async def _serve(self) -> None:
        while True:
            try:
                self._answer(await self._socket.recv_multipart())
            except Again:
                self._plain.set(RCVTIMEO, -1)
            except (ContextTerminated, ZMQError):
                return
