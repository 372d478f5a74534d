# The questions of a context: handshakes that wait for the ZAP handler's answer.
#
# Who owns a question_t, and who may touch what
# - One thread puts a question: whoever drives the asking socket, under that socket's lock (question_put). The session points at it until it is
#   answered or withdrawn.
# - From then on it is on one of two lists: `waiting` (nobody has it yet, or the handler that had it is gone), oldest first, then `asked` (a handler
#   has it). zap_t.lock guards both lists and everything in a question that is on one. It is a leaf: nothing else is locked while it is held, and
#   nobody called who might; so it may be taken under any socket's lock.
# - The first I/O thread of the context moves questions on: waiting -> asked -> taken off to be answered, or waiting again. Once it has taken a
#   question off (QUESTION_TAKEN) it alone may touch and free it, without a lock.
# - The asking side may withdraw its question at any time, under its socket's lock (question_withdraw). One that is on a
#   list goes at once; one that has been taken off is let alone: the I/O thread will find that nobody waits for the answer.
# - A question has a number of its own, which is the request id. Numbers are never used again in the life of a context: an
#   answer with one that was given, but is not on the list, is late, or the second one.

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_add_u32
from base.check cimport zc_check
from base.memory cimport free
from base.platform cimport zc_lock_acquire, zc_lock_destroy, zc_lock_release
from message.message cimport msg_close
from reactor.io_thread cimport io_errand
from socket.references cimport socket_unref
from socket.state cimport context_t, question_list_t, question_t, socket_t, zap_t

cdef extern from *:
    """
    #define ZAP_NAME "zeromq.zap.01"
    """
    const char *ZAP_NAME

cdef enum:
    QUESTION_WAITING = 0
    QUESTION_ASKED = 1
    QUESTION_TAKEN = 2


# ---- lists. zap_t.lock held

cdef inline void question_append(question_list_t *list, question_t *q) noexcept nogil:
    q.next = NULL
    q.prev = list.last
    if list.last != NULL:
        list.last.next = q
    else:
        list.first = q
    list.last = q


cdef inline void question_unlink(question_list_t *list, question_t *q) noexcept nogil:
    if q.prev != NULL:
        q.prev.next = q.next
    else:
        list.first = q.next
    if q.next != NULL:
        q.next.prev = q.prev
    else:
        list.last = q.prev


cdef inline void question_blank(question_t *q) noexcept nogil:
    """What it asks is not needed any more. The handler has the same memory of the credentials, which are wiped when neither holds them."""
    cdef uint32_t i
    for i in range(q.nframes):
        msg_close(&q.frames[i])
    q.nframes = 0


# ---- the asking side. Its socket's lock held

cdef inline void questions_look(context_t *ctx) noexcept nogil:
    """There is news for the thread that asks and answers. Any thread, any locks; an inproc socket has bound, or a question was put, so the I/O
    threads do not go meanwhile."""
    if ctx.nios:
        io_errand(&ctx.ios[0])


cdef inline void question_put(socket_t *s, question_t *q) noexcept nogil:
    """Its frames and session are filled in, but for the request id."""
    cdef zap_t *zap = &s.ctx.zap
    zc_add_u32(&s.refs, 1)
    q.socket = s
    q.state = QUESTION_WAITING
    zc_lock_acquire(&zap.lock)
    zap.last_number += 1
    q.number = zap.last_number
    question_append(&zap.waiting, q)
    zc_lock_release(&zap.lock)
    questions_look(s.ctx)


cdef inline void question_free(question_t *q) noexcept nogil:
    """It is on no list; NULL is fine. The socket's lock is not held, or the reference is not the last."""
    if q == NULL:
        return
    question_blank(q)
    if q.socket != NULL:
        socket_unref(q.socket)
    free(q)


cdef inline void question_withdraw(socket_t *s, question_t *q) noexcept nogil:
    """Nobody waits for the answer any more."""
    cdef zap_t *zap = &s.ctx.zap
    cdef bint listed
    zc_lock_acquire(&zap.lock)
    listed = q.state != QUESTION_TAKEN
    if listed:
        question_unlink(&zap.waiting if q.state == QUESTION_WAITING else &zap.asked, q)
    zc_lock_release(&zap.lock)
    if listed:
        question_free(q)


# ---- the I/O thread. No lock held

cdef inline bint questions_open(zap_t *zap) noexcept nogil:
    cdef bint some
    zc_lock_acquire(&zap.lock)
    some = zap.waiting.first != NULL or zap.asked.first != NULL
    zc_lock_release(&zap.lock)
    return some


cdef inline question_t *question_take_waiting(zap_t *zap) noexcept nogil:
    """The oldest of those that wait, taken off; NULL: none."""
    cdef question_t *q
    zc_lock_acquire(&zap.lock)
    q = zap.waiting.first
    if q != NULL:
        question_unlink(&zap.waiting, q)
        q.state = QUESTION_TAKEN
    zc_lock_release(&zap.lock)
    return q


cdef inline question_t *question_take_answered(zap_t *zap, uint64_t number, bint *named) noexcept nogil:
    """The question that an answer with that number (0: none that could be read) is for, taken off. NULL: nobody waits for
    it, any more. named: it is the one of that number; else the number was never given, and it is the one asked first, for
    that is whom a REP answers."""
    cdef question_t *q
    zc_lock_acquire(&zap.lock)
    q = zap.asked.first
    while q != NULL and q.number != number:
        q = q.next
    named[0] = q != NULL
    if q == NULL and not 0 < number <= zap.last_number:
        q = zap.asked.first
    if q != NULL:
        question_unlink(&zap.asked, q)
        q.state = QUESTION_TAKEN
    zc_lock_release(&zap.lock)
    return q


cdef inline void questions_end(zap_t *zap) noexcept nogil:
    """The context ends; so have all sessions, and each has withdrawn its question."""
    zc_check(zap.waiting.first == NULL and zap.asked.first == NULL)
    zc_lock_destroy(&zap.lock)


cdef inline void questions_ask_again(zap_t *zap) noexcept nogil:
    """The handler is gone: what it has not answered waits for the next one, before all others."""
    cdef question_t *q
    zc_lock_acquire(&zap.lock)
    q = zap.asked.first
    while q != NULL:
        q.state = QUESTION_WAITING
        q = q.next
    if zap.asked.first != NULL:
        zap.asked.last.next = zap.waiting.first
        if zap.waiting.first != NULL:
            zap.waiting.first.prev = zap.asked.last
        else:
            zap.waiting.last = zap.asked.last
        zap.waiting.first = zap.asked.first
        zap.asked.first = zap.asked.last = NULL
    zc_lock_release(&zap.lock)
