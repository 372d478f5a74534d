"""pyzmq's name for zmqcore.socket."""

from ..backend import Socket as SocketBase  # noqa: F401
from ..constants import SocketOption as SocketOption
from ..constants import SocketType as SocketType
from ..error import ZMQBindError as ZMQBindError
from ..error import ZMQError as ZMQError
from ..options import AttributeSetter as AttributeSetter
from ..poll import Poller as Poller
from ..socket import Socket, SyncSocket
from ..socket_objects import DEFAULT_PROTOCOL as DEFAULT_PROTOCOL
from ..utils import jsonapi as jsonapi
from ..utils.interop import cast_int_addr as cast_int_addr

__all__ = ["Socket", "SyncSocket"]
