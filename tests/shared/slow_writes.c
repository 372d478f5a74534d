/* Between a program and its system (LD_PRELOAD): each write to a socket takes 100 us of the thread that asks for it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define WRITE_NS 100000

static void take_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long end = now.tv_sec * 1000000000LL + now.tv_nsec + WRITE_NS;
    do clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec * 1000000000LL + now.tv_nsec < end);
}

#define SLOW(name, parameters, arguments)                             \
    ssize_t name parameters {                                         \
        static ssize_t(*real) parameters;                             \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);         \
        take_time();                                                  \
        return real arguments;                                        \
    }

SLOW(send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
SLOW(sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
SLOW(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
