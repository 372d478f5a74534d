/* Between a program and the kernel (LD_PRELOAD): large writes of I/O threads wait at a gate and are then taken whole. A test decides when. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LARGE (256 << 10)

static int shut, at = -1, torn;

/* 1: large writes wait from now on. 0: whoever waits goes on. */
void gate_shut(int is) { __atomic_store_n(&shut, is, __ATOMIC_SEQ_CST); }
/* The descriptor that is being written, or -1. */
int gate_at(void) { return __atomic_load_n(&at, __ATOMIC_SEQ_CST); }
/* How often one was closed meanwhile. */
int gate_torn(void) { return __atomic_load_n(&torn, __ATOMIC_SEQ_CST); }

static size_t bytes_of(const struct msghdr *m) {
    size_t sum = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++) sum += m->msg_iov[i].iov_len;
    return sum;
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags) {
    static ssize_t (*real)(int, const struct msghdr *, int);
    char name[16] = "";
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    prctl(PR_GET_NAME, name);
    if (strncmp(name, "ZMQbg/IO", 8) != 0) return real(fd, m, flags);
    if (bytes_of(m) >= LARGE) {
        __atomic_store_n(&at, fd, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&shut, __ATOMIC_SEQ_CST)) poll(NULL, 0, 1);
    }
    ssize_t put = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++)
        for (size_t done = 0; done < m->msg_iov[i].iov_len;) {
            ssize_t n = send(fd, (char *)m->msg_iov[i].iov_base + done, m->msg_iov[i].iov_len - done, flags);
            struct pollfd p = {fd, POLLOUT, 0};
            if (n < 0 && poll(&p, 1, 10000) <= 0) break;
            if (n < 0 && p.revents & (POLLERR | POLLHUP | POLLNVAL)) break;
            if (n > 0) done += n, put += n;
        }
    __atomic_store_n(&at, -1, __ATOMIC_SEQ_CST);
    return put > 0 ? put : real(fd, m, flags);
}

int close(int fd) {
    static int (*real)(int);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd == gate_at()) __atomic_add_fetch(&torn, 1, __ATOMIC_SEQ_CST);
    return real(fd);
}
