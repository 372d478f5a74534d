# Shows src/pipe to the tests: ring_Queue is one ring with both ends in the caller's hands; ring_stress halves run in two threads.

from libc.stdint cimport uint32_t, uint64_t
from cpython.bytes cimport PyBytes_FromStringAndSize
from base.atomics cimport zc_load_acquire_u32, zc_store_release_u32, zc_swap_u32, zc_pause
from message.message cimport msg_t, msg_set, msg_data, msg_close, msg_move, MSG_MORE
from pipe.ring cimport (
    ring_t, ring_init, ring_free, ring_slot, ring_commit, ring_front, ring_pop, ring_full, ring_empty, ring_rollback, ring_set_hwm,
    ring_messages, ring_mid_message, ring_return_credit, ring_wake_reader, ring_wake_writer, ring_writer_sleeps, ring_reader_sleeps, ring_second,
)
from pipe.budget cimport account_t, budget_limit, budget_t
from pipe.charging cimport ring_charge, ring_settle
from pipe.ring_conflate cimport ring_conflate
from pipe.ring_trim cimport ring_idle_bytes, ring_trim
from pipe.ring_turn cimport ring_turn


cdef int probe_fill(msg_t *m, bytes frame, bint more, int flags) except -1:
    if msg_set(m, <const char *> frame, len(frame)) < 0:
        raise MemoryError
    m.flags = <unsigned char> ((MSG_MORE if more else 0) | flags)
    return 0


cdef bytes probe_octets(msg_t *m):
    return PyBytes_FromStringAndSize(<char *> msg_data(m), m.size)


cdef class ring_Queue:
    cdef ring_t ring
    # for the stress test: what a sleeping side waits for
    cdef uint32_t reader_woken
    cdef uint32_t writer_woken

    def __cinit__(self, uint32_t hwm=0, bint conflate=False, bint one_lock=False):
        ring_init(&self.ring, hwm)
        self.ring.one_lock = one_lock
        if conflate and ring_conflate(&self.ring) < 0:
            raise MemoryError

    def __dealloc__(self):
        ring_free(&self.ring)

    def push(self, bytes frame not None, bint more=False):
        cdef msg_t m
        cdef msg_t *slot
        probe_fill(&m, frame, more, 0)
        slot = ring_slot(&self.ring)
        if slot == NULL:
            raise MemoryError
        msg_move(slot, &m)
        ring_commit(&self.ring)

    def pop(self):
        """(frame, more) or None"""
        cdef msg_t *front = ring_front(&self.ring)
        cdef msg_t m
        if front == NULL:
            return None
        m = front[0]
        ring_pop(&self.ring)
        try:
            return probe_octets(&m), (m.flags & MSG_MORE) != 0
        finally:
            msg_close(&m)

    def second(self):
        """The frame behind the next one, which has MORE."""
        assert ring_front(&self.ring) != NULL
        return probe_octets(ring_second(&self.ring))

    def rollback(self):
        ring_rollback(&self.ring)

    def trim(self):
        ring_trim(&self.ring)

    def set_hwm(self, uint32_t hwm, uint64_t hwm_bytes=0):
        ring_set_hwm(&self.ring, hwm, hwm_bytes)

    def turn(self):
        return bool(ring_turn(&self.ring))

    def settle(self):
        return bool(ring_return_credit(&self.ring))

    @property
    def full(self):
        return bool(ring_full(&self.ring))

    @property
    def empty(self):
        return bool(ring_empty(&self.ring))

    @property
    def mid_message(self):
        return bool(ring_mid_message(&self.ring))

    @property
    def messages(self):
        return ring_messages(&self.ring)

    @property
    def idle_bytes(self):
        return ring_idle_bytes(&self.ring)

    def produce(self, uint64_t count, uint32_t parts):
        """Writes `count` messages of 1..parts frames carrying a running number; sleeps when full. Frames written."""
        cdef uint64_t i, number = 0
        cdef uint32_t j, n
        cdef msg_t *slot
        cdef bint ok = True
        with nogil:
            for i in range(count):
                if ring_full(&self.ring) and ring_writer_sleeps(&self.ring):
                    if not ring_await(&self.writer_woken):
                        ok = False
                        break
                n = <uint32_t> (i * 2654435761u >> 7) % parts + 1
                for j in range(n):
                    slot = ring_slot(&self.ring)
                    if slot == NULL:
                        ok = False
                        break
                    msg_set(slot, &number, sizeof(number))
                    slot.flags = MSG_MORE if j + 1 < n else 0
                    number += 1
                    ring_commit(&self.ring)
                if ring_wake_reader(&self.ring):
                    zc_store_release_u32(&self.reader_woken, 1)
        if not ok:
            raise TimeoutError("the writer was never woken")
        return number

    def consume(self, uint64_t count):
        """Reads `count` messages and checks the numbers; sleeps when empty. Frames read."""
        cdef uint64_t got = 0, number = 0, value
        cdef msg_t *front
        cdef bint more = False
        cdef int error = 0
        with nogil:
            while got < count:
                front = ring_front(&self.ring)
                if front == NULL:
                    if more:
                        error = 1
                        break
                    if ring_reader_sleeps(&self.ring) and not ring_await(&self.reader_woken):
                        error = 2
                        break
                    continue
                value = (<uint64_t *> msg_data(front))[0]
                if value != number:
                    error = 3
                    break
                number += 1
                more = (front.flags & MSG_MORE) != 0
                if not more:
                    got += 1
                msg_close(front)
                if ring_pop(&self.ring) and ring_wake_writer(&self.ring):
                    zc_store_release_u32(&self.writer_woken, 1)
        if error:
            raise AssertionError(("", "part of a message was visible", "the reader was never woken", "order")[error])
        return number

    def produce_numbered(self, uint64_t count, uint32_t parts):
        """`count` messages of `parts` frames, each frame the number of its message, from 1."""
        cdef uint64_t i
        cdef uint32_t j
        cdef msg_t *slot
        with nogil:
            for i in range(1, count + 1):
                for j in range(parts):
                    slot = ring_slot(&self.ring)
                    if slot == NULL:
                        break
                    msg_set(slot, &i, sizeof(i))
                    slot.flags = MSG_MORE if j + 1 < parts else 0
                    ring_commit(&self.ring)
                if ring_wake_reader(&self.ring):
                    zc_store_release_u32(&self.reader_woken, 1)

    def consume_newest(self, uint64_t last, uint32_t parts):
        """Reads whole numbered messages up to number `last`. How many there were."""
        cdef uint64_t number = 0, value, seen = 0
        cdef uint32_t at = 0
        cdef msg_t *front
        cdef int error = 0
        with nogil:
            while number < last or at:
                front = ring_front(&self.ring)
                if front == NULL:
                    if at:
                        error = 1
                        break
                    if ring_reader_sleeps(&self.ring) and not ring_await(&self.reader_woken):
                        error = 2
                        break
                    continue
                value = (<uint64_t *> msg_data(front))[0]
                if (at == 0 and value <= number) or (at != 0 and value != number):
                    error = 3
                    break
                number = value
                at = at + 1 if front.flags & MSG_MORE else 0
                if at == parts:
                    error = 1
                    break
                seen += at == 0
                msg_close(front)
                ring_pop(&self.ring)
        if error:
            raise AssertionError(("", "part of a message was visible", "the reader was never woken", "order")[error])
        return seen


