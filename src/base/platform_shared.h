/* Memory that two processes share, and descriptors that go from one to the other. Included by platform.h only.
 *
 * Rules
 * - Only Linux has what is needed: memory without a name whose size and writers can be fixed for good (seals). Elsewhere zc_shared_there() is
 *   0 and the rest answers -ENOSYS.
 * - A seal is the kernel's word, whoever made the memory: with ZC_SEALS nobody can shrink it, so no access within its size faults. Of huge
 *   pages that is not true: a hole in them is filled only while there is one to spare. They are refused.
 */
#ifndef ZC_PLATFORM_SHARED_H
#define ZC_PLATFORM_SHARED_H

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/vfs.h>

/* Older headers lack them; the numbers are the kernel's. */
#if !defined(MFD_ALLOW_SEALING)
#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#endif
#if !defined(F_ADD_SEALS)
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#endif
#if !defined(F_SEAL_FUTURE_WRITE)
#define F_SEAL_FUTURE_WRITE 16
#endif

#define ZC_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define ZC_TMPFS 0x01021994 /* TMPFS_MAGIC, what memory of ordinary pages says it lies in */

static inline int zc_shared_there(void) { return 1; }

/* A descriptor of n bytes of new memory, all zero. */
static inline int zc_shared_open(size_t n) {
    int fd, rc = zc_resource_fault();
    if (rc < 0) return rc;
    /* By number: C libraries of that age do not have it. */
    fd = (int)syscall(SYS_memfd_create, "zmqcore", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    if (ftruncate(fd, (off_t)n) == 0) return fd;
    rc = -errno;
    close(fd);
    return rc;
}

/* Fixes the size; with `only_ours` nobody can map it for writing from now on. What is mapped already stays so. */
static inline int zc_shared_seal(int fd, int only_ours) {
    return fcntl(fd, F_ADD_SEALS, ZC_SEALS | (only_ours ? F_SEAL_FUTURE_WRITE : 0)) == 0 ? 0 : -errno;
}

/* The size of memory that somebody else has made, if it is sealed; -EINVAL if it is not, or is something else. */
static inline int64_t zc_shared_size(int fd) {
    struct stat st;
    struct statfs in;
    int seals = fcntl(fd, F_GET_SEALS, 0);
    if (seals < 0 || (seals & ZC_SEALS) != ZC_SEALS) return -EINVAL;
    if (fstatfs(fd, &in) < 0 || in.f_type != ZC_TMPFS) return -EINVAL;
    return fstat(fd, &st) == 0 ? (int64_t)st.st_size : -errno;
}

/* NULL: it cannot be mapped. */
static inline void *zc_shared_map(int fd, size_t n, int writable) {
    void *p;
    if (zc_resource_fault() < 0) return NULL;
    p = mmap(NULL, n, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static inline void zc_shared_unmap(void *p, size_t n) { munmap(p, n); }

/* Whether the process at the other end of a local socket is of our user. */
static inline int zc_peer_is_kin(int fd) {
    struct ucred c;
    socklen_t len = sizeof c;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 && c.uid == geteuid();
}

/* Descriptors in one message; ZC_PASS_MAX bounds what a peer can make us hold. */
#define ZC_PASS_MAX 2

/* zc_send(), with descriptors that go with the first byte; they stay the caller's. */
static inline ptrdiff_t zc_send_passing(int fd, const void *data, size_t n, const int *fds, int count) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(ZC_PASS_MAX * sizeof(int))];
    } c;
    struct iovec v = {(void *)(uintptr_t)data, n};
    struct msghdr m;
    memset(&m, 0, sizeof m);
    memset(&c, 0, sizeof c);
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    m.msg_control = c.room;
    m.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    c.head.cmsg_level = SOL_SOCKET;
    c.head.cmsg_type = SCM_RIGHTS;
    c.head.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(&c.head), fds, (size_t)count * sizeof(int));
    for (;;) {
        ssize_t put = sendmsg(fd, &m, MSG_NOSIGNAL);
        if (put >= 0) return put;
        if (errno != EINTR) return zc_net_error();
    }
}

/* zc_readv(), with the descriptors that came, ZC_PASS_MAX at most. The kernel closes what finds no room. */
static inline ptrdiff_t zc_readv_passing(int fd, zc_iovec_t *v, int n, int *fds, int *count) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(ZC_PASS_MAX * sizeof(int))];
    } c;
    struct cmsghdr *h;
    struct msghdr m;
    ssize_t got;
    memset(&m, 0, sizeof m);
    m.msg_iov = v;
    m.msg_iovlen = (size_t)n;
    *count = 0;
    do {
        m.msg_control = c.room;
        m.msg_controllen = sizeof c.room;
        got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return zc_net_error();
    for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        size_t size;
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
        size = h->cmsg_len - CMSG_LEN(0);
        *count = (int)(size / sizeof(int));
        if (*count > ZC_PASS_MAX) *count = ZC_PASS_MAX;
        memcpy(fds, CMSG_DATA(h), (size_t)*count * sizeof(int));
    }
    return got;
}

#else

#define ZC_PASS_MAX 2
static inline int zc_shared_there(void) { return 0; }
static inline int zc_shared_open(size_t n) { return (void)n, -ENOSYS; }
static inline int zc_shared_seal(int fd, int only_ours) { return (void)fd, (void)only_ours, -ENOSYS; }
static inline int64_t zc_shared_size(int fd) { return (void)fd, -ENOSYS; }
static inline void *zc_shared_map(int fd, size_t n, int writable) { return (void)fd, (void)n, (void)writable, NULL; }
static inline void zc_shared_unmap(void *p, size_t n) { (void)p, (void)n; }
static inline int zc_peer_is_kin(int fd) { return (void)fd, 0; }
static inline ptrdiff_t zc_send_passing(int fd, const void *data, size_t n, const int *fds, int count) {
    return (void)fd, (void)data, (void)n, (void)fds, (void)count, -ENOSYS;
}
static inline ptrdiff_t zc_readv_passing(int fd, zc_iovec_t *v, int n, int *fds, int *count) {
    return (void)fds, *count = 0, zc_readv(fd, v, n);
}

#endif
#endif
