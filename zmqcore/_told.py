"""Types that annotations name and that cost time to load: not by `import zmqcore`, but for who asks, with `typing.get_type_hints()` say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["ContextStatistics", "PeerStatistics", "SocketEvents", "SocketStatistics"]

if TYPE_CHECKING:
    from ._events import SocketEvents
    from .statistics import ContextStatistics, PeerStatistics, SocketStatistics
else:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import _events, statistics

        return getattr(_events if name == "SocketEvents" else statistics, name)
