# Output of a session: frames are encoded into `tx` and written in large pieces; large frames are written from their own memory.
#
# Rules
# - tx is filled from its start and starts over only when everything in it has been written, or else at a frame. So octet 0 is always the
#   beginning of a frame, and after a lost connection the whole messages that never left can be found and kept (transmit_salvage).
# - The sink refuses (0) when tx is full or TX_FULL octets wait; messages then queue in the pipe's ring, where the high-water mark counts them.
# - Commands and subscriptions are never refused: tx grows for them. To peers before ZMTP 3.1 a subscription is a message like any other; inside
#   a message of the application it would be taken for a frame of it, so it is held until that message has ended.
# - A write error only marks the output broken. What the peer sent before it went is still read; the reader then finds the end.

from libc.stdint cimport uint32_t, uint64_t
from base.memory cimport malloc, realloc, free
from libc.string cimport memcpy, memmove
from base.atomics cimport zc_load_relaxed_u32, zc_store_relaxed_u32
from base.config cimport TX_BUFFER, TX_FULL, TX_REF_MIN, TX_IOV_MAX, TX_SUBSCRIPTIONS_MAX, TX_TURN
from base.errors cimport EAGAIN, ENOMEM
from base.platform cimport zc_iovec_t, zc_iov_set
from message.message cimport (
    msg_t, msg_data, msg_close, msg_move, msg_share, msg_set, buffer_t, MSG_EMPTY, MSG_MORE, MSG_SUBSCRIBE, MSG_CANCEL,
)
from message.buffer cimport pool_take, pool_give
from pipe.pipe cimport pipe_t
from pipe.ring cimport (
    ring_t, ring_front, ring_pop, ring_slot, ring_commit, ring_init, ring_conflate, ring_free, ring_empty, ring_move_unpublished, ring_rollback,
    ring_settle,
)
from session.session cimport session_t, outref_t, held_t, session_unsent, session_want, SESSION_READY
from transport.ops cimport stream_write, stream_writev
from zmtp.command cimport (
    command_size, command_put, subscription_put_legacy, subscription_put_legacy_v1, CMD_SUBSCRIBE, CMD_CANCEL, CMD_PING, CMD_PONG,
)
from zmtp.frame cimport frame_t, frame_put, frame_put_v1, frame_get, frame_get_v1, FRAME_MORE, FRAME_COMMAND

cdef enum:
    FRAME_OVERHEAD = 16         # more than the longest frame header

cdef enum:
    TYPE_SUB = 2
    TYPE_XSUB = 10


cdef inline bint transmit_full(session_t *s) noexcept nogil:
    """No further frame is taken."""
    return s.tx != NULL and (s.tx_tail + TX_REF_MIN + FRAME_OVERHEAD > s.tx.size or session_unsent(s) >= TX_FULL)


cdef inline void transmit_mark(session_t *s) noexcept nogil:
    if not s.tx_dirty:
        s.tx_dirty = True
        s.dirty_next = s.host.dirty
        s.host.dirty = s
    # Plain increment by the lock holder; the I/O thread only compares it.
    zc_store_relaxed_u32(&s.host.dirty_adds, zc_load_relaxed_u32(&s.host.dirty_adds) + 1)
    # The kernel tells when it takes more; asking it with every message would cost a system call each, and write the others' output in crumbs.
    if not s.tx_blocked and transmit_full(s):
        s.host.flush_now = True


cdef inline unsigned char *transmit_room(session_t *s, size_t need) noexcept nogil:
    """Where the next `need` octets go; grows tx if it must. NULL: out of memory."""
    cdef buffer_t *b
    cdef size_t size
    if s.tx == NULL:
        s.tx = pool_take(&s.host.tx_pool)
        if s.tx == NULL:
            return NULL
        s.tx_head = s.tx_tail = 0
    if s.tx_tail + need > s.tx.size and s.tx_head > s.tx_tail // 2:
        transmit_compact(s)     # a peer that never reads all of it does not make it grow
    if s.tx_tail + need > s.tx.size:
        size = s.tx.size * <size_t> 2
        while size < s.tx_tail + need:
            size *= 2
        if size > <size_t> 0xffffffff:
            return NULL         # buffer_t counts in 32 bits
        b = <buffer_t *> malloc(sizeof(buffer_t) + size)
        if b == NULL:
            return NULL
        b.refs = 1
        b.size = <uint32_t> size
        b.next = NULL
        b.data = <unsigned char *> (b + 1)
        memcpy(b.data, s.tx.data, s.tx_tail)
        transmit_release(s)
        s.tx = b
    return s.tx.data + s.tx_tail


