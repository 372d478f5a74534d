/* Socket files: names of any length, and whose they are. Included by platform.h only.
 *
 * Rules
 * - A path that no socket address holds is reached through a descriptor, where the system has a name for each of those (Linux: /proc).
 *   -ENAMETOOLONG elsewhere, and where /proc is not there.
 * - A file gets its owner and mode after bind() and before listen(): until then everybody is refused.
 * - Nothing blocks.
 */

enum {
    ZC_PATH_MAX = 4096, /* with the closing zero, as Linux counts; no other system has more */
};

#if defined(__linux__) && defined(O_PATH)
/* An address that leads to `file`, or to `name` in the directory `file`. 0 or -ENAMETOOLONG. */
static inline int zc_sa_of_descriptor(zc_sockaddr_t *sa, int file, const char *name) {
    char text[ZC_LOCAL_MAX + 1];
    int n = snprintf(text, sizeof text, name != NULL ? "/proc/self/fd/%d/%s" : "/proc/self/fd/%d", file, name);
    return n > 0 && (size_t)n < sizeof text ? zc_sa_set_local(sa, text, (size_t)n) : -ENAMETOOLONG;
}

/* Binds to a name that is too long even alone: to another one first, which the file then loses. */
static inline int zc_bind_aside(int fd, int directory, const char *name) {
    zc_sockaddr_t sa;
    struct stat s;
    uint64_t number;
    char aside[32];
    if (fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW) == 0) return -EADDRINUSE; /* while the socket can still be bound */
    int rc = zc_os_random(&number, sizeof number);
    if (rc < 0) return rc;
    snprintf(aside, sizeof aside, ".zmq%016llx", (unsigned long long)number);
    rc = zc_sa_of_descriptor(&sa, directory, aside);
    if (rc == 0) rc = zc_bind(fd, &sa);
    if (rc < 0) return rc;
    if (linkat(directory, aside, directory, name, 0) != 0) rc = errno == EEXIST ? -EADDRINUSE : -errno;
    unlinkat(directory, aside, 0);
    return rc;
}

static inline int zc_bind_long(int fd, const char *path) {
    char text[ZC_PATH_MAX];
    zc_sockaddr_t sa;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t n = (size_t)(name - path);
    if (n >= sizeof text) return -ENAMETOOLONG;
    memcpy(text, path, n);
    text[n] = 0;
    int rc = zc_resource_fault();
    if (rc) return rc;
    int directory = open(n != 0 ? text : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -errno;
    rc = zc_sa_of_descriptor(&sa, directory, name);
    rc = rc == 0 ? zc_bind(fd, &sa) : zc_bind_aside(fd, directory, name);
    close(directory);
    return rc == -ENOENT ? -ENAMETOOLONG : rc; /* the directory is there, so /proc is not */
}

/* As zc_connect(). */
static inline int zc_connect_long(int fd, const char *path) {
    zc_sockaddr_t sa;
    int rc = zc_resource_fault();
    if (rc) return rc;
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0) return -errno;
    rc = zc_sa_of_descriptor(&sa, file, NULL);
    if (rc == 0) rc = zc_connect(fd, &sa);
    close(file);
    return rc == -ENOENT ? -ENAMETOOLONG : rc;
}

/* Whether an address is one of those above, which says nothing to anybody else. */
static inline int zc_sa_is_of_descriptor(const zc_sockaddr_t *sa) {
    size_t n = 0;
    const char *name = zc_sa_local_name(sa, &n);
    return n > 14 && memcmp(name, "/proc/self/fd/", 14) == 0;
}
#else
static inline int zc_bind_long(int fd, const char *path) {
    (void)fd, (void)path;
    return -ENAMETOOLONG;
}

static inline int zc_connect_long(int fd, const char *path) {
    (void)fd, (void)path;
    return -ENAMETOOLONG;
}

static inline int zc_sa_is_of_descriptor(const zc_sockaddr_t *sa) {
    (void)sa;
    return 0;
}
#endif

/* Gives a socket file an owner, a group and a mode; -1 leaves each. What is not a socket, or a link to one, is refused. */
static inline int zc_file_give(const char *path, int uid, int gid, int mode) {
#if defined(_WIN32)
    (void)path, (void)uid, (void)gid, (void)mode;
    return -ENOTSUP;
#else
    struct stat s;
    int rc = 0;
#if defined(__linux__) && defined(O_PATH)
    char name[32];
    int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return -errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    if (fstat(file, &s) != 0 || !S_ISSOCK(s.st_mode)) rc = -EADDRINUSE;
    else if ((uid >= 0 || gid >= 0) && fchownat(file, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) != 0) rc = -errno;
    else if (mode >= 0 && chmod(name, (mode_t)mode) != 0) rc = errno == ENOENT ? -ENOTSUP : -errno;
    close(file);
#else
    if (lstat(path, &s) != 0 || !S_ISSOCK(s.st_mode)) rc = -EADDRINUSE;
    else if ((uid >= 0 || gid >= 0) && lchown(path, (uid_t)uid, (gid_t)gid) != 0) rc = -errno;
    else if (mode >= 0 && fchmodat(AT_FDCWD, path, (mode_t)mode, AT_SYMLINK_NOFOLLOW) != 0) rc = -errno;
#endif
    return rc;
#endif
}
