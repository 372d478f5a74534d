# send() and recv() without a timeout: the short way that nearly every message takes.
#
# An argument that is not given costs some twenty instructions all the same. So Socket.send and Socket.recv have a second entry (entry.h): calls
# without timeout= come here. The names are the same, for the texts of errors.


@cython.internal
cdef class _WithoutTimeout(_SocketBase):
    """Never made: `self` is a Socket."""

    @cython.binding(False)
    def send(self, data, int flags=0, bint copy=True, bint track=False, routing_id=None, group=None):
        cdef Socket socket = <Socket> self
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef int rc
        cdef object tracker = None
        if self._closed or s == NULL or s.fork_generation != zc_fork_generation():
            self.check()
        if PyBytes_CheckExact(data) and (copy or not track) and group is None and routing_id is None:
            msg_of_bytes(&m, data)
        else:
            if group is None and isinstance(data, Frame) and pattern_is(&s.pattern, GROUPS):
                group = (<Frame> data)._group
            if group is not None:
                return socket.send_to_group(data, flags, copy, track, group_name(group), UINT64_MAX)
            tracker = socket.message_from(&m, data, copy, track)
            if routing_id is not None:
                m.routing_id = routing_id
        if flags & FLAG_SNDMORE:
            m.flags |= MSG_MORE
        rc = -EAGAIN
        if not copies_long(s, &m) and zc_lock_try(&s.lock):
            rc = socket_enter(s)
            if rc == 0:
                rc = socket_try_send(s, &m)
            unlock_socket(s)
        if rc == -EAGAIN:
            rc = socket.send_slow(&m, flags, UINT64_MAX)
        release(&m)
        if zc_decref_pending():
            zc_decref_drain()
        if rc != 0 and (rc < 0 or flags & FLAG_DONTWAIT):
            raise_transfer(s, rc if rc < 0 else -EAGAIN, True)
        return tracker

    @cython.binding(False)
    def recv(self, int flags=0, bint copy=True, bint track=False):
        cdef Socket socket = <Socket> self
        cdef socket_t *s = self.s
        cdef msg_t m
        cdef int rc
        cdef Origin origin
        if self._closed or s == NULL or s.fork_generation != zc_fork_generation():
            self.check()
        m.kind = MSG_EMPTY
        if zc_lock_try(&s.lock):
            rc = socket_enter(s)
            if rc == 0:
                if flags & FLAG_DONTWAIT:
                    rc = socket_recv_now(s, &m)
                else:
                    rc = pattern_recv(&s.pattern, &m)
            if not copy:
                origin_take(&origin, s, rc)
            unlock_socket(s)
            if rc == -EAGAIN and not flags & FLAG_DONTWAIT:
                rc = socket.recv_slow(&m, NULL, NULL if copy else &origin, flags, UINT64_MAX)
        else:
            rc = socket.recv_slow(&m, NULL, NULL if copy else &origin, flags, UINT64_MAX)
        if rc < 0:
            raise_transfer(s, rc, False)
        if copy:
            if m.size >= RX_SPARE_MIN and zc_load_relaxed_u32(&s.nsessions):
                return large_bytes(s, &m)
            return take_bytes(&m)
        return frame_from(&m, &origin, track)


zc_enter_by(<zc_kind_t *> Socket, <zc_kind_t *> _WithoutTimeout, "send", &zc_send_ways, zc_send_entry)
zc_enter_by(<zc_kind_t *> Socket, <zc_kind_t *> _WithoutTimeout, "recv", &zc_recv_ways, zc_recv_entry)


def own_methods(kind):
    """Gives `kind`, a class derived from Socket, methods of its own for those of Socket that it does not override: shorter calls (entry.h)."""
    zc_own_methods(<zc_kind_t *> Socket, kind)
