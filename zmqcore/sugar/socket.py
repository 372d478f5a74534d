"""pyzmq's name for zmqcore.socket."""

from ..socket import Socket, SyncSocket

__all__ = ["Socket", "SyncSocket"]
