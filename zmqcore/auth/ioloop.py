"""The authenticator of tornado's loop, which is asyncio's today: an old name."""

from __future__ import annotations

import warnings
from typing import Any

from ..context import Context
from .asyncio import AsyncioAuthenticator

__all__ = ["IOLoopAuthenticator"]


class IOLoopAuthenticator(AsyncioAuthenticator):
    """Authenticate on the event loop. Deprecated: use `AsyncioAuthenticator`.

    Args:
        context (Context): as for `AsyncioAuthenticator`. Default None.
        encoding (str): as there. Default "utf-8".
        log (Any): as there. Default None.
        io_loop (Any): ignored: the running loop is used.
    """

    def __init__(
        self, context: Context[Any] | None = None, encoding: str = "utf-8", log: Any = None, io_loop: Any = None
    ) -> None:
        warnings.warn("IOLoopAuthenticator is deprecated: use zmqcore.auth.asyncio.AsyncioAuthenticator", DeprecationWarning, stacklevel=2)
        super().__init__(context=context, encoding=encoding, log=log)
