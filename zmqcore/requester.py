"""Requests that are tried again: many in flight on one socket, from several threads or tasks.

Rules
- A question is one number for all its attempts, in front of the empty frame: a REP, and a ROUTER that keeps envelopes, send it back. An answer to any
  attempt is the answer; what comes for a question that is over is dropped, and counted.
- Servers take turns, and only those that are connected take part (IMMEDIATE): a server that dies is skipped, and a question that died with
  it goes to the next one with the next attempt.
- Whichever thread waits reads for all (one at a time); of tasks, one that is there while there are questions.
- `zmqcore.anyio.Requester` and `zmqcore.green.Requester` are the same for other ways to wait.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ._arguments import check_kind, message_frames
from .constants import DEALER, DONTWAIT, IMMEDIATE, LINGER, POLLIN, POLLOUT, RCVTIMEO, SNDTIMEO
from .error import Again
from .poll import milliseconds

__all__ = ["AsyncRequester", "Requester"]

_NUMBER = struct.Struct("=QQ")  # of this requester, at random; of the question


class _Question:
    __slots__ = ("answer", "deadline")

    def __init__(self) -> None:
        self.answer: list[bytes] | None = None
        self.deadline: float | None = None

    def begin(self, timeout: int) -> None:
        self.deadline = None if timeout < 0 else time.monotonic() + timeout / 1000

    def left(self) -> float | None:
        """Seconds; None: without limit."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


class Asking:
    """What all kinds have in common."""

    _questions: dict[bytes, Any]  # by number; what there is of each is the kind's own
    _awaited = False  # whether it is for sockets whose calls are awaited

    def __init__(self, context: Any, endpoints: str | Iterable[str]) -> None:
        self.dropped = 0
        self._socket = context.socket(DEALER)
        self._numbers = itertools.count(1)
        self._own = int.from_bytes(os.urandom(8), "little")
        try:
            check_kind(self, self._socket, self._awaited)
            self._socket.set(IMMEDIATE, 1)
            self._socket.set(LINGER, 0)
            self._socket.set(RCVTIMEO, -1)  # those of the context are not for this: each question has a time of its own
            self._socket.set(SNDTIMEO, -1)
            for endpoint in [endpoints] if isinstance(endpoints, (str, bytes)) else endpoints:
                self._socket.connect(endpoint)
        except BaseException:
            self._socket.close()
            raise

    @property
    def socket(self) -> Any:
        """The DEALER that asks: for options, `statistics()` and further `connect()`. It is not to be sent to or received from."""
        return self._socket

    def _number(self) -> bytes:
        return _NUMBER.pack(self._own, next(self._numbers))

    def _asked(self, frames: list[bytes]) -> Any:
        """The question that a message answers; None: it is none that is waited for, or no answer at all."""
        return self._questions.get(frames[0]) if len(frames) > 2 and frames[1] == b"" else None

    def _begin(self, message: bytes | Sequence[bytes], retries: int) -> tuple[bytes, list[bytes]]:
        """The number of a question, and what is sent."""
        if retries < 0:
            raise ValueError(f"retries is how many attempts follow the first, 0 or more, not {retries}")
        number = self._number()
        return number, [number, b"", *message_frames(message)]

    def _late(self, attempts: int) -> Again:
        error = Again()
        error.strerror = f"no answer to {attempts} attempt{'s' if attempts > 1 else ''}"
        return error


