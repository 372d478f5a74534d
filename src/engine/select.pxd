# Which engine a number means, and the inline path of the one that carries nearly all traffic: the only file that knows
# all of them.

from libc.stddef cimport ptrdiff_t, size_t
from base.memory cimport free, zc_copy

from base.engines cimport ENGINE_DATAGRAM, ENGINE_FRAMES, ENGINE_PACKED, ENGINE_RAW, ENGINE_WEBSOCKET, ENGINE_ZMTP
from base.mechanisms cimport MECHANISM_NULL
from base.errors cimport ENOCOMPATPROTO, ENOTSUP
from engine.datagram cimport datagram_new
from engine.frames cimport frames_new
from engine.ops cimport engine_config_t, engine_frame_t, engine_security_t, engine_t
from engine.raw cimport raw_new
from engine.websocket cimport websocket_new
from engine.zmtp cimport zmtp_new
from mechanism.select cimport mechanism_encrypts, mechanism_has_subprotocol, mechanism_lacks
from message.message cimport MSG_MORE, msg_data, msg_t
from zmtp.frame cimport frame_get, frame_put


cdef inline int engine_new(int kind, const engine_config_t *config, engine_t **out) noexcept nogil:
    """0, -ENOTSUP for an engine or mechanism this build does not have, -EINVAL, -ENOMEM."""
    if kind == ENGINE_ZMTP or kind == ENGINE_PACKED:
        return zmtp_new(config, out)
    if kind == ENGINE_RAW:
        return raw_new(out)
    if kind == ENGINE_WEBSOCKET:
        return websocket_new(config, out)
    if kind == ENGINE_FRAMES:
        return frames_new(out)
    if kind == ENGINE_DATAGRAM:
        return datagram_new(config, out)
    return -ENOTSUP


cdef inline const char *engine_lacks(const engine_security_t *security) noexcept nogil:
    """What has to be set before a connection can begin, as a text; NULL: nothing."""
    return mechanism_lacks(security)


cdef inline int engine_for(int kind, bint raw) noexcept nogil:
    """The engine of a connection over a transport that names `kind`; raw: for a socket that wants bytes as they are.
    -ENOCOMPATPROTO: there is none."""
    if not raw:
        return kind
    return ENGINE_RAW if kind == ENGINE_ZMTP else -ENOCOMPATPROTO


cdef inline bint engine_carries(int kind, const engine_security_t *security) noexcept nogil:
    """Whether the mechanism can be spoken through this engine: NULL alone, unless it stands here. (Raw bytes have none, whatever is set.)"""
    if kind == ENGINE_ZMTP or kind == ENGINE_RAW:
        return True
    if kind == ENGINE_WEBSOCKET:
        return mechanism_has_subprotocol(security)
    if kind == ENGINE_PACKED:
        return not mechanism_encrypts(security)
    return security.mechanism == MECHANISM_NULL


cdef inline void engine_delete(engine_t *e) noexcept nogil:
    """Releases an engine at any time; NULL is allowed."""
    if e != NULL:
        e.ops.free(e)
        free(e)


# The two operations that every small frame needs, without an indirect call.

cdef inline ptrdiff_t engine_plain_put(msg_t *m, unsigned char *out) noexcept nogil:
    """small_put of an engine that is `plain`. It cannot fail."""
    cdef int header = frame_put(out, m.size, m.flags & MSG_MORE)
    zc_copy(out + header, msg_data(m), m.size)
    return <ptrdiff_t> (header + m.size)


cdef inline int engine_frame_get(engine_t *e, const unsigned char *p, size_t n, engine_frame_t *f) noexcept nogil:
    if e.plain:
        return frame_get(p, n, f)
    return e.ops.frame_get(e, p, n, f)