cdef inline void transmit_compact(session_t *s) noexcept nogil:
    """Frames that have left in full make room. What is left begins with a frame again."""
    cdef frame_t f
    cdef size_t pos = 0
    cdef size_t end
    cdef uint32_t ri = 0
    cdef uint32_t i
    cdef bint by_ref
    while pos < s.tx_head:
        if s.version >= 2:
            end = frame_get(s.tx.data + pos, s.tx_tail - pos, &f)
        else:
            end = frame_get_v1(s.tx.data + pos, s.tx_tail - pos, &f)
        if end != 1:
            break
        by_ref = ri < s.nrefs and s.refs[ri].at == pos + f.header and f.size >= TX_REF_MIN
        end = pos + f.header + (0 if by_ref else f.size)
        if end > s.tx_head or (by_ref and ri >= s.ref_head):
            break
        if not f.flags & FRAME_COMMAND:
            s.tx_inside = (f.flags & FRAME_MORE) != 0
        pos = end
        ri += by_ref
    memmove(s.tx.data, s.tx.data + pos, s.tx_tail - pos)
    s.tx_head -= pos
    s.tx_tail -= pos
    s.nrefs -= ri
    s.ref_head -= ri
    for i in range(s.nrefs):
        s.refs[i] = s.refs[i + ri]
        s.refs[i].at -= pos


cdef inline void transmit_release(session_t *s) noexcept nogil:
    if s.tx != NULL:
        if s.tx.size == s.host.tx_pool.size:
            pool_give(&s.host.tx_pool, s.tx)
        else:
            free(s.tx)
        s.tx = NULL


cdef inline int transmit_ref(session_t *s, msg_t *m, bint take) noexcept nogil:
    cdef outref_t *r
    cdef uint32_t room
    if s.nrefs == s.ref_room:
        room = s.ref_room * 2 if s.ref_room else 8
        r = <outref_t *> realloc(s.refs, room * sizeof(outref_t))
        if r == NULL:
            return -ENOMEM
        s.refs = r
        s.ref_room = room
    r = &s.refs[s.nrefs]
    if take:
        msg_move(&r.body, m)
    elif msg_share(&r.body, m) < 0:
        return -ENOMEM
    r.at = s.tx_tail
    r.sent = 0
    s.nrefs += 1
    s.tx_refbytes += r.body.size
    return 0


cdef inline int session_sink(pipe_t *p, msg_t *m, bint take) noexcept nogil:
    """pipe_sink_t. 1 = in the output (a subscription: or held), 0 = full, -ENOMEM (only a subscription)."""
    cdef session_t *s = <session_t *> p.session
    cdef unsigned char *out
    cdef size_t size = m.size
    cdef int header
    cdef bint more = (m.flags & MSG_MORE) != 0
    if m.flags & (MSG_SUBSCRIBE | MSG_CANCEL):
        return transmit_subscription(s, m)
    if s.tx_broken:
        return 0
    if s.tx == NULL:
        out = transmit_room(s, TX_REF_MIN + FRAME_OVERHEAD)
        if out == NULL:
            return 0
    elif transmit_full(s):
        return 0
    else:
        out = s.tx.data + s.tx_tail
    if s.held != NULL and not more:
        # What was held goes right behind this frame, so there must be room for both.
        out = transmit_room(s, TX_REF_MIN + FRAME_OVERHEAD + s.held.size)
        if out == NULL:
            return 0
    if s.version >= 2:
        header = frame_put(out, size, m.flags & MSG_MORE)
    else:
        header = frame_put_v1(out, size, m.flags & MSG_MORE)
    if size < TX_REF_MIN:
        memcpy(out + header, msg_data(m), size)
        s.tx_tail += header + size
    else:
        s.tx_tail += header
        if transmit_ref(s, m, take) < 0:
            s.tx_tail -= header
            return 0
    s.tx_more = more
    if s.held != NULL and not more:
        memcpy(s.tx.data + s.tx_tail, s.held.data, s.held.size)
        s.tx_tail += s.held.size
        free(s.held)
        s.held = NULL
    transmit_mark(s)
    return 1


cdef inline bint transmit_legacy(session_t *s) noexcept nogil:
    """Subscriptions are messages, not commands."""
    return s.version < 3 or s.minor < 1


