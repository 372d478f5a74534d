# Rings that count for the limit of their context: how a ring gets its charge, keeps it and loses it. See budget.pxd.

from base.errors cimport ENOMEM
from base.memory cimport calloc
from message.message cimport msg_close, msg_t
from pipe.budget cimport account_t, charge_drop, charge_restart, charge_settle, charge_t, FRAME_COST
from pipe.ring cimport ring_front, ring_pop, ring_set_hwm, ring_t


cdef inline int ring_charge(ring_t *r, account_t *a) noexcept nogil:
    """Both sides held: what the ring holds counts from now on, if the account's socket has a limit. 0 or -ENOMEM."""
    cdef charge_t *c
    if a.budget == NULL or r.only != NULL or r.charge != NULL:
        return 0
    c = <charge_t *> calloc(1, sizeof(charge_t))
    if c == NULL:
        return -ENOMEM
    c.budget = a.budget
    c.account = a
    c.charged = c.released = r.rbytes + r.rcount * FRAME_COST
    r.charge = c
    ring_set_hwm(r, r.hwm, r.hwm_bytes)
    return 0


cdef inline void ring_settle(ring_t *r) noexcept nogil:
    """Producer: everything written so far is charged."""
    if r.charge != NULL:
        charge_settle(r.charge, r.wbytes + r.wcount * FRAME_COST)


cdef inline void ring_uncharge(ring_t *r) noexcept nogil:
    """Both sides held."""
    cdef charge_t *c = r.charge
    if c != NULL:
        r.charge = NULL
        ring_set_hwm(r, r.hwm, r.hwm_bytes)
        charge_drop(c)


cdef inline void ring_recharge(ring_t *r, ring_t *old) noexcept nogil:
    """Both sides of both held: `r`, a new ring, is going to take over what is in `old`. Until ring_recount() that counts as before, so that
    nobody else finds its room meanwhile."""
    r.charge = old.charge
    old.charge = NULL
    ring_set_hwm(r, r.hwm, r.hwm_bytes)


cdef inline void ring_recount(ring_t *r) noexcept nogil:
    """Both sides held, and nothing has been read."""
    if r.charge != NULL:
        charge_restart(r.charge, r.wbytes + r.wcount * FRAME_COST)


cdef inline void ring_leave_nothing(ring_t *r) noexcept nogil:
    """Consumer: it reads no more. What a ring that counts still holds is closed now, for the producer may not come by for a long time."""
    cdef msg_t *m = ring_front(r) if r.charge != NULL else NULL
    while m != NULL:
        msg_close(m)
        ring_pop(r)
        m = ring_front(r)


cdef inline void ring_grant(ring_t *r) noexcept nogil:
    """Producer: the next message takes the place of one that was given up, so the limit is not asked."""
    if r.charge != NULL:
        r.charge.granted = True
