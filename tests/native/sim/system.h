/* The simulated system, put in front of everything else that is compiled into zmqcore._sim (-include, see setup.py).
 *
 * What it does: includes the real headers first, defines a system of its own (world, memory, descriptors, network, threads), and then gives the
 * names of system calls to it. The core below is compiled unchanged, its wrappers for Linux in src/base included.
 *
 * Rules
 * - The names are replaced as plain words, so a member of a struct that is called like a system call changes its name too, in all places alike.
 * - Only one translation unit includes this: the world is static.
 */
#ifndef SIM_SYSTEM_H
#define SIM_SYSTEM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <Python.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sim/world.h"
#include "sim/memory.h"
#include "sim/descriptors.h"
#include "sim/files.h"
#include "sim/network.h"
#include "sim/threads.h"

/* ---- the life of a world ---- */

SIM_FN void sim_begin(const sim_config_t *config) {
    world.nfibers = 0;
    world.config = *config;
    world.chance[0] = sim_mix(config->seed);
    world.chance[1] = sim_mix(config->seed ^ 0x5eedu) | 1;
    world.now = 1000000000u + sim_random(1000000000u);
    world.steps = world.changes = world.jumped = world.progress = 0;
    world.vain = 0;
    world.unseen = NULL;
    world.unseen_before = 0;
    world.countdown = INT64_MAX;
    world.digest = 0xcbf29ce484222325u;
    world.foreign = 0;
    world.current = NULL;
    world.nevents = 0;
    world.order = 0;
    world.fallible = world.refusals = 0;
    world.finding = SIM_OK;
    world.text[0] = 0;
    world.active = 1;
    sim_stamps = sim_inodes = sim_octets = sim_others_octets = sim_resets = 0;
    sim_next_port = 0;
    sim_heap.count = sim_heap.failures = 0;
#if defined(__SANITIZE_THREAD__)
    world.host_thread = __tsan_get_current_fiber();
#endif
}

/* What is left over is a finding. Then everything is taken back, so that the next world begins with nothing. */
SIM_FN int sim_end(void) {
    world.current = NULL;
    world.foreign = 0;
    for (int i = 0; i < world.nfibers; i++) {
        sim_fiber_t *f = &world.fibers[i];
        if (f->used && !f->app && world.finding == SIM_OK)
            sim_find(SIM_LEAK, f->done ? "thread %s has ended and nobody joined it" : "thread %s is left", f->name);
        sim_fiber_free(f);
    }
    SIM_EACH_FD(fd) {
        static const char *names[] = {"", "a wake-up", "a timer", "a poll set", "a socket", "a listener", "a connection"};
        if (sim_files[fd].kind != SIM_FREE && fd < SIM_FOREIGN && world.finding == SIM_OK)
            sim_find(SIM_LEAK, "descriptor %d is left open: %s", fd, names[sim_files[fd].kind]);
        sim_files[fd].kind = SIM_FREE;
        sim_files[fd].nmembers = 0;
    }
    sim_fds_end = SIM_FIRST;
    sim_foreign_end = SIM_FOREIGN;
    for (int i = 0; i < sim_paths_end; i++) {
        if (sim_paths[i].inode && !sim_paths[i].foreign && world.finding == SIM_OK)
            sim_find(SIM_LEAK, "file %.*s is left", (int)sim_paths[i].size, sim_paths[i].name);
        sim_paths[i].inode = 0;
    }
    sim_paths_end = 0;
    for (int i = 0; i < sim_ends_end; i++) sim_ends[i].used = 0;
    sim_ends_end = 0;
    sim_heap_end();
    world.active = 0;
    return world.finding == SIM_TIRED ? SIM_OK : world.finding;
}

/* ---- raw peers ---- */

SIM_FN void sim_foreign(int on) { world.foreign = on; }

