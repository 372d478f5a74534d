# Output that leaves: the system calls, and writes apart, which the I/O thread makes without the socket's lock so that the
# program can go on meanwhile.
#
# Rules of a write apart
# - host.apart tells whose output is being written; there is one at a time for each socket, and only the socket's I/O
#   thread begins one. Its words are read and written under the socket's lock, `result` also under `call`.
# - apart.call is held for the length of the system call: taken under the socket's lock, released without it. So who
#   has the socket's lock and gets `call`, too, knows that the call is over. Order: socket's lock, then `call`. The
#   writer never waits for the socket's lock while it holds `call`. The wait is for one call that does not block, of
#   APART_BYTES.
# - The call uses a copy of the headers, the bodies, and the descriptor; no word of the session. Others only append
#   meanwhile: tx may move and grow, but nothing is written, advanced, closed or given back before the call is settled.
# - Settling accounts for what the call did. Whoever comes first does it: the I/O thread; one who wants to write
#   himself and finds the call over; or session_conclude(), which alone closes descriptors and drops output, and waits.
#   Who finds the call under way leaves the writing to the I/O thread: it looks for more when it is back.
# - Reading goes on meanwhile, by whoever has the socket's lock.
# - After the call the I/O thread may touch the session only if host.apart still names it: another thread that has
#   settled may have taken the session apart.

from libc.stddef cimport ptrdiff_t, size_t
from libc.string cimport memcpy
from base.config cimport APART_BYTES, OVERLAP_MIN, TX_IOV_MAX
from base.errors cimport EAGAIN
from base.platform cimport zc_iov_set, zc_iovec_t, zc_lock_acquire, zc_lock_release, zc_lock_try
from libc.stdint cimport uint32_t
from message.message cimport msg_close, msg_data
from session.session cimport apart_t, outref_t, session_t, SESSION_READY
from transport.ops cimport stream_alone, stream_t, stream_write, stream_writev

cdef enum:
    APART_HEADS = 4096          # bytes of tx that one write apart copies: headers, and small frames between large ones

# What the I/O thread has on its stack.
cdef struct apart_job_t:
    stream_t stream
    int n
    zc_iovec_t iov[TX_IOV_MAX]
    unsigned char heads[APART_HEADS]


cdef inline int transmit_advance(session_t *s, size_t n) noexcept nogil:
    cdef outref_t *r
    cdef size_t step
    while n:
        if s.ref_head < s.nrefs:
            r = &s.refs[s.ref_head]
            step = r.at - s.tx_head
            if step > n:
                step = n
            s.tx_head += step
            n -= step
            step = r.body.size - r.sent
            if step > n:
                step = n
            r.sent += step
            s.tx_refbytes -= step
            n -= step
            if s.tx_head == r.at and r.sent == r.body.size:
                msg_close(&r.body)
                s.ref_head += 1
        else:
            s.tx_head += n
            n = 0
    return 0


cdef inline ptrdiff_t transmit_write(session_t *s, size_t *tried) noexcept nogil:
    """One system call; `tried` bytes were offered."""
    cdef zc_iovec_t iov[TX_IOV_MAX]
    cdef int n = 0
    cdef uint32_t i = s.ref_head
    cdef size_t pos = s.tx_head
    cdef outref_t *r
    tried[0] = s.tx_tail - pos
    if s.ref_head == s.nrefs:
        return stream_write(&s.stream, s.tx.data + pos, s.tx_tail - pos)
    tried[0] = 0
    while i < s.nrefs and n + 3 <= TX_IOV_MAX:
        r = &s.refs[i]
        if r.sent == r.body.size:
            i += 1              # through shared memory
            continue
        if r.at > pos:
            zc_iov_set(&iov[n], s.tx.data + pos, r.at - pos)
            tried[0] += r.at - pos
            n += 1
            pos = r.at
        zc_iov_set(&iov[n], msg_data(&r.body) + r.sent, r.body.size - r.sent)
        tried[0] += r.body.size - r.sent
        n += 1
        i += 1
    if i == s.nrefs and s.tx_tail > pos:
        zc_iov_set(&iov[n], s.tx.data + pos, s.tx_tail - pos)
        tried[0] += s.tx_tail - pos
        n += 1
    return stream_writev(&s.stream, iov, n)


cdef inline bint transmit_took(session_t *s, ptrdiff_t n, size_t tried) noexcept nogil:
    """Accounts for a write. Whether the kernel may take more."""
    s.writes += 1
    if n < 0 and n != -EAGAIN:
        s.tx_broken = True      # what is left is requeued when the reader has found the end
        s.tx_blocked = False
        return False
    if n > 0:
        s.wire_out += n
        transmit_advance(s, <size_t> n)
    s.tx_blocked = n < 0 or <size_t> n < tried
    return not s.tx_blocked


# ---- apart

cdef inline bint apart_worth(const session_t *s) noexcept nogil:
    """There is output that takes longer to copy than to hand over, and it can be written apart."""
    return s.tx_refbytes >= OVERLAP_MIN and s.state == SESSION_READY and not s.tx_broken and stream_alone(&s.stream)


cdef inline bint apart_begin(session_t *s, apart_job_t *job) noexcept nogil:
    """apart_call() is next, without the socket's lock. False: this is for the lock's holder to write."""
    cdef apart_t *a = &s.host.apart
    cdef outref_t *r
    cdef size_t pos = s.tx_head
    cdef size_t used = 0
    cdef size_t tried = 0
    cdef size_t n
    cdef uint32_t i = s.ref_head
    if a.session != NULL or not apart_worth(s):
        return False
    job.n = 0
    while i < s.nrefs and job.n + 2 <= TX_IOV_MAX and tried < APART_BYTES:
        r = &s.refs[i]
        if r.sent == r.body.size:
            i += 1              # through shared memory
            continue
        n = r.at - pos
        if used + n > APART_HEADS:
            break
        if n:
            memcpy(job.heads + used, s.tx.data + pos, n)
            zc_iov_set(&job.iov[job.n], job.heads + used, n)
            job.n += 1
            used += n
            tried += n
            pos = r.at
        n = r.body.size - r.sent
        if n > APART_BYTES:
            n = APART_BYTES
        zc_iov_set(&job.iov[job.n], msg_data(&r.body) + r.sent, n)
        job.n += 1
        tried += n
        if n < r.body.size - r.sent:
            break
        i += 1
    if job.n == 0:
        return False
    job.stream = s.stream
    a.session = s
    a.tried = tried
    zc_lock_acquire(&a.call)
    return True


cdef inline void apart_call(apart_t *a, apart_job_t *job) noexcept nogil:
    """The socket's lock is not held."""
    a.result = stream_writev(&job.stream, job.iov, job.n)
    zc_lock_release(&a.call)


cdef inline bint apart_settle(session_t *s, bint wait) noexcept nogil:
    """False: it is being written, and `wait` is not wanted. Else nothing of the session is being written any more."""
    cdef apart_t *a = &s.host.apart
    if a.session != s:
        return True
    if wait:
        zc_lock_acquire(&a.call)
    elif not zc_lock_try(&a.call):
        return False
    zc_lock_release(&a.call)
    a.session = NULL
    transmit_took(s, a.result, a.tried)
    s.handed_over += 1
    return True