cdef bint ring_await(uint32_t *flag) noexcept nogil:
    """Waits for the other thread's wake-up; false after a time no live thread would need."""
    cdef uint64_t spins = 0
    while zc_load_acquire_u32(flag) == 0:
        zc_pause()
        spins += 1
        if spins > <uint64_t> 4000000000:
            return False
        if spins & 0xffff == 0:
            with gil:
                pass        # on one core the other thread needs ours to step aside
    zc_swap_u32(flag, 0)
    return True


cdef void budget_note(account_t *a) noexcept nogil:
    pass        # the account says `roomy` by itself


cdef class ring_Budget:
    """A limit, and rings that count for it. Each has an account of its own."""
    cdef budget_t budget
    cdef account_t accounts[8]
    cdef list rings

    def __cinit__(self, uint64_t limit, int count):
        cdef ring_Queue ring
        self.budget.limit = limit
        self.rings = [ring_Queue() for _ in range(count)]
        for i in range(count):
            ring = self.rings[i]
            self.accounts[i].budget = &self.budget
            self.accounts[i].wake = budget_note
            if ring_charge(&ring.ring, &self.accounts[i]) < 0:
                raise MemoryError

    def __getitem__(self, int i):
        return self.rings[i]

    @property
    def used(self):
        """Once all that has been written is charged."""
        cdef ring_Queue ring
        for ring in self.rings:
            ring_settle(&ring.ring)
        return <long long> self.budget.used

    @property
    def hits(self):
        return self.budget.hits

    def limit(self, uint64_t limit):
        budget_limit(&self.budget, limit)

    def told(self):
        """The numbers of the rings whose account has heard, since the last call, that there may be room."""
        told = [i for i in range(len(self.rings)) if self.accounts[i].roomy]
        for i in told:
            self.accounts[i].roomy = 0
        return told

    def drop(self, int i):
        cdef ring_Queue ring = self.rings[i]
        ring_free(&ring.ring)