SIM_FN socklen_t sim_peer_address(int port, const char *path, struct sockaddr_storage *out) {
    socklen_t len = sizeof *out;
    memset(out, 0, sizeof *out);
    if (path == NULL) {
        sim_address(AF_INET, port, (struct sockaddr *)out, &len);
        return len;
    }
    struct sockaddr_un *un = (struct sockaddr_un *)out;
    un->sun_family = AF_UNIX;
    snprintf(un->sun_path, sizeof un->sun_path, "%s", path);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

/* By tcp to `port`, or by ipc to `path`. The descriptor, or -errno. For sim_peer_send() and so on; the core's own calls refuse nobody either. */
SIM_FN int sim_peer_connect(int port, const char *path) {
    struct sockaddr_storage sa;
    socklen_t len = sim_peer_address(port, path, &sa);
    sim_foreign(1);
    int fd = sim_socket(sa.ss_family, SOCK_STREAM, 0), rc = fd < 0 ? -errno : fd;
    if (fd >= 0 && sim_connect(fd, (struct sockaddr *)&sa, len) != 0) {
        rc = -errno;
        sim_close(fd);
    }
    sim_foreign(0);
    return rc;
}

SIM_FN int sim_peer_listen(int port, const char *path) {
    struct sockaddr_storage sa;
    socklen_t len = sim_peer_address(port, path, &sa);
    sim_foreign(1);
    int fd = sim_socket(sa.ss_family, SOCK_STREAM, 0), rc = fd < 0 ? -errno : fd;
    if (fd >= 0 && (sim_bind(fd, (struct sockaddr *)&sa, len) != 0 || sim_listen(fd, 50) != 0)) {
        rc = -errno;
        sim_close(fd);
    }
    sim_foreign(0);
    return rc;
}

/* The next connection, or -EAGAIN. */
SIM_FN int sim_peer_accept(int listener) {
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    sim_foreign(1);
    int fd = sim_accept4(listener, (struct sockaddr *)&sa, &len, 0), rc = fd < 0 ? -errno : fd;
    sim_foreign(0);
    return rc;
}

/* Octets taken, or -errno; -EAGAIN: the connection is full, give the others a turn (sim_sleep, sim_idle). */
SIM_FN long sim_peer_send(int fd, const void *data, size_t n) {
    sim_foreign(1);
    long put = sim_send(fd, data, n, 0), rc = put < 0 ? -errno : put;
    sim_foreign(0);
    return rc;
}

SIM_FN long sim_peer_recv(int fd, void *out, size_t n) {
    sim_foreign(1);
    long got = sim_recv(fd, out, n, 0), rc = got < 0 ? -errno : got;
    sim_foreign(0);
    return rc;
}

/* half: only the end of what we send. reset: no orderly end. */
SIM_FN void sim_peer_close(int fd, int half, int reset) {
    sim_foreign(1);
    if (half) {
        sim_shutdown(fd, SHUT_WR);
    } else {
        if (sim_files[fd].kind == SIM_STREAM) sim_files[fd].reset_on_close = reset;
        sim_close(fd);
    }
    sim_foreign(0);
}

/* ---- from here on the core's calls are the simulator's ---- */

#define malloc sim_malloc
#define calloc sim_calloc
#define realloc sim_realloc
#define free sim_free

#define clock_gettime sim_clock_gettime
#define syscall sim_syscall
#define sched_yield sim_sched_yield
#define sched_getaffinity sim_sched_getaffinity
#define getrusage sim_getrusage
#define prctl sim_prctl
#define pthread_create sim_pthread_create
#define pthread_join sim_pthread_join
#define pthread_self() ((pthread_t)0)
#define pthread_sigmask sim_sigmask
#define pthread_setname_np sim_setname
#define pthread_setaffinity_np sim_setaffinity
#define pthread_getschedparam sim_getschedparam
#define pthread_setschedparam sim_setschedparam
#define pthread_mutex_init sim_mutex_init
#define pthread_mutex_destroy sim_mutex_destroy
#define pthread_mutex_lock sim_mutex_lock
#define pthread_mutex_unlock sim_mutex_unlock
#define pthread_cond_init sim_cond_init
#define pthread_cond_destroy sim_cond_destroy
#define pthread_cond_signal sim_cond_signal
#define pthread_cond_broadcast sim_cond_broadcast
#define pthread_cond_wait sim_cond_wait
#define pthread_cond_timedwait sim_cond_timedwait

#define eventfd sim_eventfd
#define read sim_read
#define write sim_write
#define close sim_close
#define timerfd_create sim_timerfd_create
#define timerfd_settime sim_timerfd_settime
#define ppoll sim_ppoll
#define epoll_create1 sim_epoll_create1
#define epoll_ctl sim_epoll_ctl
#define epoll_wait sim_epoll_wait

#define socket sim_socket
#define bind sim_bind
#define listen sim_listen
#define connect sim_connect
#define accept4 sim_accept4
#define recv sim_recv
#define readv sim_readv
#define send sim_send
#define sendmsg sim_sendmsg
#define shutdown sim_shutdown
#define getsockopt sim_getsockopt
#define setsockopt sim_setsockopt
#define getsockname sim_getsockname
#define getpeername sim_getpeername
#define ioctl sim_ioctl
#define fcntl sim_fcntl
#define getaddrinfo sim_getaddrinfo
#define getifaddrs sim_getifaddrs
#define freeifaddrs sim_freeifaddrs

#define unlink sim_unlink
#define rmdir sim_rmdir
#define lstat sim_lstat
#define statx(...) sim_errno(ENOSYS)
#define mkdtemp sim_mkdtemp
#define getenv(name) NULL

/* Every atomic access of the core is a point. The words mean the compiler's own functions inside their own replacement. */
#define __atomic_load_n(p, order) (sim_point(), __atomic_load_n(p, order))
#define __atomic_store_n(p, v, order) (sim_point(), __atomic_store_n(p, v, order))
#define __atomic_exchange_n(p, v, order) (sim_point(), __atomic_exchange_n(p, v, order))
#define __atomic_compare_exchange_n(p, e, v, weak, yes, no) (sim_point(), __atomic_compare_exchange_n(p, e, v, weak, yes, no))
#define __atomic_fetch_add(p, v, order) (sim_point(), __atomic_fetch_add(p, v, order))
#define __atomic_fetch_sub(p, v, order) (sim_point(), __atomic_fetch_sub(p, v, order))

#endif