class Requester(Asking):
    """Ask REP or ROUTER servers, and try again. Any number of threads may ask at the same time.

    Args:
        context (Context): makes the socket.
        endpoints (str | Iterable[str]): of the servers, which take turns.

    Attributes:
        dropped (int): answers that came when their question was over, and messages that are no answers.

    Raises:
        ZMQError: as `Socket.connect()`.
        TypeError: a context of another kind.

    Example:
        >>> import threading, zmqcore as zmq
        >>> from zmqcore.requester import Requester
        >>> context = zmq.Context()
        >>> server = context.socket(zmq.REP)
        >>> bound = server.bind("tcp://127.0.0.1:*")
        >>> echo = threading.Thread(target=lambda: server.send(server.recv()))
        >>> echo.start()
        >>> with Requester(context, bound.addr) as requester:
        ...     requester.request(b"hello", timeout=5000, retries=1)
        [b'hello']
        >>> echo.join()
        >>> server.close()
        >>> context.term()
    """

    def __init__(self, context: Any, endpoints: str | Iterable[str]) -> None:
        super().__init__(context, endpoints)
        self._changed = threading.Condition()
        self._questions: dict[bytes, _Question] = {}
        self._reading = False

    def __enter__(self) -> Requester:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket. Threads that wait for an answer get ZMQError (ENOTSOCK)."""
        self._socket.close()
        with self._changed:
            self._changed.notify_all()

    def request(self, message: bytes | Sequence[bytes], timeout: float | None = None, retries: int = 0) -> list[bytes]:
        """Ask, wait for the answer, and ask the next server if there is none in time.

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
        with self._changed:
            self._questions[number] = question
        try:
            for _ in range(retries + 1):
                question.begin(wait)
                if self._send(frames, question):
                    self._await(question)
                if question.answer is not None:
                    return question.answer
        finally:
            with self._changed:
                del self._questions[number]
        raise self._late(retries + 1)

    def _send(self, frames: list[bytes], question: _Question) -> bool:
        while True:
            try:
                self._socket.send_multipart(frames, DONTWAIT)
                return True
            except Again:
                left = question.left()
                if left == 0 or not self._socket.poll(None if left is None else left * 1000, POLLOUT):
                    return False

    def _await(self, question: _Question) -> None:
        """Until there is an answer, or time is over."""
        while True:
            with self._changed:
                while self._reading and question.answer is None and question.left() != 0:
                    self._changed.wait(question.left())
                if question.answer is not None or question.left() == 0:
                    return
                self._reading = True
            try:
                self._read(question.left())
            finally:
                with self._changed:
                    self._reading = False
                    self._changed.notify_all()

    def _read(self, left: float | None) -> None:
        """Take in what comes, for whatever question."""
        if not self._socket.poll(None if left is None else left * 1000, POLLIN):
            return
        while True:
            try:
                frames = self._socket.recv_multipart(DONTWAIT)
            except Again:
                return
            with self._changed:
                question = self._asked(frames)
                if question is None or question.answer is not None:
                    self.dropped += 1
                else:
                    question.answer = frames[2:]


class AsyncRequester(Asking):
    """Ask REP or ROUTER servers, and try again; awaited, by any number of tasks of one asyncio loop. See `Requester`.

    Args:
        context (zmqcore.asyncio.Context): makes the socket.
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
        self._questions: dict[bytes, asyncio.Future[list[bytes]]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> AsyncRequester:
        return self

    async def __aexit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket. Requests that wait are cancelled."""
        if self._reader is not None:
            self._reader.cancel()
        for future in self._questions.values():
            future.cancel()
        self._socket.close()

    async def request(self, message: bytes | Sequence[bytes], timeout: float | None = None, retries: int = 0) -> list[bytes]:
        """Ask, await the answer, and ask the next server if there is none in time. See `Requester.request()`.

        Args:
            message (bytes | Sequence[bytes]): the question, one frame or several.
            timeout (float): milliseconds for each attempt; None waits without limit. Default None.
            retries (int): attempts after the first. Default 0.

        Returns:
            list[bytes]: the frames of the answer.

        Raises:
            Again, TypeError, IndexError, ValueError, ZMQError, ContextTerminated: as `Requester.request()`.
        """
        number, frames = self._begin(message, retries)
        wait = milliseconds(timeout)
        seconds = None if wait < 0 else wait / 1000
        future = self._questions[number] = asyncio.get_running_loop().create_future()
        if self._reader is None or self._reader.done():
            self._reader = asyncio.ensure_future(self._read())
        try:
            for _ in range(retries + 1):
                try:
                    return await asyncio.wait_for(self._ask(frames, future), seconds)
                except asyncio.TimeoutError:
                    pass
        finally:
            del self._questions[number]
            if not self._questions and self._reader is not None:
                self._reader.cancel()
                self._reader = None  # the next question may come before it has ended
        raise self._late(retries + 1)

    async def _ask(self, frames: list[bytes], future: asyncio.Future[list[bytes]]) -> list[bytes]:
        await self._socket.send_multipart(frames)
        return await asyncio.shield(future)

    async def _read(self) -> None:
        try:
            while True:
                frames = await self._socket.recv_multipart()
                future = self._asked(frames)
                if future is None or future.done():
                    self.dropped += 1
                else:
                    future.set_result(frames[2:])
        except Exception as error:
            for future in self._questions.values():
                if not future.done():
                    future.set_exception(error)
