# Shows src/shared/ and engine/sharing.pxd to the tests: the sender's segment and the receiver's mapping, within one process.


from message.message cimport msg_close, msg_data, msg_share, msg_t
from shared.ledger cimport LEDGER_BYTES, SEGMENT_SLOTS
from shared.mapping cimport mapping_new, mapping_t, mapping_take, mapping_unref
from shared.segment cimport (
    SEGMENT_PEERS, segment_alloc, segment_in_use, segment_leave, segment_msg, segment_new, segment_seat, segment_sent, shared_segment_t,
    segment_unref, segment_welcome, slot_t,
)
from engine.sharing cimport (
    BLOCK_DATA, SEGMENT_DATA, block_data_get, block_data_put, block_place_t, segment_data_get, segment_data_put,
)

shared_SLOTS, shared_PEERS, shared_LEDGER = SEGMENT_SLOTS, SEGMENT_PEERS, LEDGER_BYTES


def shared_block_put(int flags, uint32_t slot, uint64_t offset, uint64_t size):
    cdef unsigned char out[21]
    cdef block_place_t b
    b.flags = flags
    b.slot = slot
    b.offset = offset
    b.size = size
    block_data_put(out, &b)
    return (<char *> out)[:BLOCK_DATA]


def shared_block_get(bytes data):
    cdef block_place_t b
    cdef int rc = block_data_get(data, len(data), &b)
    if rc < 0:
        raise OSError(-rc, "block")
    return b.flags, b.slot, b.offset, b.size


def shared_segment_put(uint64_t size):
    cdef unsigned char out[8]
    segment_data_put(out, size)
    return (<char *> out)[:SEGMENT_DATA]


def shared_segment_get(bytes data):
    cdef uint64_t size = 0
    cdef int rc = segment_data_get(data, len(data), &size)
    if rc < 0:
        raise OSError(-rc, "segment")
    return size


cdef class shared_Block:
    """A message that holds a block, ours or a peer's."""
    cdef msg_t m

    def share(self):
        cdef shared_Block other = shared_Block.__new__(shared_Block)
        msg_share(&other.m, &self.m)
        return other

    def drop(self):
        msg_close(&self.m)

    def write(self, bytes data):
        cdef const char *p = data
        if len(data) > self.m.size:
            raise ValueError("too long")
        memcpy(msg_data(&self.m), p, len(data))

    def read(self):
        return (<char *> msg_data(&self.m))[:self.m.size]

    @property
    def size(self):
        return self.m.size

    def __dealloc__(self):
        msg_close(&self.m)


cdef class shared_Segment:
    cdef shared_segment_t *g

    def __cinit__(self, size_t size):
        cdef int rc = segment_new(size, &self.g)
        if rc < 0:
            raise OSError(-rc, "segment")

    def __dealloc__(self):
        segment_unref(self.g)

    @property
    def fd(self):
        return self.g.fd

    @property
    def in_use(self):
        return segment_in_use(self.g)

    @property
    def layout(self):
        """(at, room) of every block, in order."""
        return [(self.g.slots[self.g.order[i]].at, self.g.slots[self.g.order[i]].room) for i in range(self.g.count)]

    def alloc(self, size_t size):
        cdef shared_Block block
        cdef slot_t *t = segment_alloc(self.g, size)
        if t == NULL:
            return None
        block = shared_Block.__new__(shared_Block)
        segment_msg(t, size, &block.m)
        return block

    def place(self, shared_Block block not None):
        """(slot, offset)"""
        cdef slot_t *t = <slot_t *> block.m.body.ref.owner
        if t.segment != self.g:
            raise ValueError("of another segment")
        return t - self.g.slots, t.at

    def seat(self):
        """(seat, descriptor of its ledger)"""
        cdef int fd = -1
        cdef int seat = segment_seat(self.g, &fd)
        if seat < 0:
            raise OSError(-seat, "seat")
        return seat, fd

    def welcome(self, int seat):
        self.check(seat)
        return bool(segment_welcome(self.g, seat))

    def sent(self, int seat, shared_Block block not None):
        self.check(seat)
        self.place(block)
        segment_sent(self.g, seat, <slot_t *> block.m.body.ref.owner)

    def leave(self, int seat):
        self.check(seat)
        return bool(segment_leave(self.g, seat))

    def leave_last(self, int seat):
        """The segment's owner has given it up before."""
        cdef shared_segment_t *g = self.g
        self.check(seat)
        self.g = NULL
        segment_unref(g)
        return bool(segment_leave(g, seat))

    cdef check(self, int seat):
        if not 0 <= seat < SEGMENT_PEERS or self.g.seats[seat] == NULL:
            raise ValueError("no such seat")


cdef class shared_Mapping:
    cdef mapping_t *mapping

    def __cinit__(self, int fd, int ledger, uint64_t size, uint64_t most):
        cdef int rc = mapping_new(fd, ledger, size, most, &self.mapping)
        if rc < 0:
            raise OSError(-rc, "mapping")

    def __dealloc__(self):
        mapping_unref(self.mapping)

    def take(self, uint32_t slot, uint64_t offset, uint64_t size):
        cdef shared_Block block = shared_Block.__new__(shared_Block)
        cdef int rc = mapping_take(self.mapping, slot, offset, size, &block.m)
        if rc < 0:
            raise OSError(-rc, "block")
        return block
