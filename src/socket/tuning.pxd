# From a socket's options to what a transport is told about them.

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcpy, memset
from base.errors cimport ENOMEM
from base.memory cimport malloc
from base.platform cimport zc_shared_there
from compression.libraries cimport lz4_there, zstd_there
from compression.ops cimport CODEC_LZ4, CODEC_ZSTD
from option.store cimport options_frame_max, options_hear_passwords, options_message_bytes_max, options_message_frames_max
from option.table cimport option_bytes_t, option_list_t, options_t
from pattern.ops cimport DATAGRAMS, PUBLISHES
from pattern.pattern cimport pattern_is
from socket.state cimport endpoint_t, socket_t
from transport.cidr cimport cidr_t
from transport.ops cimport visitors_t
from transport.openssl cimport openssl_there
from transport.tuning cimport tuning_t, tuning_text_t


cdef inline void tuning_text(tuning_text_t *t, const option_bytes_t *o) noexcept nogil:
    t.data = <const char *> o.data
    t.size = o.size


cdef inline void tuning_from(socket_t *s, const endpoint_t *e, tuning_t *t) noexcept nogil:
    """For an endpoint of the socket's, which has its terms. Lock held, also as long as it is in use."""
    cdef const options_t *o = e.terms.opt
    memset(t, 0, sizeof(tuning_t))
    t.sndbuf = o.sndbuf
    t.rcvbuf = o.rcvbuf
    t.keepalive = o.tcp_keepalive
    t.keepalive_cnt = o.tcp_keepalive_cnt
    t.keepalive_idle = o.tcp_keepalive_idle
    t.keepalive_intvl = o.tcp_keepalive_intvl
    t.tos = o.tos
    t.priority = o.priority
    t.maxrt_ms = o.tcp_maxrt
    t.loopback_fastpath = o.loopback_fastpath
    t.backlog = o.backlog
    t.busy_poll = o.busy_poll
    t.addressed = pattern_is(&s.pattern, DATAGRAMS)
    t.passing = o.shared_memory != 0 and zc_shared_there()
    t.use_fd = o.use_fd
    t.file_mode = o.ipc_file_mode
    t.file_uid = o.ipc_file_uid
    t.file_gid = o.ipc_file_gid
    t.publishes = pattern_is(&s.pattern, PUBLISHES)
    t.multicast_hops = o.multicast_hops
    t.multicast_loop = o.multicast_loop != 0
    t.rate = o.rate
    t.recovery_ivl = o.recovery_ivl
    t.maxtpdu = o.multicast_maxtpdu
    t.frame_max = options_frame_max(o)
    t.message_bytes_max = options_message_bytes_max(o)
    t.message_frames_max = options_message_frames_max(o)
    if o.bindtodevice.size:
        memcpy(t.bindtodevice, o.bindtodevice.data, o.bindtodevice.size)
    t.tls.library = &s.ctx.openssl if openssl_there(&s.ctx.openssl) else NULL
    tuning_text(&t.tls.certificate, &o.tls_cert_pem)
    tuning_text(&t.tls.key, &o.tls_key_pem)
    tuning_text(&t.tls.trust, &o.tls_trust_pem)
    tuning_text(&t.tls.hostname, &o.tls_hostname)
    t.tls.trust_system = o.tls_trust_system != 0
    t.tls.client_certificates = o.tls_verify_client
    t.tls.tls12 = o.tls_allow_12 != 0
    t.tls.wiping = options_hear_passwords(o)
    t.compression.libraries[CODEC_LZ4] = &s.ctx.lz4 if lz4_there(&s.ctx.lz4) else NULL
    t.compression.libraries[CODEC_ZSTD] = &s.ctx.zstd if zstd_there(&s.ctx.zstd) else NULL
    t.compression.level = o.compression_level
    tuning_text(&t.compression.dictionary, &o.compression_dict)
    t.prepared = e.prepared


cdef inline const void *visitors_keep(const option_list_t *list, size_t item, unsigned char **at) noexcept nogil:
    """A list, copied to the block that is filled from *at on."""
    cdef unsigned char *copy = at[0]
    if list.count:
        memcpy(copy, list.items, list.count * item)
    at[0] += list.count * item
    return copy


cdef inline int visitors_take(const socket_t *s, visitors_t **out) noexcept nogil:
    """Of the options as they are now. 0, and *out is NULL if everybody may connect; or -ENOMEM. Lock held."""
    cdef const options_t *o = &s.opt
    cdef visitors_t *v
    cdef unsigned char *at
    cdef size_t numbers = <size_t> o.ipc_uid_filters.count + o.ipc_gid_filters.count + o.ipc_pid_filters.count
    out[0] = NULL
    if o.tcp_accept_filters.count == 0 and numbers == 0:
        return 0
    v = <visitors_t *> malloc(sizeof(visitors_t) + o.tcp_accept_filters.count * sizeof(cidr_t) + numbers * sizeof(uint32_t))
    if v == NULL:
        return -ENOMEM
    at = <unsigned char *> (v + 1)
    v.addresses = <const cidr_t *> visitors_keep(&o.tcp_accept_filters, sizeof(cidr_t), &at)
    v.naddresses = <int> o.tcp_accept_filters.count
    v.uids = <const uint32_t *> visitors_keep(&o.ipc_uid_filters, sizeof(uint32_t), &at)
    v.nuids = <int> o.ipc_uid_filters.count
    v.gids = <const uint32_t *> visitors_keep(&o.ipc_gid_filters, sizeof(uint32_t), &at)
    v.ngids = <int> o.ipc_gid_filters.count
    v.pids = <const int32_t *> visitors_keep(&o.ipc_pid_filters, sizeof(int32_t), &at)
    v.npids = <int> o.ipc_pid_filters.count
    out[0] = v
    return 0
