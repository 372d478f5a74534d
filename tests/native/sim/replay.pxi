# Conversations from Python: a kept one again, and random changes of kept ones. See conversation.pxi.

from libc.string cimport memmove
from sim.system cimport sim_mix


def converse(bytes octets):
    """One conversation: (finding, text, steps); finding 0: none."""
    cdef const unsigned char *p = octets
    cdef size_t n = len(octets)
    cdef int rc
    with nogil:
        rc = fuzz_one(p, n)
    return rc, (<bytes> world.text).decode(), world.steps


cdef inline uint64_t next_random(uint64_t *state, uint64_t n) noexcept nogil:
    state[0] = sim_mix(state[0])
    return (state[0] >> 11) % n


cdef size_t change(unsigned char *out, size_t n, size_t room, const unsigned char *other, size_t other_n, uint64_t *chance) noexcept nogil:
    """Flips, overwrites, inserts, takes out, repeats, or continues as another conversation does."""
    cdef size_t at = <size_t> next_random(chance, n)
    cdef size_t k = 1 + <size_t> next_random(chance, 8)
    cdef int how = <int> next_random(chance, 6)
    if how == 0:
        out[at] ^= 1 << next_random(chance, 8)
    elif how == 1:
        out[at] = <unsigned char> next_random(chance, 256)
    elif how == 2 and n + k <= room:
        memmove(out + at + k, out + at, n - at)
        n += k
        while k:
            k -= 1
            out[at + k] = <unsigned char> next_random(chance, 256)
    elif how == 3 and at > 4 and at + k < n:
        memmove(out + at, out + at + k, n - at - k)
        n -= k
    elif how == 4 and at > 4 and at + k <= n and n + k <= room:
        memmove(out + at + k, out + at, n - at)
        n += k
    elif other_n > 6:
        k = 5 + <size_t> next_random(chance, other_n - 5)
        if at < 5:
            at = 5 if n > 5 else n
        if at + other_n - k <= room:
            memcpy(out + at, other + k, other_n - k)
            n = at + other_n - k
    return n


def converse_at_random(list kept, uint64_t seed, uint64_t count):
    """`count` changed conversations. None, or the first one with a finding: (octets, finding, text)."""
    cdef unsigned char octets[400]
    cdef uint64_t chance = seed
    cdef const unsigned char *p
    cdef size_t n
    cdef bytes one, other
    cdef int rc = 0
    cdef uint64_t done
    cdef uint64_t changes
    for done in range(count):
        one = kept[next_random(&chance, len(kept))]
        other = kept[next_random(&chance, len(kept))]
        n = len(one)
        if n > sizeof(octets):
            n = sizeof(octets)
        memcpy(octets, <const unsigned char *> one, n)
        p = other
        changes = 1 + next_random(&chance, 5)
        while changes:
            changes -= 1
            n = change(octets, n, sizeof(octets), p, len(other), &chance)
        rc = fuzz_one(octets, n)
        if rc:
            return octets[:n], rc, (<bytes> world.text).decode()
    return None
