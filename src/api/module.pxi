# Module functions: versions, capabilities, transports, proxy.

from base.errors cimport (
    EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, ECONNABORTED, ECONNREFUSED, ECONNRESET, EFSM, EHOSTUNREACH, EINPROGRESS,
    EMSGSIZE, EMTHREAD, ENETDOWN, ENETRESET, ENETUNREACH, ENOBUFS, ENOCOMPATPROTO, ENOTCONN, ETIMEDOUT,
)
from socket.proxy cimport proxy_free, proxy_init, proxy_run, proxy_t, PROXY_MORE
from transport.ops cimport TRANSPORT_IN_PROCESS
from transport.select cimport transports_init, transports_t

IPC_PATH_MAX_LEN = 107

# The numbers in errors: the C library's. On Windows Python's module errno has the socket library's under these names.
errnos = {
    "EAGAIN": EAGAIN,
    "EFAULT": EFAULT,
    "EINVAL": EINVAL,
    "ENOTSUP": ENOTSUP,
    "EPROTONOSUPPORT": EPROTONOSUPPORT,
    "ENOBUFS": ENOBUFS,
    "ENETDOWN": ENETDOWN,
    "EADDRINUSE": EADDRINUSE,
    "EADDRNOTAVAIL": EADDRNOTAVAIL,
    "ECONNREFUSED": ECONNREFUSED,
    "EINPROGRESS": EINPROGRESS,
    "ENOTSOCK": ENOTSOCK,
    "EMSGSIZE": EMSGSIZE,
    "EAFNOSUPPORT": EAFNOSUPPORT,
    "ENETUNREACH": ENETUNREACH,
    "ECONNABORTED": ECONNABORTED,
    "ECONNRESET": ECONNRESET,
    "ENOTCONN": ENOTCONN,
    "ETIMEDOUT": ETIMEDOUT,
    "EHOSTUNREACH": EHOSTUNREACH,
    "ENETRESET": ENETRESET,
}

# For a system that has numbers of them and no texts.
_TEXTS_ELSEWHERE = {
    ENOTSUP: "Not supported",
    EPROTONOSUPPORT: "Protocol not supported",
    ENOBUFS: "No buffer space available",
    ENETDOWN: "Network is down",
    EADDRINUSE: "Address in use",
    EADDRNOTAVAIL: "Address not available",
    ECONNREFUSED: "Connection refused",
    EINPROGRESS: "Operation in progress",
    ENOTSOCK: "Not a socket",
    EMSGSIZE: "Message too long",
    EAFNOSUPPORT: "Address family not supported",
    ENETUNREACH: "Network unreachable",
    ECONNABORTED: "Connection aborted",
    ECONNRESET: "Connection reset",
    ENOTCONN: "Not connected",
    ETIMEDOUT: "Timed out",
    ENETRESET: "Network reset",
}

_TEXTS = {
    EFSM: "Operation cannot be accomplished in current state",
    ENOCOMPATPROTO: "The protocol is not compatible with the socket type",
    ETERM: "Context was terminated",
    EMTHREAD: "No thread available",
    EHOSTUNREACH: "Host unreachable",
}


def strerror(int errno: int) -> str:
    """The text of an error number, ZeroMQ's own numbers included.

    Args:
        errno (int): any number.

    Returns:
        str: the text.

    Example:
        >>> zmq.strerror(zmq.ETERM)
        'Context was terminated'
    """
    if errno in _TEXTS:
        return _TEXTS[errno]
    text = os.strerror(errno)
    return _TEXTS_ELSEWHERE.get(errno, text) if text.startswith("Unknown error") else text


def zmq_version_info() -> tuple[int, int, int]:
    """The release of libzmq whose behaviour is matched.

    Returns:
        tuple[int, int, int]: (4, 3, 5).
    """
    return (4, 3, 5)


