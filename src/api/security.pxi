# Security in one line: a secret key that no Python object shows, policies that are decided in Python, and the calls that secure a socket.

from base.errors cimport EBUSY
from base.platform cimport zc_thread_detach, zc_thread_start, zc_thread_t
from base.secret cimport zc_same_secret, zc_wipe
from message.message cimport msg_data
from option.key cimport key_to_text
from socket.authenticate cimport question_answer
from socket.policy cimport (
    ABOUT_ADDRESS, ABOUT_KEY, ABOUT_PROPERTIES, POLICY_ADMITTED, POLICY_BROKEN, policy_close, policy_new, policy_next,
    policy_unref, policy_vouch,
)
from socket.secure cimport socket_secure
from socket.security cimport security_lacks
from socket.state cimport policy_t, question_t
from socket.stream_endpoints cimport endpoint_lacks


cdef int refuse_endpoint(_SocketBase sock, int rc, addr, bytes text, bint connects) except -1:
    """Raises for a bind or connect that failed, which may be for want of a key or a certificate."""
    cdef const char *lacking = NULL
    cdef const char *p = text
    cdef size_t n = len(text)
    if rc == -EINVAL:
        with nogil:
            zc_lock_acquire(&sock.s.lock)
            lacking = security_lacks(sock.s)
            if lacking == NULL:
                lacking = endpoint_lacks(sock.s, p, n, connects)
            leave_socket(sock.s)
    if lacking != NULL:
        raise_errno(rc, f"{lacking.decode()} (addr={addr!r})")
    return raise_address(rc, addr)


cdef class SecretKey:
    """The compiled half of `zmqcore.SecretKey`: a secret in memory of its own, wiped at the end.

    Args:
        key (str | bytes | buffer): 32 bytes or 40 characters of Z85. Default None: a new one.
    """
    cdef unsigned char secret[CURVE_KEY_SIZE]
    cdef readonly bytes _public

    def __cinit__(self, key=None):
        cdef unsigned char public[32]
        cdef Py_buffer view
        cdef const crypto_t *c = crypto_load()
        cdef int rc
        if key is None:
            c.box_keypair(public, self.secret)
        else:
            if isinstance(key, str):
                key = key.encode("utf-8", "surrogatepass")
            PyObject_GetBuffer(key, &view, PyBUF_ANY_CONTIGUOUS)
            rc = key_read(<const unsigned char *> view.buf, <size_t> view.len, self.secret)
            PyBuffer_Release(&view)
            if rc < 0:
                raise ValueError(f"a secret key has {CURVE_KEY_TEXT_SIZE} characters (Z85) or {CURVE_KEY_SIZE} bytes")
            c.scalarmult_base(public, self.secret)
        self._public = (<char *> public)[:CURVE_KEY_SIZE]

    def __init__(self, key=None):
        pass

    def __dealloc__(self):
        zc_wipe(self.secret, sizeof(self.secret))

    def _same(self, SecretKey other not None):
        """Whether both are one key. Takes the same time whatever they are."""
        return zc_same_secret(self.secret, other.secret, CURVE_KEY_SIZE)

    def _reveal_into(self, buffer):
        """Puts the secret, as 40 characters of Z85, into memory that the caller wipes."""
        cdef Py_buffer view
        cdef char text[CURVE_KEY_TEXT_SIZE + 1]
        writable_buffer(buffer, &view)
        key_to_text(self.secret, text)
        memcpy(view.buf, text, min(view.len, CURVE_KEY_TEXT_SIZE))
        zc_wipe(text, sizeof(text))
        PyBuffer_Release(&view)


# ---- policies that are decided in Python

# What a policy's thread works with.
cdef struct decider_t:
    policy_t *policy
    void *decide                        # a Python object


