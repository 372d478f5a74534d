"""The exceptions of the package.

Rules
- Every error of a call is a ZMQError whose `errno` is the number that libzmq would have set.
- The errnos that programs handle apart have classes of their own: Again, ContextTerminated, InterruptedSystemCall.
- `from_errno` is the one place that chooses the class; the compiled core raises what it returns.
"""

from __future__ import annotations

import os
from errno import EAFNOSUPPORT, EINTR, ENAMETOOLONG, ENODEV, ENOENT, EPERM

from ._core import IPC_PATH_MAX_LEN, strerror, transports, zmq_errno, zmq_version_info
from .constants import Errno, SocketType

__all__ = [
    "DraftFDWarning",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "NotDone",
    "ObjectError",
    "UntrustedPickleError",
    "UntrustedPickleWarning",
    "ContextTerminated",
    "InterruptedSystemCall",
    "Again",
    "ZMQVersionError",
]


class DraftFDWarning(RuntimeWarning):
    """Warn of the descriptor of a thread-safe draft socket. zmqcore never does: all its sockets have one."""

    def __init__(self, msg: str = "") -> None:
        super().__init__(msg or "file descriptors of thread-safe sockets are not part of libzmq's stable API")


class ZMQBaseError(Exception):
    """Base of all exceptions that this package raises on its own account."""


class ZMQError(ZMQBaseError):
    """A call failed.

    Attributes:
        errno (int | None): the number, as libzmq sets it. Compare with zmq.EADDRINUSE, errno.EINVAL, ...
        strerror (str): the text, also str() of the exception.

    Args:
        errno (int | str): the number; or a bare text. Default None: the calling thread's last one.
        msg (str): the text. Default None: that of the number.

    Example:
        >>> try:
        ...     push.recv()
        ... except zmq.ZMQError as error:
        ...     print(error.errno == zmq.ENOTSUP)
        True
    """

    errno: int | None = None
    strerror: str

    def __init__(self, errno: int | str | None = None, msg: str | None = None) -> None:
        if isinstance(errno, str):  # a bare message
            self.strerror = errno
            return
        number = zmq_errno() if errno is None else errno
        self.errno = number
        self.strerror = strerror(number) if msg is None else msg

    def __str__(self) -> str:
        return self.strerror

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"


class ZMQBindError(ZMQBaseError):
    """`Socket.bind_to_random_port()` found no free port."""


class NotDone(ZMQBaseError):
    """The timeout of `MessageTracker.wait()` is over."""


