# The simulated system as Cython sees it. sim/system.h is put in front of the generated C (setup.py), so nothing is included here.

from libc.stdint cimport uint32_t, uint64_t

cdef extern from * nogil:
    ctypedef struct sim_config_t:
        uint64_t seed
        uint32_t slice
        uint32_t jump
        uint64_t jump_ns
        uint32_t processors
        uint32_t capacity
        uint32_t split
        uint64_t delay_ns
        uint32_t interrupted
        uint32_t not_now
        uint32_t refused
        uint32_t refused_at
        uint32_t reset
        uint32_t no_memory_at
        uint32_t no_memory
        uint32_t descriptors
        uint32_t tick

    ctypedef struct sim_world_t:
        uint64_t now
        uint64_t steps
        uint64_t jumped
        uint64_t progress
        uint64_t (*unseen)() noexcept nogil
        uint64_t digest
        uint32_t fallible
        uint32_t refusals
        int finding
        const char *text
    sim_world_t world

    ctypedef struct sim_heap_t:
        size_t live
        uint32_t count
        uint32_t failures
        uint32_t total
        int plain
    sim_heap_t sim_heap

    void *sim_object_new(size_t size)
    void sim_free(void *p)
    int sim_end_break(int which)
    uint64_t sim_waiting_since(int fd)

    uint64_t sim_octets
    uint64_t sim_others_octets
    uint64_t sim_resets

    enum:
        SIM_OK
        SIM_DEADLOCK
        SIM_LIVELOCK
        SIM_LEAK
        SIM_MEMORY
        SIM_MODEL
        SIM_MISUSE
        SIM_TIRED

    void sim_begin(const sim_config_t *config)
    int sim_spawn(const char *name, void (*fn)(void *) noexcept nogil, void *arg)
    int sim_run()
    int sim_end()

    uint64_t sim_mix(uint64_t z)
    uint64_t sim_random(uint64_t n)
    ctypedef struct sim_fiber_t:
        int done
    ctypedef int (*sim_ready_t)(sim_fiber_t *f) noexcept nogil
    int sim_wait(sim_ready_t ready, void *object, uint64_t deadline)
    void sim_sleep(uint64_t ns)
    void sim_idle()
    void sim_idle_for(uint64_t ns)
    void sim_progress(uint64_t n)
    void sim_fail(const char *text)
    void sim_find(int kind, const char *format, ...)

    int sim_peer_connect(int port, const char *path)
    int sim_peer_listen(int port, const char *path)
    int sim_peer_accept(int listener)
    long sim_peer_send(int fd, const void *data, size_t n)
    long sim_peer_recv(int fd, void *out, size_t n)
    void sim_peer_close(int fd, int half, int reset)