cdef inline size_t transmit_put_subscription(session_t *s, unsigned char *out, msg_t *m) noexcept nogil:
    cdef bint add = (m.flags & MSG_SUBSCRIBE) != 0
    if not transmit_legacy(s):
        return command_put(out, CMD_SUBSCRIBE if add else CMD_CANCEL, 0, msg_data(m), m.size)
    if s.version >= 2:
        return subscription_put_legacy(out, add, msg_data(m), m.size)
    return subscription_put_legacy_v1(out, add, msg_data(m), m.size)


cdef inline int transmit_subscription(session_t *s, msg_t *m) noexcept nogil:
    """1 or -ENOMEM."""
    cdef unsigned char *out
    if s.tx_wall and session_unsent(s) + m.size > s.tx_wall:
        # Forgotten with the connection; the next one begins with all of them. Not ended here: the pattern is at work.
        s.cut_due = s.deadline = 1
        s.host.retime(s)
        return 1
    if s.tx_more and transmit_legacy(s):
        return transmit_hold(s, m)
    out = transmit_room(s, m.size + 64)
    if out == NULL:
        return -ENOMEM
    s.tx_tail += transmit_put_subscription(s, out, m)
    transmit_mark(s)
    return 1


cdef inline void transmit_wall(session_t *s) noexcept nogil:
    """The subscriptions that a connection begins with are in the output; from here on there is a limit."""
    s.tx_wall = session_unsent(s) + TX_SUBSCRIPTIONS_MAX


cdef inline int transmit_hold(session_t *s, msg_t *m) noexcept nogil:
    """1 or -ENOMEM."""
    cdef held_t *h = s.held
    cdef size_t size = h.size if h != NULL else 0
    cdef size_t need = size + m.size + FRAME_OVERHEAD
    if h == NULL or need > h.room:
        h = <held_t *> realloc(h, sizeof(held_t) + need * 2)
        if h == NULL:
            return -ENOMEM
        h.size = size
        h.room = need * 2
        s.held = h
    h.size += transmit_put_subscription(s, h.data + size, m)
    return 1


cdef inline void transmit_command(session_t *s, int kind, uint32_t ttl_ds, const unsigned char *data, size_t n) noexcept nogil:
    cdef unsigned char *out
    # No memory for a peer that asks without ever reading, nor for one that takes nothing: what it has not taken yet shows it that we are alive.
    if s.tx_broken or (kind == CMD_PONG and session_unsent(s) > 2 * TX_FULL) or (kind == CMD_PING and s.tx_blocked):
        return
    out = transmit_room(s, command_size(kind, n) + FRAME_OVERHEAD)
    if out != NULL:
        s.tx_tail += command_put(out, kind, ttl_ds, data, n)
        transmit_mark(s)


cdef inline bint transmit_refill(session_t *s) noexcept nogil:
    """Moves queued messages from the ring into an output that has room. True if there were any."""
    cdef pipe_t *p = s.pipe
    cdef msg_t *m
    cdef bint some = False
    if p == NULL or p.sink == NULL:
        return False
    while True:
        m = ring_front(p.outr)
        if m == NULL:
            ring_settle(p.outr)     # or else a mark that was lowered meanwhile could leave an empty ring full
            return some
        if not session_sink(p, m, True):
            return some
        msg_close(m)
        ring_pop(p.outr)
        some = True


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
    """One system call; `tried` octets were offered."""
    cdef zc_iovec_t iov[64]                 # TX_IOV_MAX
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


cdef inline void transmit_flush(session_t *s) noexcept nogil:
    """Writes what there is, refills from the ring, until all is out or the kernel is full (or TX_TURN is; it looks the same from outside)."""
    cdef ptrdiff_t n
    cdef size_t tried
    cdef size_t left = TX_TURN
    cdef bint was_blocked = s.tx_blocked
    cdef bint refilled = False
    if s.state != SESSION_READY or s.tx_broken:
        return
    while True:
        if session_unsent(s) == 0:
            s.nrefs = s.ref_head = 0
            transmit_release(s)
            s.tx_head = s.tx_tail = 0
            s.tx_inside = s.tx_more
            if s.pipe != NULL and not ring_empty(s.pipe.outr):
                refilled = transmit_refill(s) or refilled
                if session_unsent(s):
                    continue
            s.tx_blocked = False
            break
        n = transmit_write(s, &tried)
        if n < 0:
            if n != -EAGAIN:
                s.tx_broken = True      # what is left is salvaged when the reader has found the end
                s.tx_blocked = False
                break
            n = 0
        transmit_advance(s, n)
        if <size_t> n < tried or <size_t> n >= left:
            s.tx_blocked = True
            break
        left -= n
    if was_blocked != s.tx_blocked:
        session_want(s, s.want_in, s.tx_blocked)
    if refilled or (was_blocked and not s.tx_blocked):
        s.host.writable(s)