cdef int decide(object ask, question_t *q, metadata_t **found) noexcept:
    """The answer to a question: a status."""
    cdef int status = POLICY_BROKEN
    try:
        answer, user = ask(
            (<char *> msg_data(&q.frames[ABOUT_KEY]))[:q.frames[ABOUT_KEY].size],
            (<char *> msg_data(&q.frames[ABOUT_ADDRESS]))[:q.frames[ABOUT_ADDRESS].size].decode("ascii", "replace"),
            (<char *> msg_data(&q.frames[ABOUT_PROPERTIES]))[:q.frames[ABOUT_PROPERTIES].size])
        if answer == POLICY_ADMITTED and policy_vouch(found, <char *> (<bytes> user), len(<bytes> user)) < 0:
            return POLICY_BROKEN
        status = answer
    except BaseException:               # it has logged what went wrong, and cannot even do that
        pass
    return status


cdef void decider_main(void *whose) noexcept nogil:
    """A policy's thread. It asks for the GIL with no lock held, for the interpreter may stop it there for ever."""
    cdef decider_t *d = <decider_t *> whose
    cdef question_t *q
    cdef metadata_t *found
    cdef int status
    while True:
        q = policy_next(d.policy)
        if q == NULL:
            break
        found = NULL
        with gil:
            status = decide(<object> d.decide, q, &found)
        question_answer(q, status, 0, 0, found)
    with gil:
        Py_DECREF(<object> d.decide)
    policy_unref(d.policy)
    free(d)


cdef int start_decider(policy_t *policy, object ask) except -1:
    """Starts the thread of a policy."""
    cdef zc_thread_t thread
    cdef decider_t *d = <decider_t *> malloc(sizeof(decider_t))
    cdef int rc
    if d == NULL:
        raise MemoryError
    d.policy = policy
    d.decide = <void *> ask
    Py_INCREF(ask)
    zc_add_u32(&policy.refs, 1)
    rc = zc_thread_start(&thread, decider_main, d, "zmqcore/policy", -1, -1, NULL, 0)
    if rc < 0:
        Py_DECREF(ask)
        policy_unref(policy)
        free(d)
        raise_errno(rc, "the thread that decides who may come in cannot be started")
    zc_thread_detach(&thread)
    return 0


# ---- securing a socket

cdef inline int secure_locked(
        socket_t *s, bint as_server, const unsigned char *public, const unsigned char *secret, const unsigned char *server,
        policy_t **policy) noexcept nogil:
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = socket_secure(s, as_server, public, secret, server, policy)
    leave_socket(s)
    return rc


cdef int secure(_SocketBase sock, bint as_server, SecretKey key, bytes server, policy_t *policy) except -1:
    """Takes the reference of the policy, whatever comes of it."""
    cdef const unsigned char *public = key._public
    cdef const unsigned char *peer = NULL
    cdef int rc
    try:
        sock.check()
        context_needs_crypto(sock.s.ctx)
        if server is not None:
            peer = server
        with nogil:
            rc = secure_locked(sock.s, as_server, public, key.secret, peer, &policy)
    finally:
        policy_close(policy)
    if rc == -EBUSY:
        raise_errno(rc, "security comes first: this socket has been bound or connected")
    if rc == -EPERM:
        raise_errno(rc, "the socket has been secured, with another key or in the other role")
    if rc == -ENOTSUP:
        raise_errno(rc, "a raw socket has no handshake that could be secured")
    if rc < 0:
        raise_errno(rc)
    return 0


def secure_server(_SocketBase sock not None, SecretKey key not None, int kind, bytes keys not None, ask):
    """`zmqcore.Socket.secure_server()` tells more. keys: in order, one after the other; ask: what decides (`zmqcore._policies`)."""
    cdef policy_t *policy = policy_new(kind, keys, len(keys) // CURVE_KEY_SIZE)
    if policy == NULL:
        raise MemoryError
    if ask is not None:
        try:
            start_decider(policy, ask)
        except BaseException:
            policy_close(policy)
            raise
    secure(sock, True, key, None, policy)


def secure_client(_SocketBase sock not None, SecretKey key not None, bytes server not None):
    """`zmqcore.Socket.secure_client()` tells more. server: 32 bytes."""
    secure(sock, False, key, server, NULL)
