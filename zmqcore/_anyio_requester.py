"""Requests that are tried again in programs of anyio, on asyncio and trio alike. See `requester`.

Rules
- There is no task in the background, for nobody could say whose child it is: of the tasks that wait for answers one reads for all. When it goes
  another one takes its place.
- A task may be cancelled at any moment. What it would have read is read by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from anyio import Event, move_on_after

from .poll import milliseconds
from .requester import Asking

__all__ = ["Requester"]


class _Question:
    __slots__ = ("answer", "stirred")

    def __init__(self) -> None:
        self.answer: list[bytes] | None = None
        self.stirred: Event | None = None  # of a task that waits until it is answered, or is to read


class Requester(Asking):
    """Ask REP or ROUTER servers, and try again; awaited, by any number of tasks of one loop. See `zmqcore.requester.Requester`.

    Args:
        context (zmqcore.anyio.Context): makes the socket.
        endpoints (str | Iterable[str]): of the servers, which take turns.

    Attributes:
        dropped (int): answers that came when their question was over, and messages that are no answers.

    Raises:
        ZMQError: as `Socket.connect()`.
        TypeError: a context of another kind.
    """

    _awaited = True

    def __init__(self, context: Any, endpoints: str | Iterable[str]) -> None:
        super().__init__(context, endpoints)
        self._questions: dict[bytes, _Question] = {}
        self._reading = False

    async def __aenter__(self) -> Requester:
        return self

    async def __aexit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket. Requests that wait end with ZMQError (ENOTSOCK)."""
        self._socket.close()

    async def request(self, message: bytes | Sequence[bytes], timeout: float | None = None, retries: int = 0) -> list[bytes]:
        """Ask, await the answer, and ask the next server if there is none in time. See `zmqcore.requester.Requester.request()`.

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
        question = _Question()
        wait = milliseconds(timeout)
        self._questions[number] = question
        try:
            for _ in range(retries + 1):
                with move_on_after(None if wait < 0 else wait / 1000):
                    await self._socket.send_multipart(frames)
                    await self._answered(question)
                if question.answer is not None:
                    return question.answer
        finally:
            del self._questions[number]
        raise self._late(retries + 1)

    async def _answered(self, question: _Question) -> None:
        try:
            while question.answer is None:
                if self._reading:
                    question.stirred = Event()
                    await question.stirred.wait()
                else:
                    self._reading = True
                    try:
                        self._take(await self._socket.recv_multipart())
                    finally:
                        self._reading = False
        finally:
            question.stirred = None
            self._stir_one()  # it has read for all until now, or was chosen to and did not come to it

    def _take(self, frames: list[bytes]) -> None:
        question = self._asked(frames)
        if question is None or question.answer is not None:
            self.dropped += 1
            return
        question.answer = frames[2:]
        if question.stirred is not None:
            question.stirred.set()

    def _stir_one(self) -> None:
        if self._reading:
            return
        for question in self._questions.values():
            if question.stirred is not None and not question.stirred.is_set():
                question.stirred.set()
                return
