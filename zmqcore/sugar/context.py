"""pyzmq's name for zmqcore.context."""

from ..backend import Context as ContextBase  # noqa: F401
from ..constants import ContextOption as ContextOption
from ..constants import Errno as Errno
from ..constants import SocketOption as SocketOption
from ..context import Context, SyncContext
from ..error import ZMQError as ZMQError
from ..options import AttributeSetter as AttributeSetter
from ..socket import Socket as Socket
from ..socket import SyncSocket as SyncSocket
from ..utils.interop import cast_int_addr as cast_int_addr

__all__ = ["Context", "SyncContext"]
