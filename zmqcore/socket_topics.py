"""Topics: what a SUB subscribes to.

Rules
- The wire knows prefixes only. What goes beyond them is filtered by the subscriber, before a message counts as received or wakes anybody.
- A call with several topics takes all of them or, if one is not a topic, none.
"""

from __future__ import annotations

from . import _core
from .constants import EXCLUDE, INCLUDE, SUBSCRIBE, SUBSCRIBE_EXACT, UNSUBSCRIBE, UNSUBSCRIBE_EXACT


def _octets(topic: str | bytes) -> bytes:
    if isinstance(topic, str):
        return topic.encode()
    if not isinstance(topic, (bytes, bytearray, memoryview)):
        raise TypeError(f"a topic is str or bytes, not {type(topic).__name__}")
    return bytes(topic)


class TopicSocket(_core.Socket):
    """Base of Socket: topics."""

    def subscribe(self, topic: str | bytes) -> None:
        """Subscribe to the messages that begin with a topic. For SUB; on an XPUB with XPUB_MANUAL, grant a request.

        Subscriptions are counted: each needs an `unsubscribe()` of its own.

        Args:
            topic (str | bytes): the beginning of the first frame; str is encoded as UTF-8. Empty: everything.

        Raises:
            ZMQError (EINVAL): the socket is neither.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: RFC 29 (PUB, SUB); option SUBSCRIBE.

        Example:
            >>> with context.socket(zmq.SUB) as sub:
            ...     sub.subscribe("weather.")
        """
        self.set(SUBSCRIBE, topic.encode() if isinstance(topic, str) else topic)

    def unsubscribe(self, topic: str | bytes) -> None:
        """Take one subscription back.

        Args:
            topic (str | bytes): as it was given to `subscribe()`. An unknown topic does nothing.

        Raises:
            ZMQError (EINVAL): the socket is neither SUB nor an XPUB with XPUB_MANUAL.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: RFC 29 (PUB, SUB); option UNSUBSCRIBE.
        """
        self.set(UNSUBSCRIBE, topic.encode() if isinstance(topic, str) else topic)

    def subscribe_all(self, *topics: str | bytes) -> None:
        """Subscribe to several prefixes. As one `subscribe()` each.

        Args:
            *topics (str | bytes): beginnings of the first frame; str is encoded as UTF-8.

        Raises:
            TypeError: not a topic. None has been subscribed to.
            ZMQError (EINVAL): the socket is neither SUB nor an XPUB with XPUB_MANUAL.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: RFC 29 (PUB, SUB); option SUBSCRIBE.

        Example:
            >>> with context.socket(zmq.SUB) as sub:
            ...     sub.subscribe_all("weather.", "sports.")
        """
        self._set_each(SUBSCRIBE, topics)

    def subscribe_exact(self, *topics: str | bytes) -> None:
        """Subscribe to messages whose first frame is one of these, and no more than that. For SUB.

        To publishers, of whatever library, it is a subscription to a prefix; the socket drops what is longer (`dropped.filtered` of its
        statistics). Exact subscriptions are counted by themselves: `unsubscribe()` leaves them alone. With CONFLATE a longer topic may replace the
        message that was asked for.

        Args:
            *topics (str | bytes): whole first frames; str is encoded as UTF-8.

        Raises:
            TypeError: not a topic. None has been subscribed to.
            ZMQError (EINVAL): not a SUB.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: none, zmqcore's own; option SUBSCRIBE_EXACT.

        Example:
            >>> with context.socket(zmq.SUB) as sub:
            ...     sub.subscribe_exact("price.A", "price.B")  # not price.AB
        """
        self._set_each(SUBSCRIBE_EXACT, topics)

    def unsubscribe_exact(self, *topics: str | bytes) -> None:
        """Take one exact subscription to each topic back.

        Args:
            *topics (str | bytes): as they were given to `subscribe_exact()`. An unknown one does nothing.

        Raises:
            TypeError, ZMQError, ContextTerminated: as `subscribe_exact()`.

        Source: none, zmqcore's own; option UNSUBSCRIBE_EXACT.
        """
        self._set_each(UNSUBSCRIBE_EXACT, topics)

    def exclude(self, *prefixes: str | bytes) -> None:
        """Drop messages that begin with one of these, whatever is subscribed to. For SUB.

        Publishers do not know of it: they send what is subscribed to, and the socket drops it (`dropped.filtered` of its statistics).

        Args:
            *prefixes (str | bytes): beginnings of the first frame; str is encoded as UTF-8.

        Raises:
            TypeError: not a topic. None has been excluded.
            ZMQError (EINVAL): not a SUB.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: none, zmqcore's own; option EXCLUDE.

        Example:
            >>> with context.socket(zmq.SUB) as sub:
            ...     sub.subscribe("log.")
            ...     sub.exclude("log.debug.")
        """
        self._set_each(EXCLUDE, prefixes)

    def include(self, *prefixes: str | bytes) -> None:
        """Take one `exclude()` of each prefix back.

        Args:
            *prefixes (str | bytes): as they were given to `exclude()`. An unknown one does nothing.

        Raises:
            TypeError, ZMQError, ContextTerminated: as `exclude()`.

        Source: none, zmqcore's own; option INCLUDE.
        """
        self._set_each(INCLUDE, prefixes)

    def _set_each(self, option: int, topics: tuple[str | bytes, ...]) -> None:
        for topic in [_octets(topic) for topic in topics]:
            self.set(option, topic)
