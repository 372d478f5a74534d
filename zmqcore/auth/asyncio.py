"""An authenticator on the event loop."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from ..asyncio import Poller
from ..constants import Flag, PollEvent
from ..context import Context
from ..error import Again, ContextTerminated, ZMQError
from ..socket import Socket
from .base import Authenticator

__all__ = ["AsyncioAuthenticator"]


class AsyncioAuthenticator(Authenticator):
    """Authenticate on the event loop, in a task of its own.

    Args:
        context (Context): whose sockets it is for, of whatever kind. Default None: `Context.instance()`.
        loop (Any): ignored, and deprecated: the running loop is used.
        encoding (str): of user names and passwords. Default "utf-8".
        log (Any): a logger. Default None: the one called "zmq.auth".

    Example:
        >>> import asyncio
        >>> from zmqcore.auth.asyncio import AsyncioAuthenticator
        >>> async def main():
        ...     authenticator = AsyncioAuthenticator(context)
        ...     authenticator.start()
        ...     authenticator.allow("127.0.0.1")
        ...     authenticator.stop()
        >>> asyncio.run(main())
    """

    def __init__(
        self, context: Context[Any] | None = None, loop: Any = None, encoding: str = "utf-8", log: Any = None
    ) -> None:
        super().__init__(context=context, encoding=encoding, log=log)
        if loop is not None:
            warnings.warn(
                f"{type(self).__name__}(loop) is deprecated and ignored: the running loop is used", DeprecationWarning, stacklevel=2
            )
        self.__task: asyncio.Future[None] | None = None  # pyzmq's name: programs ask whether it is done

    def start(self) -> None:
        """Begin to answer. To be called where the loop runs, or before it does.

        Raises:
            ZMQError (EADDRINUSE): the context has a handler.
        """
        super().start()
        try:
            self.__task = asyncio.ensure_future(self._run(self.zap_socket))
        except BaseException:
            super().stop()
            raise

    def stop(self) -> None:
        """End the task. From then on handshakes wait for the next handler. Idempotent."""
        if self.__task is not None:
            self.__task.cancel()
        super().stop()

    async def _run(self, handler: Socket[bytes]) -> None:
        poller = Poller()
        poller.register(handler, PollEvent.POLLIN)
        while not handler.closed:
            try:
                await poller.poll()
                await self._answer(handler.recv_multipart(Flag.DONTWAIT))
            except Again:
                pass
            except ContextTerminated:
                handler.close(0)
            except ZMQError:
                if not handler.closed:
                    raise
