"""Requests that are tried again, by greenlets. See `zmqcore.requester`.

Rules
- One greenlet reads for all while there are questions. It may be killed at any moment, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any

import gevent
from gevent.event import AsyncResult

from ..error import Again
from ..poll import milliseconds
from ..requester import Asking

__all__ = ["Requester"]


class Requester(Asking):
    """Ask REP or ROUTER servers, and try again; any number of greenlets of one hub may ask. See `zmqcore.requester.Requester`.

    Args:
        context (zmqcore.green.Context): makes the socket.
        endpoints (str | Iterable[str]): of the servers, which take turns.

    Attributes:
        dropped (int): answers that came when their question was over, and messages that are no answers.

    Raises:
        ZMQError: as `Socket.connect()`.
        TypeError: a context of another kind.
    """

    def __init__(self, context: Any, endpoints: str | Iterable[str]) -> None:
        super().__init__(context, endpoints)
        self._questions: dict[bytes, Any] = {}
        self._reader: Any = None

    def __enter__(self) -> Requester:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket. Requests that wait end with ZMQError (ENOTSOCK)."""
        self._socket.close()

    def request(self, message: bytes | Sequence[bytes], timeout: float | None = None, retries: int = 0) -> list[bytes]:
        """Ask, wait for the answer while other greenlets run, and ask the next server if there is none in time.

        Args:
            message (bytes | Sequence[bytes]): the question, one frame or several.
            timeout (float): milliseconds for each attempt; None waits without limit. Default None.
            retries (int): attempts after the first. Default 0.

        Returns:
            list[bytes]: the frames of the answer.

        Raises:
            Again (EAGAIN): no attempt was answered.
            TypeError, IndexError, ValueError: the message is none, or `retries` is negative. Nothing has been sent.
            ZMQError (ENOTSOCK): it was closed.
            ContextTerminated (ETERM): the context is ending.
        """
        number, frames = self._begin(message, retries)
        wait = milliseconds(timeout)
        answer = self._questions[number] = AsyncResult()
        if self._reader is None or self._reader.dead:
            self._reader = gevent.spawn(self._read)
        try:
            for _ in range(retries + 1):
                end = None if wait < 0 else monotonic() + wait / 1000
                try:
                    self._socket.send_multipart(frames, timeout=None if end is None else wait)
                except Again:
                    pass
                answer.wait(None if end is None else max(0, end - monotonic()))
                if answer.ready():
                    found: list[bytes] = answer.get()
                    return found
        finally:
            del self._questions[number]
            if not self._questions and self._reader is not None:
                self._reader.kill(block=False)
                self._reader = None
        raise self._late(retries + 1)

    def _read(self) -> None:
        try:
            while True:
                frames = self._socket.recv_multipart()
                answer = self._asked(frames)
                if answer is None or answer.ready():
                    self.dropped += 1
                else:
                    answer.set(frames[2:])
        except Exception as error:
            for answer in self._questions.values():
                if not answer.ready():
                    answer.set_exception(error)
