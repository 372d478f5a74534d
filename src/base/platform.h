/* The contract with the operating system: everything that differs between Linux, macOS, FreeBSD and Windows.
 *
 * Rules
 * - Conditional compilation lives in these headers only (this one, those it includes, atomics.h, errors.h and memory.h).
 *   Cython code never asks which system it is on: a wrapper returns -ENOSYS where the system lacks the thing.
 * - Failures are negative errno values. Only the functions that say so may block.
 * - Nothing here knows ZeroMQ.
 * - Everything is `static inline`, so that one extension gets one inlined copy and an unused one costs nothing.
 *
 *   platform_thread.h   clock, locks, threads, processors, fork, random octets
 *   platform_io.h       descriptors: wake-ups, timers, sockets' reads and writes
 *   platform_poll.h     epoll, kqueue, poll
 *   platform_net.h      socket addresses, options, names, interfaces
 *   platform_family.h   sockets of VSOCK and TIPC
 *   platform_local.h    ipc: peer credentials, socket files, long names, owners
 *   platform_multicast.h  datagram sockets and multicast groups
 *   platform_datagram.h   many datagrams by one call, and those that got lost
 *   platform_library.h  libraries found at run time
 *   platform_shared.h   memory shared by two processes, descriptors handed over
 */
#ifndef ZC_PLATFORM_H
#define ZC_PLATFORM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#if defined(_WIN32) && !defined(WIN32_LEAN_AND_MEAN)
#define WIN32_LEAN_AND_MEAN 1 /* keeps <windows.h> from bringing in the old <winsock.h> */
#endif

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <iphlpapi.h>
#include <windows.h>
#include <bcrypt.h>
#include <process.h>
#include <io.h>
#if defined(_MSC_VER)
#pragma comment(lib, "ws2_32.lib")
#pragma comment(lib, "iphlpapi.lib")
#pragma comment(lib, "bcrypt.lib")
#endif
/* <windows.h> makes nothing of the words `near` and `far`, for the sake of programs of 16 bits. Its own headers write FAR. */
#undef near
#undef far
#undef FAR
#define FAR
#else
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#endif

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <sys/auxv.h>
#if defined(__has_include)
#if __has_include(<linux/tipc.h>) && __has_include(<linux/vm_sockets.h>) && defined(AF_TIPC) && defined(AF_VSOCK)
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#define ZC_HAVE_FAMILIES 1
#endif
#endif
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#endif

#if defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/event.h>
#include <sys/ucred.h>
#define ZC_HAVE_KQUEUE 1
#elif defined(ZC_KQUEUE_MODEL) /* a build for tests, on Linux: tests/platforms/kqueue.sh */
#include "kqueue_model.h"
#define ZC_HAVE_KQUEUE 1
#endif

#if defined(__APPLE__)
#include <os/lock.h>
#include <sys/random.h>
#include <sys/sysctl.h>
#endif

#if defined(__FreeBSD__)
#include <pthread_np.h>
#include <sys/param.h>
#include <sys/cpuset.h>
#endif

#include "base/atomics.h"
#include "base/errors.h"
#include "base/memory.h"

#include "base/platform_thread.h"
#include "base/platform_io.h"
#include "base/platform_poll.h"
#include "base/platform_net.h"
#include "base/platform_family.h"
#include "base/platform_local.h"
#include "base/platform_multicast.h"
#include "base/platform_datagram.h"
#include "base/platform_library.h"
#include "base/platform_shared.h"

#endif
