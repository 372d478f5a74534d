# The ZAP handler of a context (RFC 27): the inproc pipe to whoever has bound inproc://zeromq.zap.01, and what travels on it.
#
# Rules
# - One pipe for all questions of the context, to the socket that is bound now. It is joined when there is a question, and lives until that socket
#   goes or another one has bound the name. It belongs to no socket at our end: the first I/O thread alone reads and writes it, and is told by
#   io_errand() when there is news.
# - Once the name has been bound, that nobody is bound to it means "not now": what is asked waits for the next handler,
#   whatever the mechanism makes of a context that never had one.
# - A handler is a socket of a type that answers requests (the trait SERVES). Another one that is bound there cannot answer: nobody comes in.
# - The handler's queue has a mark (ZAP_QUEUE and its own RCVHWM); what is beyond waits in our list, where it can be withdrawn. Answers have none.
# - Request: delimiter, version, request id, domain, address, identity, mechanism, credentials. Reply: delimiter, version, request id, status, text,
#   user id, metadata. What can be wrong with a reply is found in that order.

from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcmp
from base.atomics cimport zc_load_acquire_u32, zc_load_relaxed_ptr, zc_load_relaxed_u32, zc_store_release_u32
from base.errors cimport EAGAIN, ECONNREFUSED, EFAULT, ENOMEM, ETERM
from base.platform cimport zc_mutex_lock, zc_mutex_unlock
from io.wakeup cimport socket_notify
from message.message cimport msg_close, msg_data, msg_move, msg_set, msg_t, MSG_MORE
from pattern.ops cimport SERVES
from pattern.pattern cimport pattern_is
from pipe.pipe cimport MAIL_CLOSED, pipe_can_write, pipe_front, pipe_pop, pipe_rollback, pipe_t, pipe_write
from socket.inproc cimport inproc_find, inproc_join, link_abandon, link_make
from socket.questions cimport ZAP_NAME, questions_look
from socket.references cimport inproc_pair_unref
from socket.state cimport context_t, endpoint_t, inproc_pair_t, question_t, zap_t

cdef enum:
    # Requests that the handler has not read yet. More gain nothing: it reads one after the other.
    ZAP_QUEUE = 1000

    ZAP_REPLY_FRAMES = 7
    ZAP_ID_MAX = 20             # digits of a 64-bit number

# The values of the monitor event HANDSHAKE_FAILED_PROTOCOL that are about replies. 0: nothing is wrong.
cdef enum:
    ZAP_UNSPECIFIED = 0x20000000
    ZAP_MALFORMED_REPLY = 0x20000001
    ZAP_BAD_REQUEST_ID = 0x20000002
    ZAP_BAD_VERSION = 0x20000003
    ZAP_INVALID_STATUS_CODE = 0x20000004
    ZAP_INVALID_METADATA = 0x20000005

cdef struct zap_reply_t:
    msg_t frames[ZAP_REPLY_FRAMES]
    uint32_t count              # of the frames that came; those beyond are not kept


# ---- the pipe

cdef inline void zap_notify(pipe_t *end, uint32_t bits) noexcept nogil:
    """pipe_notify_t of the handler's end: `end` is ours. Of `mail` only MAIL_CLOSED is kept, for good."""
    if bits & MAIL_CLOSED:
        zc_store_release_u32(&end.mail, MAIL_CLOSED)
    questions_look(<context_t *> end.pattern_data)


cdef inline bint zap_gone(zap_t *zap) noexcept nogil:
    """The handler has closed its end. What it had answered before is still there to be read, once this has been asked."""
    # Acquire: what the handler wrote before it closed is then visible.
    return zap.link != NULL and zc_load_acquire_u32(&zap.link.ends[0].mail) != 0


cdef inline void zap_leave(zap_t *zap) noexcept nogil:
    """Lets go of the handler, if there is one."""
    cdef inproc_pair_t *link = zap.link
    if link == NULL:
        return
    zap.link = NULL
    socket_notify(&link.ends[1], MAIL_CLOSED)
    inproc_pair_unref(link)


cdef inline inproc_pair_t *zap_link_new(context_t *ctx) noexcept nogil:
    cdef inproc_pair_t *link = link_make()
    if link != NULL:
        link.hwm_out[0] = ZAP_QUEUE
        link.ends[0].pattern_data = ctx
        link.ends[1].notify = zap_notify
    return link


