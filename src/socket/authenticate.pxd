# Authentication: who lets a peer in, once its mechanism knows who it says it is.
#
# In this order
# 1. The socket's own policy, if it has one (socket/policy.pxd). Its answer is the last word.
# 2. ZAP: the handler that the application has bound to inproc://zeromq.zap.01 of the same context, if there has been
#    one. What it means that there has never been one is for the mechanism to say.
#
# Rules
# - The question comes under the asking socket's lock (host.authenticate), and no other socket's lock is taken there: it is put on the context's list
#   (socket/questions.pxd), and the session waits with nothing of its own but its timer.
# - The first I/O thread asks, reads the answers and hands them over, as an errand: with no lock held, so it may wait for one, and it holds one at a
#   time (or the context's mutex and the handler's lock, to join it). An answer finds its session by the question that the session points at.
# - A session that ends withdraws its question, and nothing is left of it.
# - A handler that goes leaves its questions to the next one, and so it is with those that come meanwhile: they are not
#   answered as if nobody had ever been there. Until then their handshakes wait, as they do while a handler does not answer.
# - What the handler says about a peer, its user id and metadata, becomes properties of the connection, before those that the peer tells itself.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport strlen
from base.atomics cimport zc_load_relaxed_u32
from base.memory cimport calloc
from base.errors cimport EAGAIN, ECONNREFUSED, EFAULT, ENOMEM, EPROTO
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_NO_DETAIL, EVENT_HANDSHAKE_FAILED_PROTOCOL
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_now_ns
from engine.ops cimport engine_zap_t
from io.end_call cimport socket_end_call
from io.flush cimport socket_flush
from io.timers cimport socket_of
from io.wakeup cimport socket_wake
from message.message cimport msg_data, msg_set, msg_set_secret
from pipe.pipe cimport pipe_flush
from session.handshake cimport session_authenticated
from session.session cimport session_t
from socket.connections cimport endpoint_of
from socket.occurrences cimport connection_occurrence
from socket.policy cimport policy_ask, policy_withdraw
from socket.questions cimport (
    QUESTION_ASKED, QUESTION_TAKEN, question_append, question_free, question_put, question_take_answered,
    question_take_waiting, question_unlink, question_withdraw, questions_ask_again, questions_look, questions_open,
)
from socket.security cimport credentials_of
from socket.state cimport context_t, credentials_t, question_t, socket_t, zap_t
from socket.zap_handler cimport (
    ZAP_INVALID_METADATA, zap_find, zap_gone, zap_has_room, zap_leave, zap_read, zap_reply_close, zap_reply_defect,
    zap_reply_number, zap_reply_status, zap_reply_t, zap_write,
)
from zmtp.metadata cimport metadata_parse, metadata_prepend, metadata_t, metadata_unref

cdef enum:
    # Questions and answers in one errand: the thread's sockets want their turn, too.
    ZAP_BATCH = 64


# ---- the asking side. The socket's lock held

cdef inline int question_say(question_t *q, const void *data, size_t size) noexcept nogil:
    """One more frame. 0 or -ENOMEM."""
    cdef int rc = msg_set(&q.frames[q.nframes], data, size)
    if rc == 0:
        q.nframes += 1
    return rc


cdef inline int question_fill(question_t *q, session_t *x, const engine_zap_t *request) noexcept nogil:
    """0 or -ENOMEM."""
    cdef credentials_t own = credentials_of(endpoint_of(x))
    cdef size_t size = strlen(x.peer_address) if x.peer_address != NULL else 0
    cdef int i
    if (
        question_say(q, NULL, 0) < 0 or question_say(q, "1.0", 3) < 0 or question_say(q, NULL, 0) < 0
        or question_say(q, own.domain, own.domain_size) < 0
        or question_say(q, x.peer_address, size) < 0
        or question_say(q, own.routing_id, own.routing_id_size) < 0
        or question_say(q, request.mechanism, strlen(request.mechanism)) < 0
    ):
        return -ENOMEM
    for i in range(request.credentials):
        if msg_set_secret(&q.frames[q.nframes], request.credential[i], request.credential_size[i]) < 0:
            return -ENOMEM
        q.nframes += 1
    return 0


cdef inline int connection_authenticate(session_t *x, const engine_zap_t *request) noexcept nogil:
    """host.authenticate"""
    cdef socket_t *s = socket_of(x)
    cdef credentials_t own = credentials_of(endpoint_of(x))
    cdef question_t *q
    x.has_shown = request.credentials > 0
    if s.policy != NULL:
        return policy_ask(s.policy, s, x, request)
    if own.enforces and own.domain_size == 0:
        # A handler is asked about a domain, or not at all. That it is not asked lets nobody past it.
        if not zc_load_relaxed_u32(&s.ctx.zap.had_handler):
            return -ECONNREFUSED
        connection_occurrence(x, EVENT_HANDSHAKE_FAILED_NO_DETAIL, EFAULT)
        return -EFAULT
    q = <question_t *> calloc(1, sizeof(question_t))
    if q == NULL or question_fill(q, x, request) < 0:
        question_free(q)
        connection_occurrence(x, EVENT_HANDSHAKE_FAILED_NO_DETAIL, ENOMEM)
        return -ENOMEM
    q.session_id = x.id
    x.question = q
    question_put(s, q)
    return 0


cdef inline void connection_withdraw(session_t *x) noexcept nogil:
    """host.withdraw: the session does not wait for the answer any more."""
    cdef question_t *q = <question_t *> x.question
    if q != NULL:
        x.question = NULL
        if q.policy != NULL:
            policy_withdraw(q)
        else:
            question_withdraw(socket_of(x), q)


# ---- the I/O thread. No lock held

