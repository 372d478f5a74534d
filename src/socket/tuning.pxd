# From a socket's options to what a transport is told about them.

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcpy, memset
from base.platform cimport zc_shared_there
from compression.libraries cimport lz4_there, zstd_there
from option.store cimport options_frame_max, options_message_bytes_max, options_message_frames_max
from option.table cimport option_bytes_t, options_t
from pattern.ops cimport DATAGRAMS, PUBLISHES
from pattern.pattern cimport pattern_is
from socket.state cimport endpoint_t, socket_t
from transport.ops cimport visitors_t
from transport.openssl cimport openssl_there
from transport.tuning cimport tuning_t, tuning_text_t


cdef inline void tuning_text(tuning_text_t *t, const option_bytes_t *o) noexcept nogil:
    t.data = <const char *> o.data
    t.size = o.size


cdef inline void tuning_from(socket_t *s, const endpoint_t *e, tuning_t *t) noexcept nogil:
    """For an endpoint of the socket's. Lock held, also as long as it is in use."""
    cdef options_t *o = &s.opt
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
    t.compression.lz4 = &s.ctx.lz4 if lz4_there(&s.ctx.lz4) else NULL
    t.compression.zstd = &s.ctx.zstd if zstd_there(&s.ctx.zstd) else NULL
    t.compression.level = o.compression_level
    tuning_text(&t.compression.dictionary, &o.compression_dict)
    t.prepared = e.prepared


cdef inline void visitors_from(socket_t *s, visitors_t *v) noexcept nogil:
    """What the option store holds, by reference: for use under the socket's lock."""
    v.addresses = s.cidrs
    v.naddresses = <int> s.ncidrs
    v.uids = <const uint32_t *> s.opt.ipc_uid_filters.items
    v.nuids = <int> s.opt.ipc_uid_filters.count
    v.gids = <const uint32_t *> s.opt.ipc_gid_filters.items
    v.ngids = <int> s.opt.ipc_gid_filters.count
    v.pids = <const int32_t *> s.opt.ipc_pid_filters.items
    v.npids = <int> s.opt.ipc_pid_filters.count
