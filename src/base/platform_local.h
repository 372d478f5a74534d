/* ipc: who the peer is, and socket files: names of any length, and whose they are. Included by platform.h only.
 *
 * Rules
 * - A path that no socket address holds is reached through a descriptor, where the system has a name for each of those (Linux: /proc).
 *   -ENAMETOOLONG elsewhere, and where /proc is not there.
 * - A file gets its owner and mode after bind() and before listen(): until then everybody is refused.
 * - Nothing blocks, except the user database behind zc_user_in_group.
 */

/* ---- who is the peer ---- */

static inline int zc_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid) {
#if defined(__linux__)
    struct ucred c;
    socklen_t len = sizeof c;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) != 0) return -errno;
    *uid = c.uid;
    *gid = c.gid;
    *pid = c.pid;
    return 0;
#elif defined(__APPLE__) || defined(__FreeBSD__)
    struct xucred c;
    socklen_t len = sizeof c;
#if defined(SOL_LOCAL)
    int level = SOL_LOCAL;
#else
    int level = 0;
#endif
    if (getsockopt(fd, level, LOCAL_PEERCRED, &c, &len) != 0) return -errno;
    if (c.cr_version != XUCRED_VERSION) return -EINVAL;
    *uid = c.cr_uid;
    *gid = c.cr_ngroups > 0 ? c.cr_groups[0] : (uint32_t)-1;
    *pid = 0;
#if defined(__APPLE__)
    pid_t peer = 0;
    len = sizeof peer;
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &peer, &len) == 0) *pid = peer;
#elif defined(__FreeBSD_version) && __FreeBSD_version >= 1300000
    *pid = c.cr_pid;
#endif
    return 0;
#else
    (void)fd, (void)uid, (void)gid, (void)pid;
    return -ENOSYS;
#endif
}

/* 1 when `gid` is the primary or a supplementary group of the user; the user database may be a remote one. */
static inline int zc_user_in_group(uint32_t uid, uint32_t gid) {
#if defined(_WIN32)
    (void)uid, (void)gid;
    return 0;
#else
    struct passwd user, *found = NULL;
    char text[4096];
    if (getpwuid_r((uid_t)uid, &user, text, sizeof text, &found) != 0 || found == NULL) return 0;
#if defined(__APPLE__)
    int groups[256];
    int n = (int)(sizeof groups / sizeof groups[0]);
    if (getgrouplist(user.pw_name, (int)user.pw_gid, groups, &n) < 0) n = (int)(sizeof groups / sizeof groups[0]);
#else
    gid_t groups[256];
    int n = (int)(sizeof groups / sizeof groups[0]);
    /* On overflow n is what would be needed; what was written is looked at. */
    if (getgrouplist(user.pw_name, user.pw_gid, groups, &n) < 0) n = (int)(sizeof groups / sizeof groups[0]);
#endif
    for (int i = 0; i < n; i++)
        if ((uint32_t)groups[i] == gid) return 1;
    return 0;
#endif
}

/* ---- files ---- */

#if defined(_WIN32)
/* A path as the functions of Windows for files take it. What names a socket there is UTF-8, whatever the code page: other than their narrow
 * forms have it. */
typedef struct zc_wide_path { wchar_t text[MAX_PATH + 1]; } zc_wide_path_t;

static inline const wchar_t *zc_wide(zc_wide_path_t *out, const char *path) {
    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, out->text, MAX_PATH + 1) == 0) out->text[0] = 0; /* no file has that name */
    return out->text;
}

static inline DWORD zc_file_attributes(const char *path) {
    zc_wide_path_t wide;
    return GetFileAttributesW(zc_wide(&wide, path));
}
#endif

static inline int zc_file_remove(const char *path) {
#if defined(_WIN32)
    zc_wide_path_t wide;
    return DeleteFileW(zc_wide(&wide, path)) ? 0 : -ENOENT;
#else
    return unlink(path) == 0 ? 0 : -errno;
#endif
}

