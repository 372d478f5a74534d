# Module functions: versions, capabilities, transports, proxy.

from base.errors cimport EFSM, EHOSTUNREACH, EMTHREAD, ENOCOMPATPROTO
from socket.proxy cimport proxy_free, proxy_init, proxy_run, proxy_t, PROXY_MORE
from transport.ops cimport TRANSPORT_IN_PROCESS
from transport.select cimport transports_init, transports_t, TRANSPORTS

IPC_PATH_MAX_LEN = 107

_TEXTS = {
    EFSM: "Operation cannot be accomplished in current state",
    ENOCOMPATPROTO: "The protocol is not compatible with the socket type",
    ETERM: "Context was terminated",
    EMTHREAD: "No thread available",
    EHOSTUNREACH: "Host unreachable",
}


def strerror(int errno):
    """Text of an error number, ZeroMQ's own ones included."""
    if errno in _TEXTS:
        return _TEXTS[errno]
    return os.strerror(errno)


def zmq_version_info():
    """The libzmq release whose behaviour is matched: (4, 3, 5)."""
    return (4, 3, 5)


def has(capability):
    """True for what this build can do: "ipc", "draft"... Unknown names are False."""
    cdef transports_t all
    cdef int i
    if not isinstance(capability, str):
        raise TypeError(f"expected str, got: {capability!r}")
    transports_init(&all)
    for i in range(TRANSPORTS):
        if all.table[i].optional and capability == all.table[i].scheme.decode():
            return True
    return False


def transports(bint within_process=False):
    """The transports of this build, and what an address of each looks like: {"tcp": "host:port", ...}. within_process: only those."""
    cdef transports_t all
    cdef int i
    transports_init(&all)
    return {
        all.table[i].scheme.decode(): all.table[i].form.decode()
        for i in range(TRANSPORTS) if not within_process or all.table[i].kind == TRANSPORT_IN_PROCESS
    }


def curve_keypair():
    """Not available yet: raises ZMQError(ENOTSUP)."""
    raise_errno(-ENOTSUP, "CURVE is not implemented in zmqcore")


def curve_public(secret_key):
    """Not available yet: raises ZMQError(ENOTSUP)."""
    raise_errno(-ENOTSUP, "CURVE is not implemented in zmqcore")


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
            zc_giveback_drain()
            if rc == PROXY_MORE or rc == -EINTR:
                PyErr_CheckSignals()
                continue
            if rc < 0:
                raise_errno(rc)
            return 0
    finally:
        proxy_free(&p)


def proxy(frontend, backend, capture=None):
    """Moves messages both ways between two sockets until the context ends or a socket is closed (raises ContextTerminated, ZMQError).
    `capture`, if given, gets a copy of every message."""
    run_proxy(frontend, backend, capture, None)


def proxy_steerable(frontend, backend, capture=None, control=None):
    """As proxy(), obeying PAUSE, RESUME, TERMINATE and STATISTICS from the `control` socket; returns 0 after TERMINATE."""
    return run_proxy(frontend, backend, capture, control)
