# The I/O threads of a context: started when the first endpoint needs one, chosen by AFFINITY and load.

from libc.stdint cimport uint32_t, uint64_t
from libc.stdio cimport snprintf
from base.memory cimport calloc, free
from base.errors cimport EMTHREAD, ENOMEM, ETERM
from base.atomics cimport zc_load_acquire_u32, zc_load_relaxed_u32
from base.platform cimport zc_mutex_lock, zc_mutex_unlock
from reactor.io_main cimport io_start, io_stop
from reactor.io_thread cimport io_thread_t
from socket.authenticate cimport context_errand
from socket.state cimport context_t


cdef inline int context_io(context_t *ctx, uint64_t affinity, io_thread_t **out) noexcept nogil:
    """The least loaded thread allowed by the bitmap (0 = any). -EMTHREAD if the context has none."""
    cdef uint32_t i
    cdef int rc = 0
    cdef io_thread_t *best = NULL
    cdef const char *prefix = b""
    zc_mutex_lock(&ctx.mutex)
    if zc_load_acquire_u32(&ctx.shutdown):
        rc = -ETERM
    elif not ctx.started:
        if ctx.opt.io_threads:
            ctx.ios = <io_thread_t *> calloc(ctx.opt.io_threads, sizeof(io_thread_t))
            if ctx.ios == NULL:
                rc = -ENOMEM
            else:
                if ctx.opt.thread_name_prefix.size:
                    prefix = <const char *> ctx.opt.thread_name_prefix.data
                for i in range(<uint32_t> ctx.opt.io_threads):
                    snprintf(ctx.ios[i].name, sizeof(ctx.ios[i].name), "%s%sZMQbg/IO/%u", prefix, "/" if prefix[0] else "", i)
                    ctx.ios[i].errand = context_errand
                    ctx.ios[i].errand_of = ctx
                    rc = io_start(&ctx.ios[i], ctx.poller, ctx.opt.thread_sched_policy, ctx.opt.thread_priority,
                                  <const int *> ctx.opt.cpus.items, <int> ctx.opt.cpus.count)
                    if rc < 0:
                        break
                    ctx.nios = i + 1
        if rc == 0 or ctx.nios:
            ctx.started = True      # with fewer threads than asked for, if the system has no more
            rc = 0
        else:
            free(ctx.ios)
            ctx.ios = NULL
    for i in range(ctx.nios):
        # A stale count only makes the choice a little worse.
        if (affinity == 0 or affinity >> i & 1) and (best == NULL or zc_load_relaxed_u32(&ctx.ios[i].count) < zc_load_relaxed_u32(&best.count)):
            best = &ctx.ios[i]
    zc_mutex_unlock(&ctx.mutex)
    if rc == 0 and best == NULL:
        rc = -EMTHREAD
    out[0] = best
    return rc


cdef inline void context_stop_io(context_t *ctx) noexcept nogil:
    """Blocks until the threads have ended, unless another term() waits for them already. No socket is left."""
    cdef uint32_t i
    cdef uint32_t n
    cdef io_thread_t *ios
    zc_mutex_lock(&ctx.mutex)
    ios = ctx.ios
    n = ctx.nios
    ctx.ios = NULL
    ctx.nios = 0
    zc_mutex_unlock(&ctx.mutex)
    for i in range(n):
        io_stop(&ios[i])
    free(ios)
