/* errno numbers that every platform shall have.
 *
 * Rules
 * - A number the C library knows is used as it is. What a platform lacks gets the value that ZeroMQ's public header
 *   gives it (156384712 + n), so that the same name means the same number in every ZeroMQ program of that platform.
 */
#ifndef ZC_ERRORS_H
#define ZC_ERRORS_H

#include <errno.h>

#ifndef ENOTSUP
#define ENOTSUP 156384713
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT 156384714
#endif
#ifndef ENOBUFS
#define ENOBUFS 156384715
#endif
#ifndef ENETDOWN
#define ENETDOWN 156384716
#endif
#ifndef EADDRINUSE
#define EADDRINUSE 156384717
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL 156384718
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED 156384719
#endif
#ifndef EINPROGRESS
#define EINPROGRESS 156384720
#endif
#ifndef ENOTSOCK
#define ENOTSOCK 156384721
#endif
#ifndef EMSGSIZE
#define EMSGSIZE 156384722
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT 156384723
#endif
#ifndef ENETUNREACH
#define ENETUNREACH 156384724
#endif
#ifndef ECONNABORTED
#define ECONNABORTED 156384725
#endif
#ifndef ECONNRESET
#define ECONNRESET 156384726
#endif
#ifndef ENOTCONN
#define ENOTCONN 156384727
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT 156384728
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH 156384729
#endif
#ifndef ENETRESET
#define ENETRESET 156384730
#endif
#ifndef EALREADY
#define EALREADY EINPROGRESS
#endif
#ifndef EISCONN
#define EISCONN EEXIST
#endif
#ifndef EOPNOTSUPP
#define EOPNOTSUPP ENOTSUP
#endif
#ifndef EPROTO
#define EPROTO EINVAL
#endif
#ifndef ENOPROTOOPT
#define ENOPROTOOPT EINVAL
#endif
#ifndef EOVERFLOW
#define EOVERFLOW ERANGE
#endif
#ifndef ECANCELED
#define ECANCELED EINTR
#endif
#ifndef ELOOP
#define ELOOP EINVAL
#endif

#endif