cdef inline void transmit_drop(session_t *s) noexcept nogil:
    """Forgets all output."""
    while s.ref_head < s.nrefs:
        msg_close(&s.refs[s.ref_head].body)
        s.ref_head += 1
    s.nrefs = s.ref_head = 0
    s.tx_refbytes = 0
    transmit_release(s)
    s.tx_head = s.tx_tail = 0
    s.tx_wall = 0
    free(s.held)
    s.held = NULL


cdef inline void transmit_salvage(session_t *s) noexcept nogil:
    """The connection is lost but the pipe lives on: whole messages that never left go back in front of the ring.

    A message of which even one octet was handed to the kernel is dropped; if its writer has not finished it, the rest is skipped.
    Subscriptions are dropped, too: the next connection begins with all of them, and an old cancel behind these would undo a newer one."""
    cdef pipe_t *p = s.pipe
    cdef ring_t fresh
    cdef msg_t *slot
    cdef msg_t *front
    cdef frame_t f
    cdef size_t pos = 0
    cdef uint32_t ri = 0
    cdef bint by_ref
    cdef bint inside = s.tx_inside  # within a multipart message
    cdef bint keep = False
    cdef bint subscribes = s.host.socket_type == TYPE_SUB or s.host.socket_type == TYPE_XSUB
    cdef bint failed = False        # memory is out
    cdef int rc
    if p == NULL:
        transmit_drop(s)
        return
    if session_unsent(s) == 0 and not inside and p.outr.wcount == p.outr.pub:
        transmit_drop(s)        # nothing to put in front: the ring stays as it is, however much is in it
        return
    # Tail of a message whose beginning left: frames still in the ring are useless, too.
    ring_init(&fresh, p.outr.hwm)
    if p.outr.only != NULL and ring_conflate(&fresh) < 0:
        # The ring holds what is newest; an unfinished message cannot go on without what goes with the output.
        p.skip_out = p.writing
        ring_rollback(p.outr)
        transmit_drop(s)
        return
    while s.tx != NULL and pos < s.tx_tail:
        if s.version >= 2:
            rc = frame_get(s.tx.data + pos, s.tx_tail - pos, &f)
        else:
            rc = frame_get_v1(s.tx.data + pos, s.tx_tail - pos, &f)
        if rc != 1:
            break
        if not inside:
            keep = pos >= s.tx_head
        by_ref = ri < s.nrefs and s.refs[ri].at == pos + f.header and f.size >= TX_REF_MIN
        # These types send no message of one frame that begins with 00 or 01 but subscriptions.
        if f.flags & FRAME_COMMAND or (
                subscribes and not inside and not f.flags & FRAME_MORE and not by_ref and f.size and s.tx.data[pos + f.header] <= 1):
            pos += f.header + f.size
            continue
        if keep:
            slot = ring_slot(&fresh)
            failed = slot == NULL or (not by_ref and msg_set(slot, s.tx.data + pos + f.header, f.size) < 0)
            if failed:
                break
            if by_ref:
                msg_move(slot, &s.refs[ri].body)
            slot.flags = MSG_MORE if f.flags & FRAME_MORE else 0
            ring_commit(&fresh)
        inside = (f.flags & FRAME_MORE) != 0
        pos += f.header
        if by_ref:
            ri += 1
        else:
            pos += f.size
    # The rest of the message that was cut off may still be in the ring.
    while not failed:
        front = ring_front(p.outr)
        if front == NULL:
            break
        if inside and not keep:
            inside = (front.flags & MSG_MORE) != 0
            msg_close(front)
            ring_pop(p.outr)
            continue
        slot = ring_slot(&fresh)
        failed = slot == NULL
        if failed:
            break
        msg_move(slot, front)
        inside = (slot.flags & MSG_MORE) != 0
        keep = True
        ring_commit(&fresh)
        ring_pop(p.outr)
    if failed:
        # What could be kept is kept. What stands behind it is lost, for a message may neither lack a part nor overtake another.
        ring_rollback(&fresh)
        p.skip_out = p.writing
    elif p.writing and inside and not keep:
        p.skip_out = True
    ring_move_unpublished(&fresh, p.outr, p.skip_out)
    ring_free(p.outr)
    p.outr[0] = fresh
    transmit_drop(s)
