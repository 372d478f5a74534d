"""pyzmq's name for zmqcore.context."""

from ..context import Context, SyncContext

__all__ = ["Context", "SyncContext"]
