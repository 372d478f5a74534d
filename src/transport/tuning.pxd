# What the application wants of the system's sockets.
#
# Values are those of ZeroMQ's options; -1, and 0 where it says so, leave the system's default. What the system refuses
# does not cost the connection unless a transport says otherwise. Texts and the library are by reference: for use under
# the socket's lock.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t, UINT64_MAX
from libc.string cimport memset
from base.config cimport DEVICE_NAME_MAX
from compression.ops cimport CODECS
from transport.openssl cimport openssl_t

cdef enum:
    TUNING_BACKLOG = 100           # ZeroMQ's default

# A text of the options; NULL, 0 when unset. There is a NUL behind it.
cdef struct tuning_text_t:
    const char *data
    size_t size

# What TLS is to be made of.
cdef struct tls_wishes_t:
    const openssl_t *library       # NULL: it has not been looked for
    tuning_text_t certificate
    tuning_text_t key
    tuning_text_t trust
    tuning_text_t hostname
    bint trust_system
    int client_certificates        # of a server: 0 it asks for none, 1 they may show one, 2 they have to
    bint tls12                     # TLS 1.2 is good enough
    bint wiping                    # what comes may be a password: nothing of it stays in OpenSSL's buffers

# How messages are compressed.
cdef struct compression_wishes_t:
    const void *libraries[CODECS]  # of each codec, as `library` above
    int level                      # of Zstandard
    tuning_text_t dictionary

cdef struct tuning_t:
    int sndbuf
    int rcvbuf
    int keepalive
    int keepalive_cnt
    int keepalive_idle
    int keepalive_intvl
    int tos                        # 0 leaves
    int priority                   # 0 leaves
    int maxrt_ms                   # 0 leaves
    int backlog
    int busy_poll                  # 0 leaves
    int loopback_fastpath          # 0 leaves
    bint addressed                 # datagrams that arrive bear their sender's address
    # of a socket file; -1 leaves
    int file_mode
    int file_uid
    int file_gid
    bint passing                   # descriptors that the peer sends are taken
    int use_fd                     # a listening descriptor of the application, -1 for none
    char bindtodevice[DEVICE_NAME_MAX + 1]
    # of groups
    bint publishes                 # the stream will be written to; else it will be read
    int multicast_hops
    bint multicast_loop
    int rate                       # kilobits per second
    int recovery_ivl               # ms
    int maxtpdu                    # bytes
    # what a message may be, where the transport puts them together
    uint64_t frame_max
    uint64_t message_bytes_max
    uint32_t message_frames_max
    tls_wishes_t tls
    compression_wishes_t compression
    void *prepared                 # what transport_ops_t.prepare made for the endpoint, or NULL


cdef inline void tuning_default(tuning_t *t) noexcept nogil:
    memset(t, 0, sizeof(tuning_t))
    t.sndbuf = t.rcvbuf = -1
    t.keepalive = t.keepalive_cnt = t.keepalive_idle = t.keepalive_intvl = -1
    t.backlog = TUNING_BACKLOG
    t.multicast_hops = t.multicast_loop = 1
    t.frame_max = UINT64_MAX
    t.use_fd = t.file_mode = t.file_uid = t.file_gid = -1
