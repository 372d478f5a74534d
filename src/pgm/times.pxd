# The intervals and limits of PGM here, each with its reason. Those of RFC 3208 that it leaves open are the ones deployed
# with ZeroMQ: receivers and sources of both kinds take part in one conversation. Times are nanoseconds.

from libc.stdint cimport uint64_t

cdef enum:
    PGM_MS = 1000000

    # SPMs that begin and end a source, all at once: any one of them will do.
    PGM_SPM_AT_ONCE = 3
    # SPMs after data, behind which a receiver finds out that the last of it is missing: entries of pgm_heartbeat().
    PGM_HEARTBEATS = 9
    # A source answers requests for an SPM no sooner than this after its last.
    PGM_SPM_LEAST = 100 * PGM_MS

    # A NAK goes out so long after the gap was found, or sooner, by chance: another receiver may be the first.
    PGM_BACK_OFF = 50 * PGM_MS
    PGM_NCF_WAIT = 200 * PGM_MS
    PGM_DATA_WAIT = 200 * PGM_MS
    PGM_TRIES = 50
    # A request for an SPM waits for one that comes by itself; then less and less often.
    PGM_SPMR_WAIT = 25 * PGM_MS
    PGM_SPMR_DOUBLINGS = 8

    # NAKs to one source in one go, and the rest before the next: 63 packets each, a quarter of a million in a second.
    PGM_NAKS_AT_ONCE = 8
    PGM_NAK_REST = 2 * PGM_MS

    # What was just sent again need not be sent again because another receiver's NAK crossed it on the way.
    PGM_REPAIR_ONCE = 20 * PGM_MS
    # A burst: how much a rate may be behind and make up for. It must fit the receive buffer of a socket (Linux: 200 KiB)
    # at 500 Mbit/s, and is longer than a timer is late.
    PGM_BURST = 2 * PGM_MS
    # A repair never has to wait longer than this for its budget, however slow the source.
    PGM_REPAIR_RATE_LEAST = 65536       # bytes per second
    # Answers to NAKs, each a small packet. A storm of NAKs gets no more.
    PGM_NCF_RATE = 1000                 # per second
    # A source whose socket takes nothing more tries again.
    PGM_SEND_REST = PGM_MS

    # Sources that one receiver keeps. Whoever sends packets from made-up sources gets no memory beyond.
    PGM_SOURCES_MAX = 256
    # The sum of what is out of order or incomplete, for all sources together, unless rate and recovery interval ask for more.
    PGM_HELD_LEAST = 67108864
    # No window is larger: 24 GB of packets.
    PGM_WINDOW_MAX = 16777216


cdef inline uint64_t pgm_seconds(uint64_t n) noexcept nogil:
    return n * 1000000000


cdef inline uint64_t pgm_ambient() noexcept nogil:
    """Between the SPMs of a source that has nothing else to say."""
    return pgm_seconds(30)


cdef inline uint64_t pgm_source_silence() noexcept nogil:
    """A source that has been silent for so long is forgotten."""
    return pgm_seconds(300)


cdef inline uint64_t pgm_source_doubt() noexcept nogil:
    """A source that has been silent for so long makes way for a new one: it has left out two SPMs."""
    return pgm_seconds(75)


cdef inline uint64_t pgm_heartbeat(int step) noexcept nogil:
    """How long after the one before the next SPM follows data."""
    if step < 4:
        return 100 * PGM_MS
    if step == 4:
        return 1300 * PGM_MS
    if step == 5:
        return pgm_seconds(7)
    if step == 6:
        return pgm_seconds(16)
    return pgm_seconds(25) if step == 7 else pgm_seconds(30)
