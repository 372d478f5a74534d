# wss: WebSocket inside TLS. Addresses are those of ws, streams those of tls+tcp.

from libc.stddef cimport size_t
from base.engines cimport ENGINE_WEBSOCKET
from transport.ops cimport place_t, transport_ops_t
from transport.tls cimport tls_ops, tls_tcp_prepare
from transport.tuning cimport tuning_t
from transport.ws cimport ws_check, ws_name, ws_parse_bind, ws_parse_connect, ws_path_at, ws_place_of


cdef inline int wss_prepare(
        const transport_ops_t *o, const tuning_t *tuning, bint connects, const char *text, size_t n, void **made,
        const char **why) noexcept nogil:
    """transport_ops_t.prepare"""
    return tls_tcp_prepare(o, tuning, connects, text, ws_path_at(text, n), made, why)


cdef inline void wss_place(const char *text, size_t n, place_t *out) noexcept nogil:
    """transport_ops_t.place"""
    ws_place_of(text, n, b":443", 4, out)


cdef inline void wss_ops(transport_ops_t *o) noexcept nogil:
    tls_ops(o)
    o.scheme = "wss"
    o.form = "host:port/path"
    o.engine = ENGINE_WEBSOCKET
    o.parse_bind = ws_parse_bind
    o.check = ws_check
    o.parse_connect = ws_parse_connect
    o.prepare = wss_prepare
    o.place = wss_place
    o.name = ws_name
