# Policy: who may come in at a socket that has been secured (socket/secure.pxd). It is asked before the ZAP handler, which then is not.
#
# Rules
# - It fails closed: only a peer with a key of CURVE is let in, and only if the policy says so. Whatever is in the way of an answer refuses.
# - A policy never changes. A socket is given another one; who was let in stays.
# - Keys are looked up at once. The other kind, POLICY_ASK, is decided in Python, in a thread of the policy's own, without any lock: its questions are
#   those of authenticate.pxd, but wait on the policy's list. Only that thread takes one off and answers it; the asking side takes off what it withdraws.
# - policy_t.mutex is a leaf, and held for a moment: it may be taken under a socket's lock.
# - A reference each: its socket, and its thread. The thread ends when the policy is closed and no question is left.

from libc.stddef cimport size_t
from libc.stdint cimport UINT64_MAX
from libc.string cimport memcmp, memcpy, strlen
from base.atomics cimport zc_add_u32, zc_sub_u32
from base.errors cimport ENOMEM
from base.mechanisms cimport CURVE_KEY_SIZE, CURVE_KEY_TEXT_SIZE
from base.memory cimport calloc, free, malloc
from base.platform cimport (
    zc_cond_broadcast, zc_cond_destroy, zc_cond_init, zc_cond_wait_until, zc_mutex_destroy, zc_mutex_init, zc_mutex_lock,
    zc_mutex_unlock,
)
from engine.ops cimport engine_zap_t
from message.message cimport msg_set
from option.key cimport key_to_text
from session.session cimport session_t
from socket.questions cimport QUESTION_TAKEN, QUESTION_WAITING, question_append, question_free, question_unlink
from socket.state cimport policy_t, question_t, socket_t
from zmtp.metadata cimport metadata_prepend, metadata_t

cdef enum:
    POLICY_ANYONE = 0       # who knows the server's public key
    POLICY_KEYS = 1
    POLICY_ASK = 2

    # What a policy answers: status codes of RFC 27.
    POLICY_ADMITTED = 200
    POLICY_REFUSED = 400
    POLICY_BROKEN = 500     # no answer could be found

    # Frames of its question.
    ABOUT_KEY = 0
    ABOUT_ADDRESS = 1
    ABOUT_PROPERTIES = 2


cdef inline policy_t *policy_new(int kind, const unsigned char *keys, size_t count) noexcept nogil:
    """With one reference. `count` keys, one after the other and in order. NULL without memory."""
    cdef policy_t *p = <policy_t *> calloc(1, sizeof(policy_t))
    if p == NULL:
        return NULL
    p.refs = 1
    p.kind = kind
    p.nkeys = count
    if count:
        p.keys = <unsigned char *> malloc(count * CURVE_KEY_SIZE)
        if p.keys == NULL:
            free(p)
            return NULL
        memcpy(p.keys, keys, count * CURVE_KEY_SIZE)
    zc_mutex_init(&p.mutex)
    zc_cond_init(&p.changed)
    return p


cdef inline void policy_unref(policy_t *p) noexcept nogil:
    """NULL is allowed."""
    # Acquire-release: the last holder frees what the others have written.
    if p != NULL and zc_sub_u32(&p.refs, 1) == 1:
        zc_mutex_destroy(&p.mutex)
        zc_cond_destroy(&p.changed)
        free(p.keys)
        free(p)


cdef inline void policy_close(policy_t *p) noexcept nogil:
    """The socket's reference: it asks no more. NULL is allowed."""
    if p != NULL:
        zc_mutex_lock(&p.mutex)
        p.closed = True
        zc_cond_broadcast(&p.changed)
        zc_mutex_unlock(&p.mutex)
        policy_unref(p)


# ---- the asking side. The socket's lock held

cdef inline bint policy_has(const policy_t *p, const unsigned char *key) noexcept nogil:
    cdef size_t low = 0, high = p.nkeys, middle
    cdef int order
    while low < high:
        middle = low + (high - low) // 2
        order = memcmp(key, p.keys + middle * CURVE_KEY_SIZE, CURVE_KEY_SIZE)
        if order == 0:
            return True
        if order < 0:
            high = middle
        else:
            low = middle + 1
    return False


cdef inline int policy_vouch(metadata_t **found, const void *user, size_t size) noexcept nogil:
    """What is known of a peer that is let in. 0 or -ENOMEM."""
    return metadata_prepend(found, "User-Id", 7, <const unsigned char *> user, size)


cdef inline int policy_put(policy_t *p, socket_t *s, session_t *x, const engine_zap_t *request) noexcept nogil:
    """The question goes to the policy's thread. 0 or -ENOMEM."""
    cdef question_t *q = <question_t *> calloc(1, sizeof(question_t))
    if q == NULL:
        return -ENOMEM
    q.nframes = 3
    if (
        msg_set(&q.frames[ABOUT_KEY], request.credential[0], CURVE_KEY_SIZE) < 0
        or msg_set(&q.frames[ABOUT_ADDRESS], x.peer_address, strlen(x.peer_address) if x.peer_address != NULL else 0) < 0
        or msg_set(&q.frames[ABOUT_PROPERTIES], request.properties, request.properties_size) < 0
    ):
        question_free(q)
        return -ENOMEM
    zc_add_u32(&s.refs, 1)
    q.socket = s
    q.session_id = x.id
    q.policy = p
    q.state = QUESTION_WAITING
    x.question = q
    zc_mutex_lock(&p.mutex)
    question_append(&p.waiting, q)
    zc_cond_broadcast(&p.changed)
    zc_mutex_unlock(&p.mutex)
    return 0


cdef inline int policy_ask(policy_t *p, socket_t *s, session_t *x, const engine_zap_t *request) noexcept nogil:
    """As host.authenticate."""
    cdef char text[CURVE_KEY_TEXT_SIZE + 1]
    if not request.proved or request.credentials != 1 or request.credential_size[0] != CURVE_KEY_SIZE:
        return POLICY_REFUSED
    if p.kind == POLICY_ASK:
        return policy_put(p, s, x, request)
    if p.kind == POLICY_ANYONE:
        return POLICY_ADMITTED
    if not policy_has(p, request.credential[0]):
        return POLICY_REFUSED
    key_to_text(request.credential[0], text)
    return -ENOMEM if policy_vouch(&x.vouched, text, CURVE_KEY_TEXT_SIZE) < 0 else POLICY_ADMITTED


cdef inline void policy_withdraw(question_t *q) noexcept nogil:
    """Nobody waits for the answer any more."""
    cdef policy_t *p = q.policy
    cdef bint waiting
    zc_mutex_lock(&p.mutex)
    waiting = q.state == QUESTION_WAITING
    if waiting:
        question_unlink(&p.waiting, q)
    zc_mutex_unlock(&p.mutex)
    if waiting:
        question_free(q)


# ---- the policy's thread. No lock held

cdef inline question_t *policy_next(policy_t *p) noexcept nogil:
    """The oldest question, taken off. Blocks until there is one; NULL: there will be none."""
    cdef question_t *q
    zc_mutex_lock(&p.mutex)
    while p.waiting.first == NULL and not p.closed:
        zc_cond_wait_until(&p.changed, &p.mutex, UINT64_MAX)
    q = p.waiting.first
    if q != NULL:
        question_unlink(&p.waiting, q)
        q.state = QUESTION_TAKEN
    zc_mutex_unlock(&p.mutex)
    return q
