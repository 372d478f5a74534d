# Records: how datagrams travel between an engine and a transport, which otherwise exchange streams of bytes.
#
# Rules
# - A record is a header of RECORD_HEADER bytes, an address as text, and the datagram. It stands for one datagram, whole.
# - The transport writes to the system whole records only; what it reads it gives on as bytes, wherever a read ends.
# - Of the header, the transport reads and writes the two numbers at the beginning. The rest is the engine's: room for headers of
#   its own, which it may write over the record while it takes it apart (engine/datagram.pxd).
# - A record without an address goes to the peer that the stream was opened for. Records that arrive bear one where it was asked for
#   (tuning_t.addressed).
# - Numbers are the machine's own: records never leave the process.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    RECORD_HEADER = 16
    # A v6 address with its scope in brackets, and a port.
    RECORD_ADDRESS_MAX = 80
    # What IPv4 can carry: 65535 without the headers of IP and UDP. IPv6 could carry 20 more.
    DATAGRAM_MAX = 65507

cdef struct record_t:
    uint32_t address            # bytes of it, below 2**16
    uint32_t size               # of the datagram

# Datagrams that came to nothing.
cdef struct datagram_losses_t:
    uint64_t refused            # not sent: the system would not, or there was nobody at such an address
    uint64_t overrun            # came when the system's buffer was full, as far as it tells
    uint64_t oversized          # came, and were larger than may be
    uint64_t malformed          # came, and were no message


cdef inline void record_put(unsigned char *out, uint32_t address, uint32_t size) noexcept nogil:
    cdef record_t r
    r.address = address
    r.size = size
    memcpy(out, &r, sizeof(record_t))


cdef inline void record_get(const unsigned char *p, record_t *r) noexcept nogil:
    memcpy(r, p, sizeof(record_t))