cdef inline int zap_find(context_t *ctx) noexcept nogil:
    """Joins the socket that is bound now, unless it is joined already. 1: it is another one than before; 0: the same; negative errno: -ECONNREFUSED
    (nobody, ever), -EAGAIN (nobody now), -EFAULT (not one that answers), -ETERM, -ENOMEM. No lock held."""
    cdef zap_t *zap = &ctx.zap
    cdef inproc_pair_t *link = NULL
    cdef endpoint_t *e
    cdef int rc = 0
    zc_mutex_lock(&ctx.mutex)
    e = inproc_find(ctx, ZAP_NAME)
    if zc_load_relaxed_u32(&ctx.shutdown):
        rc = -ETERM
    elif e == NULL:
        rc = -EAGAIN if zc_load_relaxed_u32(&zap.had_handler) else -ECONNREFUSED
    elif not pattern_is(&e.socket.pattern, SERVES):
        rc = -EFAULT
    elif zap.link == NULL or zc_load_relaxed_ptr(&zap.link.ends[1].socket) != e.socket or zap_gone(zap):
        link = zap_link_new(ctx)
        rc = inproc_join(link, e) if link != NULL else -ENOMEM
        if rc == 0:
            rc = 1
        elif link != NULL:
            link_abandon(link)
            link_abandon(link)      # both ends are still ours
    zc_mutex_unlock(&ctx.mutex)
    if rc == 1:
        zap_leave(zap)
        zap.link = link
    return rc


# ---- requests

cdef inline bint zap_has_room(zap_t *zap) noexcept nogil:
    """False: there is no handler, or we shall be told when there is room."""
    return zap.link != NULL and pipe_can_write(&zap.link.ends[0])


cdef inline int zap_write(zap_t *zap, question_t *q) noexcept nogil:
    """The request of a question, to be followed by pipe_flush(). 0, or -ENOMEM and nothing is written. zap_t.lock held."""
    cdef pipe_t *p = &zap.link.ends[0]
    cdef char text[ZAP_ID_MAX + 1]
    cdef uint32_t i
    cdef int n = snprintf(text, sizeof(text), "%llu", <unsigned long long> q.number)
    msg_close(&q.frames[2])
    if msg_set(&q.frames[2], text, <size_t> n) < 0:
        return -ENOMEM
    for i in range(q.nframes):
        q.frames[i].flags = MSG_MORE if i + 1 < q.nframes else 0
        if pipe_write(p, &q.frames[i], False) < 0:
            pipe_rollback(p)
            return -ENOMEM
    return 0


# ---- replies

cdef inline bint zap_read(zap_t *zap, zap_reply_t *r) noexcept nogil:
    """The next message of the handler, or False. It is to be closed."""
    cdef pipe_t *p = &zap.link.ends[0]
    cdef msg_t *m = pipe_front(p)
    cdef bint more = m != NULL
    cdef msg_t scrap
    r.count = 0
    if m == NULL:
        return False
    while more:
        m = pipe_front(p)       # the whole message is there
        more = (m.flags & MSG_MORE) != 0
        if r.count < ZAP_REPLY_FRAMES:
            msg_move(&r.frames[r.count], m)
        else:
            msg_move(&scrap, m)
            msg_close(&scrap)
        r.count += 1
        pipe_pop(p)
    return True


cdef inline void zap_reply_close(zap_reply_t *r) noexcept nogil:
    cdef uint32_t i
    for i in range(r.count if r.count < ZAP_REPLY_FRAMES else ZAP_REPLY_FRAMES):
        msg_close(&r.frames[i])


cdef inline bint frame_is(msg_t *m, const char *text, size_t n) noexcept nogil:
    return m.size == n and memcmp(msg_data(m), text, n) == 0


cdef inline uint64_t zap_reply_number(zap_reply_t *r) noexcept nogil:
    """The number that its request id is; 0: none."""
    cdef msg_t *m = &r.frames[2]
    cdef const unsigned char *p
    cdef uint64_t number = 0
    cdef size_t i
    if r.count < 3 or m.size == 0 or m.size >= ZAP_ID_MAX:
        return 0
    p = msg_data(m)
    if p[0] == c'0':
        return 0                # not as we write it
    for i in range(m.size):
        if not c'0' <= p[i] <= c'9':
            return 0
        number = number * 10 + (p[i] - c'0')
    return number


cdef inline int zap_reply_status(zap_reply_t *r) noexcept nogil:
    """200, 300, 400 or 500; 0: none of these."""
    cdef const unsigned char *p = msg_data(&r.frames[3])
    if r.frames[3].size != 3 or not c'2' <= p[0] <= c'5' or p[1] != c'0' or p[2] != c'0':
        return 0
    return 100 * (p[0] - c'0')


cdef inline uint32_t zap_reply_defect(zap_reply_t *r, bint named) noexcept nogil:
    """What is wrong with it: ZAP_..., 0 for nothing that its metadata would not tell. named: the request id is right."""
    if r.count != ZAP_REPLY_FRAMES:
        return ZAP_MALFORMED_REPLY
    if r.frames[0].size:
        return ZAP_UNSPECIFIED
    if not frame_is(&r.frames[1], "1.0", 3):
        return ZAP_BAD_VERSION
    if not named:
        return ZAP_BAD_REQUEST_ID
    if zap_reply_status(r) == 0:
        return ZAP_INVALID_STATUS_CODE
    return 0
