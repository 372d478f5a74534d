"""An authenticator in a thread of its own, beside programs that have no event loop.

Rules
- The thread ends when it is told to by `stop()`, with the context, or with the handler's socket. Nothing a peer sends ends it.
- It runs an event loop, on which coroutines of credentials providers may leave tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from ..asyncio import Poller
from ..constants import Flag, PollEvent, SocketType
from ..context import Context
from ..error import Again, ContextTerminated, ZMQError
from ..socket import Socket
from .base import Authenticator

__all__ = ["ThreadAuthenticator"]

TERMINATE = b"TERMINATE"
# Questions answered between two looks at the pipe.
BATCH = 100


class AuthenticationThread(Thread):
    """The thread of a `ThreadAuthenticator`, from `start()` on.

    Args:
        authenticator (Authenticator): what answers; its `zap_socket` is bound.
        pipe (Socket): what ends the thread: it receives a message, or its context ends.
        ended (Callable): called without arguments when the context or the socket has ended. Default None: `authenticator.stop`.
    """

    pipe: Socket[bytes]
    loop: asyncio.AbstractEventLoop
    authenticator: Authenticator
    poller: Poller | None = None

    def __init__(self, authenticator: Authenticator, pipe: Socket[bytes], ended: Callable[[], None] | None = None) -> None:
        super().__init__(daemon=True)
        self.ended = ended or authenticator.stop
        self.authenticator = authenticator
        self.log = authenticator.log
        self.pipe = pipe
        self.started = Event()

    def run(self) -> None:
        """Answer questions until the pipe says otherwise."""
        self.loop = asyncio.new_event_loop()
        handler = self.authenticator.zap_socket
        try:
            self.loop.run_until_complete(self._run())
        except ContextTerminated:
            self.ended()  # or else the context would wait for sockets that nobody is going to close
        except Exception:
            if not (self.pipe.closed or handler.closed):
                raise
            self.ended()  # somebody has closed them, by destroy() or one by one
        finally:
            self.loop.close()
            self.pipe.close(0)
            self.started.set()

    async def _run(self) -> None:
        handler = self.authenticator.zap_socket
        self.poller = Poller()
        self.poller.register(self.pipe, PollEvent.POLLIN)
        self.poller.register(handler, PollEvent.POLLIN)
        self.started.set()
        while self.pipe not in dict(await self.poller.poll()):
            for _ in range(BATCH):
                try:
                    msg = handler.recv_multipart(Flag.DONTWAIT)
                except Again:
                    break
                await self.authenticator._answer(msg)
                if self.pipe.poll(0):
                    break  # an answer may take a while, and whoever stops us waits
        self.log.debug("authentication ends")


class ThreadAuthenticator(Authenticator):
    """Authenticate in a background thread. Its methods may be called from any thread, whether it runs or not.

    Args:
        context (Context): whose sockets it is for. Default None: `Context.instance()`.
        encoding (str): of user names and passwords. Default "utf-8".
        log (Any): a logger. Default None: the one called "zmq.auth".

    Example:
        >>> from zmqcore.auth import CURVE_ALLOW_ANY
        >>> from zmqcore.auth.thread import ThreadAuthenticator
        >>> authenticator = ThreadAuthenticator(context)
        >>> authenticator.start()
        >>> authenticator.configure_curve(location=CURVE_ALLOW_ANY)
        >>> authenticator.stop()
    """

    pipe: Socket[bytes]
    pipe_endpoint: str = ""
    thread: AuthenticationThread

    def __init__(self, context: Context[Any] | None = None, encoding: str = "utf-8", log: Any = None) -> None:
        super().__init__(context=context, encoding=encoding, log=log)
        self.pipe = None  # type: ignore[assignment]  # until start(), as is the next
        self.thread = None  # type: ignore[assignment]
        self.pipe_endpoint = f"inproc://zmqcore.auth.{id(self):x}"

    def start(self) -> None:
        """Begin to answer, in a new thread.

        Raises:
            ZMQError (EADDRINUSE): the context has a handler; perhaps this one, which runs already.
        """
        super().start()
        end = None
        try:
            self.pipe = self.context.socket(SocketType.PAIR, socket_class=Socket)
            self.pipe.linger = 0
            self.pipe.bind(self.pipe_endpoint)
            end = self.context.socket(SocketType.PAIR, socket_class=Socket)
            end.linger = 0
            end.connect(self.pipe_endpoint)
            self.thread = AuthenticationThread(self, end, self._let_go)
            self.thread.start()
        except BaseException:
            if end is not None:
                end.close(0)
            self._let_go()
            raise
        self.thread.started.wait()

    def stop(self) -> None:
        """End the thread and wait for it. From then on handshakes wait for the next handler. Idempotent."""
        pipe, thread = self.pipe, self.thread
        if pipe and thread and thread.is_alive():
            try:
                pipe.send(TERMINATE)
            except ZMQError:
                pass  # the context ends, and the thread with it
            thread.join()
        self._let_go()

    def _let_go(self) -> None:
        if pipe := self.pipe:
            pipe.close(0)
        self.pipe = None  # type: ignore[assignment]
        self.thread = None  # type: ignore[assignment]
        super().stop()

    def is_alive(self) -> bool:
        """Return whether the thread is running."""
        thread = self.thread
        return bool(thread and thread.is_alive())

    def __del__(self) -> None:
        if getattr(self, "thread", None):
            self.stop()