class ObjectError(ZMQBaseError, TypeError):
    """`recv_object()` received something else than the declared type. The message is gone; the socket goes on.

    Attributes:
        path (str): where in the message: `$` is the whole, `$.orders[3].id` a part of it.
        reason (str): what is wrong there.

    Args:
        path (str): see above.
        reason (str): see above.

    Example:
        >>> push.send_object({"id": 1, "tags": ["new", 2]})
        >>> try:
        ...     pull.recv_object(dict[str, int | list[str]])
        ... except zmq.ObjectError as error:
        ...     print(f"{error.path}: {error.reason}")
        $.tags[1]: expected str, got int
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)  # so that it can be pickled
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; the message is dropped: sender and receiver have to agree on type and codec"


class UntrustedPickleError(ZMQBaseError):
    """`recv_pyobj()` received a pickle that it must not unpickle: nothing in it has been run. The message is gone; the socket goes on."""


class UntrustedPickleWarning(UserWarning):
    """`recv_pyobj()` unpickles what a peer sent that is neither authenticated nor on this machine: it can run any code here.

    `python -W error::zmqcore.UntrustedPickleWarning` makes it an error; `recv_pyobj(trusted_only=True)`, the attribute
    `trusted_pickles_only` of a context, and the environment variable ZMQCORE_TRUSTED_PICKLES_ONLY=1 refuse such pickles.
    """


# The classes below are one errno each. Their numbers and texts belong to the class, so that raising one costs no more than any
# Python exception does: a non-blocking receive loop raises Again all the time.


class ContextTerminated(ZMQError):
    """The context of the socket has been ended, or is ending (ETERM)."""

    errno = Errno.ETERM
    strerror = strerror(Errno.ETERM)

    def __init__(self, errno: object = "ignored", msg: object = "ignored") -> None:
        pass


class Again(ZMQError):
    """The call would have to wait, or its timeout is over (EAGAIN).

    Example:
        >>> try:
        ...     pull.recv(zmq.DONTWAIT)
        ... except zmq.Again:
        ...     print("nothing yet")
        nothing yet
    """

    errno = Errno.EAGAIN
    strerror = strerror(Errno.EAGAIN)

    def __init__(self, errno: object = "ignored", msg: object = "ignored") -> None:
        pass


class InterruptedSystemCall(ZMQError, InterruptedError):
    """A signal interrupted the call (EINTR). Calls are retried (PEP 475), so programs do not meet this one."""

    errno = EINTR
    strerror = strerror(EINTR)

    def __init__(self, errno: object = "ignored", msg: object = "ignored") -> None:
        pass

    def __str__(self) -> str:
        return f"{self.strerror}: the call should have been retried"


class ZMQVersionError(NotImplementedError):
    """A feature needs a newer ZeroMQ than the one whose behaviour is matched."""

    def __init__(self, min_version: str, msg: str = "Feature") -> None:
        self.msg = msg
        self.min_version = min_version
        self.version = _dotted(zmq_version_info())

    def __str__(self) -> str:
        return f"{self.msg} requires libzmq >= {self.min_version}, have {self.version}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"


_CLASSES: dict[int, type[ZMQError]] = {
    Errno.EAGAIN: Again,
    Errno.ETERM: ContextTerminated,
    EINTR: InterruptedSystemCall,
}


def from_errno(errno: int, msg: str | None = None) -> ZMQError:
    """The exception that stands for `errno`, ready to be raised. `msg` tells more: an address, or what is wrong."""
    known = _CLASSES.get(errno)
    if known is not None:
        return known()
    return ZMQError(errno, None if msg is None else f"{strerror(errno)} ({msg})")


def time_is_over(sending: bool, timeout: float | None, option: int) -> Again:
    """The Again of a send or receive that waited in vain. The text says which limit ended it: `timeout=`, or SNDTIMEO or RCVTIMEO (ms, -1: none)."""
    if timeout is not None and (timeout >= 0 and (option < 0 or timeout <= option)):
        limit = f"timeout={round(float(getattr(timeout, 'whole', timeout)), 1):g} ms"  # a Rest knows what it is left of
    else:
        limit = f"{'SNDTIMEO' if sending else 'RCVTIMEO'}, {option} ms"
    late = Again()
    late.strerror = f"time is over: {'no room for the message' if sending else 'nothing to receive'} within {limit}"
    return late


_TURNS: dict[tuple[int, bool], str] = {
    (SocketType.REQ, True): "a REQ has to receive the whole reply before it sends again",
    (SocketType.REQ, False): "a REQ has to send a whole request before it receives",
    (SocketType.REP, True): "a REP has to receive a whole request before it sends",
    (SocketType.REP, False): "a REP has to send the whole reply before it receives again",
}


def about_transfer(errno: int, socket_type: int, sending: bool) -> str | None:
    """What the text of an error says of a send or receive that failed."""
    if errno == Errno.EFSM:
        return _TURNS.get((socket_type, sending))
    if errno == Errno.ENOTSUP:
        kind = SocketType(socket_type).name if socket_type in SocketType._value2member_map_ else "these"
        return f"{kind} sockets cannot {'send' if sending else 'receive'}"
    if errno == Errno.EHOSTUNREACH:
        if socket_type in (SocketType.SERVER, SocketType.PEER):
            return "no connected peer has this routing id; pass routing_id=, from Frame.routing_id of a message that the peer has sent"
        return "no peer has the routing id in the first frame"
    if errno == Errno.ENOBUFS:
        return "the queue is full (SNDHWM, SNDHWM_BYTES), and OVERFLOW says to refuse"
    return None


def address_error(errno: int, addr: str | bytes) -> ZMQError:
    """The exception of a call that failed for an endpoint. Its text tells what is wrong with the address, if it can, and the address."""
    hint = _hint(errno, addr.decode(errors="replace") if isinstance(addr, bytes) else addr)
    error = from_errno(errno)
    if type(error) is ZMQError:
        error.strerror += f"{hint} (addr={addr!r})"
    return error


def _hint(errno: int, addr: str) -> str:
    transport, separator, address = addr.partition("://")
    form = transports().get(transport) or ""
    by_host = form.startswith("host:port")
    if errno == ENAMETOOLONG and form == "path":
        return f": more than the system takes; where it has no long paths, and of names that begin with @, {IPC_PATH_MAX_LEN} bytes (zmq.IPC_PATH_MAX_LEN)"
    if errno == Errno.EINVAL and not (transport and separator and address):
        return ": expected transport://address"
    if errno == Errno.EINVAL and by_host:
        host, _, port = (address.partition("/")[0] if "/" in form else address).rpartition(":")
        if not host or not (port == "*" or (port.isdecimal() and int(port) < 1 << 16)):
            return f": expected {transport}://{form}"
        if host == "*" or port == "*":
            return ": * is for bind(), connect() needs a host and a port"
    if form == "interface;group:port":
        return _hint_group(errno, transport, address)
    if errno == Errno.ENOCOMPATPROTO:
        return _hint_pattern(transport)
    if errno == ENODEV and by_host:
        return f": no such host or interface here; {transport}://*:port binds all"
    if errno == ENOENT and form != "path":
        return ": the socket has no such endpoint"
    if errno == Errno.ENOTSUP and form != "path":
        return ": this transport cannot carry the mechanism of the socket"
    if errno == Errno.EPROTONOSUPPORT and transport in _NO_TRANSPORTS:
        return f": zmqcore has no {transport}://; {_NO_TRANSPORTS[transport]}"
    if not form and errno == EAFNOSUPPORT:
        return f": this system has no {transport}; Linux has it with its module {transport}"
    if not form and errno == Errno.EINVAL:
        return f": no address of {transport}://, and this system has no {transport}"
    if form in _FORMS_OF_THE_KERNEL:
        return _hint_family(errno, transport, form)
    if errno == Errno.EPROTONOSUPPORT:
        *others, last = [f"{scheme}://" for scheme in transports()]
        return f": zmqcore has {', '.join(others)} and {last}"
    if errno == Errno.EADDRINUSE and (form == "path" or by_host):
        from . import _taken

        return _taken.path_taken(address) if form == "path" else _taken.port_taken(address)
    if errno == Errno.EADDRINUSE:
        return ": a socket of this context is bound to it"
    if form == "path":
        return _hint_file(errno, address)
    return ""


def _hint_pattern(transport: str) -> str:
    return (
        f": {transport}:// is not for this type of socket, or not at this end (a RADIO connects to udp://, a DISH or DGRAM binds to it, none with a "
        "security mechanism; STREAM and ROUTER_RAW are for tcp://, ipc:// and tls+tcp://)"
    )


def _hint_file(errno: int, path: str) -> str:
    if errno == ENOENT:
        return ": the socket has no such endpoint" if os.path.isdir(os.path.dirname(path) or ".") else ": there is no such directory"
    if errno == EPERM:
        return ": this process may not give the socket file that owner, group or mode (IPC_FILE_UID, IPC_FILE_GID, IPC_FILE_MODE)"
    if errno == Errno.EINVAL and path.startswith("@") and len(path) > 1:
        return ": a name without a file has no owner and no mode (IPC_FILE_UID, IPC_FILE_GID, IPC_FILE_MODE)"
    if errno == Errno.ENOTSUP:
        return ": this system has no owner and no mode for a socket file (IPC_FILE_UID, IPC_FILE_GID, IPC_FILE_MODE)"
    return ""


# Transports of libzmq's that are not built in, with what does for them.
_NO_TRANSPORTS = {"norm": "epgm:// is reliable multicast, too", "vmci": "vsock:// reaches virtual machines, VMware's included"}
# Addresses of transports that a kernel may lack, with what else there is to know of them.
_FORMS_OF_THE_KERNEL = {
    "cid:port": ", of numbers; * is for bind()",
    "{type,instance}": ", to bind also {type,first,last} or <*>, to connect also {type,instance}@z.c.n or <z.c.n:reference>; types begin with 64",
}


def _hint_family(errno: int, transport: str, form: str) -> str:
    if errno == ENODEV:
        return f": this machine has no number of its own (no /dev/{transport}); {transport}://*:port binds without one"
    if errno == Errno.EINVAL:
        return f": expected {transport}://{form}{_FORMS_OF_THE_KERNEL[form]}"
    if errno == Errno.EADDRINUSE:
        return ": something else is bound to it"
    return ""


def _hint_group(errno: int, transport: str, address: str) -> str:
    if errno == EPERM:
        return f": {transport}:// needs the right to make raw sockets (root, on Linux CAP_NET_RAW); epgm:// needs none"
    if errno == Errno.ENOCOMPATPROTO:
        return f": {transport}:// is for PUB, XPUB, SUB and XSUB sockets without a security mechanism"
    if errno == ENODEV:
        return ": there is no such interface, or it has no address of the groups' family"
    if errno == Errno.EINVAL:
        return f": expected {transport}://interface;group:port, and at least 90 for MULTICAST_MAXTPDU"
    return ""


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _check_rc(rc: int, errno: int | None = None, error_without_errno: bool = True) -> None:
    """Raises what `errno` stands for if `rc` is -1, the C API's sign of failure."""
    if rc == -1:
        number = zmq_errno() if errno is None else errno
        if number or error_without_errno:
            raise from_errno(number)


def _check_version(min_version_info: tuple[int, ...], msg: str = "Feature") -> None:
    if zmq_version_info() < min_version_info:
        raise ZMQVersionError(_dotted(min_version_info), msg)