def has(capability: str) -> bool:
    """Tell whether this build can do something.

    Args:
        capability (str): "ipc", "curve", "draft", "pgm", "norm", "tipc", "gssapi", "vmci", "WS", "WSS", "lz4", "zstd", ...

    Returns:
        bool: True if so; False for what is not there yet and for unknown names. "curve" is True if PyNaCl is installed,
            which is not loaded for that.

    Raises:
        TypeError: `capability` is not str.

    Source: zmq_has in the ZeroMQ API.
    """
    cdef transports_t all
    cdef int i
    if not isinstance(capability, str):
        raise TypeError(f"expected str, got: {capability!r}")
    if capability == "draft":
        return True         # in every build
    if capability == "gssapi":
        return bool(gss_found())
    if capability == "curve":
        import zmqcore._sodium
        return zmqcore._sodium.installed()
    transports_init(&all)
    for i in range(all.count):
        scheme = all.table[i].scheme.decode()
        # "ipc", but "WS"; pyomq asks for "lz4"
        if all.table[i].optional and capability in (scheme, scheme.upper(), scheme.removesuffix("+tcp")):
            return transport_there(&all.table[i])
    return False


def transports(bint within_process: bool = False) -> dict[str, str]:
    """The transports of this build and system, and what an address of each looks like: {"tcp": "host:port", ...}. within_process: only those."""
    cdef transports_t all
    cdef int i
    transports_init(&all)
    return {
        all.table[i].scheme.decode(): all.table[i].form.decode()
        for i in range(all.count)
        if (all.table[i].there == NULL or all.table[i].there()) and (not within_process or all.table[i].kind == TRANSPORT_IN_PROCESS)
    }


cdef socket_t *proxied(sock) except NULL:
    if not isinstance(sock, Socket):
        raise TypeError(f"expected a Socket, not {type(sock).__name__}")
    (<Socket> sock).check()
    return (<Socket> sock).s


cdef int run_proxy(frontend, backend, capture, control) except -1:
    cdef proxy_t p
    cdef int rc
    proxy_init(
        &p, proxied(frontend), proxied(backend), NULL if capture is None else proxied(capture), NULL if control is None else proxied(control))
    try:
        while True:
            with nogil:
                rc = proxy_run(&p)
            zc_decref_drain()
            if rc == PROXY_MORE or rc == -EINTR:
                PyErr_CheckSignals()
                continue
            if rc < 0:
                raise_errno(rc)
            return 0
    finally:
        proxy_free(&p)


def proxy(frontend: Socket, backend: Socket, capture: Socket | None = None) -> None:
    """Forward messages between two sockets, both ways, until the context ends. Blocks; start it in a thread.

    Args:
        frontend (Socket): one side, such as a ROUTER for clients or an XSUB for publishers.
        backend (Socket): the other, such as a DEALER for workers or an XPUB for subscribers. The same socket
            on both sides is an echo.
        capture (Socket): gets a copy of every message. Default None.

    Raises:
        ContextTerminated (ETERM): the context has been ended; the usual end of a proxy.
        ZMQError (ENOTSOCK): a socket has been closed.
        TypeError: not a socket.

    Source: zmq_proxy in the ZeroMQ API.

    Example:
        >>> import threading
        >>> frontend, backend = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        >>> bound = frontend.bind("inproc://clients"), backend.bind("inproc://workers")
        >>> def forward():
        ...     try:
        ...         zmq.proxy(frontend, backend)
        ...     except zmq.ContextTerminated:
        ...         pass
        >>> threading.Thread(target=forward).start()
    """
    run_proxy(frontend, backend, capture, None)


def proxy_steerable(
    frontend: Socket, backend: Socket, capture: Socket | None = None, control: Socket | None = None
) -> int:
    """Forward messages as `proxy()` does, under control.

    The commands, received by the control socket, are PAUSE, RESUME, TERMINATE and STATISTICS. Each one
    is answered, if the control socket can send, with an empty frame or the statistics: eight 64-bit numbers,
    frames and bytes received and sent by the frontend, then by the backend.

    Args:
        frontend (Socket): one side.
        backend (Socket): the other side.
        capture (Socket): gets a copy of every message. Default None.
        control (Socket): PAIR, REP or SUB that receives commands. Default None.

    Returns:
        int: 0, after TERMINATE.

    Raises:
        ContextTerminated (ETERM): the context has been ended.
        ZMQError (ENOTSOCK): a socket has been closed.
        TypeError: not a socket.

    Source: zmq_proxy_steerable in the ZeroMQ API.
    """
    return run_proxy(frontend, backend, capture, control)
