# Who is there: waiting until enough peers are, and letting go of one. Lock held; the waits release it while they sleep.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from base.errors cimport EAGAIN, EHOSTUNREACH
from io.turn cimport socket_drive
from io.wait cimport socket_wait, wait_t
from pattern.pattern cimport pattern_subscribers
from pipe.pipe cimport pipe_t
from socket.pipes cimport pipes_find, socket_doom
from socket.send_recv cimport socket_enter
from socket.state cimport socket_t


cdef inline int peers_present(socket_t *s) noexcept nogil:
    """Peers that messages can be exchanged with now."""
    cdef uint32_t i
    cdef int found = 0
    for i in range(s.npipes):
        found += s.pipes[i].connected and not s.pipes[i].ended
    return found


cdef inline int present_now(socket_t *s, const unsigned char *topic, size_t size) noexcept nogil:
    """Peers, or with a topic (not NULL) its subscribers. Or a negative errno."""
    return peers_present(s) if topic == NULL else pattern_subscribers(&s.pattern, topic, size)


cdef inline int present_wait(socket_t *s, int wanted, const unsigned char *topic, size_t size, wait_t *w) noexcept nogil:
    """Waits until so many are there. How many are, fewer when time is up; or a negative errno, -EINTR too."""
    cdef int found, rc
    while True:
        socket_drive(s)
        found = present_now(s, topic, size)
        if found < 0 or found >= wanted:
            return found
        rc = socket_wait(s, w)
        if rc == -EAGAIN:
            return present_now(s, topic, size)
        if rc == 0:
            rc = socket_enter(s)
        if rc < 0:
            return rc


cdef inline int peer_let_go(socket_t *s, uint32_t number) noexcept nogil:
    """The peer of that number (pipe_t.id) is given up after the current call. 0 or -EHOSTUNREACH."""
    cdef pipe_t *p = pipes_find(s, number)
    if p == NULL or p.ended:
        return -EHOSTUNREACH
    p.let_go = True
    socket_doom(p)
    return 0