static inline int zc_directory_remove(const char *path) {
#if defined(_WIN32)
    zc_wide_path_t wide;
    return RemoveDirectoryW(zc_wide(&wide, path)) ? 0 : -ENOENT;
#else
    return rmdir(path) == 0 ? 0 : -errno;
#endif
}

/* 1 a socket file, 0 something else, -ENOENT nothing there (or -errno). A symbolic link is something else. */
static inline int zc_file_is_socket(const char *path) {
#if defined(_WIN32)
    DWORD attributes = zc_file_attributes(path);
    if (attributes == INVALID_FILE_ATTRIBUTES) return -ENOENT;
    return (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0; /* socket files are reparse points there */
#else
    struct stat s;
    if (lstat(path, &s) != 0) return -errno;
    return S_ISSOCK(s.st_mode) ? 1 : 0;
#endif
}

/* A number that tells one file from another put at the same path later; 0: nothing there. Windows gives every file 1. */
static inline uint64_t zc_file_identity(const char *path) {
#if defined(_WIN32)
    return zc_file_attributes(path) != INVALID_FILE_ATTRIBUTES;
#else
    /* A time too: inode numbers are reused at once. That of its birth, which the application's chmod() does not change, where it is known. */
    uint64_t id;
#if defined(STATX_BTIME)
    struct statx x;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &x) == 0 && (x.stx_mask & STATX_BTIME)) {
        id = x.stx_ino * 1000003u ^ (uint64_t)x.stx_dev_major << 48 ^ (uint64_t)x.stx_dev_minor << 32;
        id ^= (uint64_t)x.stx_btime.tv_sec * 1000000007u + x.stx_btime.tv_nsec;
        return id != 0 ? id : 1;
    }
#endif
    struct stat s;
    if (lstat(path, &s) != 0) return 0;
    id = (uint64_t)s.st_ino * 1000003u ^ (uint64_t)s.st_dev << 32 ^ (uint64_t)s.st_ctime;
    return id != 0 ? id : 1;
#endif
}

/* Makes a directory only this user may enter, in the user's temporary directory, or in the system's where that has too long a name. Length
 * of its path or -errno. */
static inline int zc_private_directory(char *out, size_t cap) {
    int fault = zc_resource_fault();
    if (fault) return fault;
#if defined(_WIN32)
    zc_wide_path_t wide;
    char base[3 * (MAX_PATH + 1)]; /* in UTF-8 */
    DWORD n = GetTempPathW(MAX_PATH + 1, wide.text);
    if (n == 0 || n > MAX_PATH || WideCharToMultiByte(CP_UTF8, 0, wide.text, -1, base, sizeof base, NULL, NULL) == 0) return -ENOENT;
    for (int tries = 0; tries < 16; tries++) {
        uint32_t r[2];
        int rc = zc_os_random(r, sizeof r);
        if (rc < 0) return rc;
        int len = snprintf(out, cap, "%szmq%08x%08x", base, (unsigned)r[0], (unsigned)r[1]);
        if (len < 0 || (size_t)len >= cap) return -ENAMETOOLONG;
        if (CreateDirectoryW(zc_wide(&wide, out), NULL)) return len;
        if (GetLastError() != ERROR_ALREADY_EXISTS) return -EACCES;
    }
    return -EEXIST;
#else
    const char *names[] = {"TMPDIR", "TEMPDIR", "TMP"};
    const char *base = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct stat s;
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] == 0 || strlen(value) + sizeof "/zmqXXXXXX" > cap) continue;
        if (stat(value, &s) != 0 || !S_ISDIR(s.st_mode)) continue;
        base = value;
        break;
    }
    if (base == NULL) base = "/tmp";
    size_t n = strlen(base);
    int len = snprintf(out, cap, "%s%szmqXXXXXX", base, n > 0 && base[n - 1] == '/' ? "" : "/");
    if (len < 0 || (size_t)len >= cap) return -ENAMETOOLONG;
    return mkdtemp(out) != NULL ? len : -errno;
#endif
}

/* ---- names of any length, and whose a file is ---- */

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