cdef inline session_t *question_session(question_t *q) noexcept nogil:
    """Who waits for the answer, or NULL. The socket's lock held."""
    cdef socket_t *s = q.socket
    cdef uint32_t i
    for i in range(s.nsessions):
        if s.sessions[i].id == q.session_id:
            return s.sessions[i] if s.sessions[i].question == q else NULL
    return NULL


cdef inline void question_answer(question_t *q, int status, uint32_t event, uint64_t value, metadata_t *found) noexcept nogil:
    """Hands an answer over: as session_authenticated(). `event` is for the monitor, or 0. Takes the question, which is on no list, and the reference
    `found`."""
    cdef socket_t *s = q.socket
    cdef session_t *x
    zc_lock_acquire(&s.lock)
    x = question_session(q)
    if x != NULL:
        x.question = NULL
        if event:
            connection_occurrence(x, event, value)
        metadata_unref(x.vouched)
        x.vouched = found
        found = NULL
        session_authenticated(x, status, zc_now_ns())
        socket_flush(s)
        socket_end_call(s)
    zc_lock_release(&s.lock)
    if x != NULL:
        socket_wake(s)          # a peer has come in, or there is news for the poll set
    metadata_unref(found)
    question_free(q)


cdef inline void question_fail(question_t *q, int why) noexcept nogil:
    """No answer can come. -ECONNREFUSED is told of by the mechanism, if it will not do."""
    if why == -ECONNREFUSED:
        question_answer(q, why, 0, 0, NULL)
    else:
        question_answer(q, why, EVENT_HANDSHAKE_FAILED_NO_DETAIL, <uint64_t> -why, NULL)


cdef inline int reply_properties(zap_reply_t *r, metadata_t **found) noexcept nogil:
    """User id and metadata. 0, -EPROTO, -ENOMEM."""
    cdef int rc = metadata_parse(msg_data(&r.frames[6]), r.frames[6].size, found)
    if rc == 0:
        rc = metadata_prepend(found, "User-Id", 7, msg_data(&r.frames[5]), r.frames[5].size)
    return rc


cdef inline void zap_answered(zap_t *zap, zap_reply_t *r) noexcept nogil:
    cdef metadata_t *found = NULL
    cdef bint named = False
    cdef question_t *q = question_take_answered(zap, zap_reply_number(r), &named)
    cdef uint32_t defect
    cdef int status
    if q == NULL:
        return
    defect = zap_reply_defect(r, named)
    if defect == 0:
        status = reply_properties(r, &found)
        if status == 0:
            question_answer(q, zap_reply_status(r), 0, 0, found)
            return
        if status != -EPROTO:
            metadata_unref(found)
            question_fail(q, status)
            return
        defect = ZAP_INVALID_METADATA
    question_answer(q, -EPROTO, EVENT_HANDSHAKE_FAILED_PROTOCOL, defect, NULL)


cdef inline bint zap_read_all(zap_t *zap) noexcept nogil:
    """What the handler has answered. True: there may be more."""
    cdef zap_reply_t r
    cdef int left = ZAP_BATCH
    while left and zap_read(zap, &r):
        left -= 1
        zap_answered(zap, &r)
        zap_reply_close(&r)
    return left == 0


cdef inline int zap_ask_one(zap_t *zap, question_t **failed) noexcept nogil:
    """1: the handler has been given the oldest question; 0: none is waiting; -ENOMEM: *failed cannot be asked."""
    cdef question_t *q
    cdef int rc = 0
    zc_lock_acquire(&zap.lock)
    q = zap.waiting.first
    if q != NULL:
        question_unlink(&zap.waiting, q)
        rc = zap_write(zap, q)
        if rc == 0:
            q.state = QUESTION_ASKED
            question_append(&zap.asked, q)
            rc = 1
        else:
            q.state = QUESTION_TAKEN
    zc_lock_release(&zap.lock)
    failed[0] = q
    return rc


cdef inline bint zap_ask_all(zap_t *zap) noexcept nogil:
    """As many as the handler has room for. True: there may be more."""
    cdef question_t *q = NULL
    cdef int left = ZAP_BATCH
    cdef int rc = 1
    while left and rc != 0 and zap_has_room(zap):
        rc = zap_ask_one(zap, &q)
        if rc < 0:
            question_fail(q, rc)
        left -= 1
    pipe_flush(&zap.link.ends[0])
    return left == 0


cdef inline bint zap_refuse_all(zap_t *zap, int why) noexcept nogil:
    """There is no handler to ask, and waiting for one is of no use. True: there may be more."""
    cdef question_t *q
    cdef int left = ZAP_BATCH
    while left:
        q = question_take_waiting(zap)
        if q == NULL:
            return False
        question_fail(q, why)
        left -= 1
    return True


cdef inline void context_errand(void *whose) noexcept nogil:
    """io_thread_t.errand of a context's first I/O thread."""
    cdef context_t *ctx = <context_t *> whose
    cdef zap_t *zap = &ctx.zap
    cdef bint gone = zap_gone(zap)
    cdef bint more = False
    cdef int rc
    if zap.link != NULL:
        more = zap_read_all(zap)
        if gone and not more:
            zap_leave(zap)
            questions_ask_again(zap)
    if questions_open(zap):
        rc = zap_find(ctx)
        if rc == 1:
            questions_ask_again(zap)        # what one has that unbound without closing
            more = zap_read_all(zap)        # nothing yet; but only who has found nothing is told when there is something
        if rc >= 0:
            more = zap_ask_all(zap) or more
        elif rc != -EAGAIN:                 # else they wait for a handler; its bind is news
            more = zap_refuse_all(zap, rc) or more
    if more:
        questions_look(ctx)
