/* The options of a context: the record they are kept in, and one row for each.
 *
 * Rules
 * - context_options_t is owned by the context and guarded by its mutex.
 * - `set_on` and `get_on` say whether an option can be set and read at all: ON_ALL or ON_NONE.
 * - Number 3 is two options: set it is THREAD_PRIORITY, read it is SOCKET_LIMIT. That is ZeroMQ's public header.
 */
#ifndef ZMQCORE_OPTION_CONTEXT_TABLE_H
#define ZMQCORE_OPTION_CONTEXT_TABLE_H
#include "option/row.h"

enum {
    CTX_IO_THREADS = 1,
    CTX_MAX_SOCKETS = 2,
    CTX_SOCKET_LIMIT = 3,
    CTX_THREAD_PRIORITY = 3,
    CTX_THREAD_SCHED_POLICY = 4,
    CTX_MAX_MSGSZ = 5,
    CTX_MSG_T_SIZE = 6,
    CTX_THREAD_AFFINITY_CPU_ADD = 7,
    CTX_THREAD_AFFINITY_CPU_REMOVE = 8,
    CTX_THREAD_NAME_PREFIX = 9,
    CTX_ZERO_COPY_RECV = 10,
    CTX_IPV6 = 42,
    CTX_BLOCKY = 70,
    CTX_MAX_QUEUED_BYTES = 9072, /* zmqcore's own, as those of sockets from 9001 on */
};

enum {
    SOCKET_LIMIT = 65535, /* what libzmq tells for poll sets without a limit of their own, such as epoll */
    MSG_T_SIZE = 64,      /* of zmq_msg_t, a public fact of libzmq that programs may read; not the size of our msg_t */
    THREAD_NAME_PREFIX_MAX = 16,
};

typedef struct context_options_t {
    int io_threads;
    int max_sockets;
    int thread_priority;     /* -1: not set */
    int thread_sched_policy; /* -1: not set */
    int max_msgsz;
    int zero_copy_recv;
    int ipv6;
    int blocky;
    int64_t max_queued_bytes; /* 0: no limit */
    option_list_t cpus; /* of int, a set; empty: any */
    option_bytes_t thread_name_prefix;
} context_options_t;

#define ROW(name_, kind_, text, ...) \
    {.number = CTX_##name_, .name = #name_, .kind = OPTION_##kind_, .doc = text, __VA_ARGS__}
#define AT(field) .offset = offsetof(context_options_t, field)
#define RANGE(initial_, lowest_, highest_) .initial = initial_, .lowest = lowest_, .highest = highest_
#define SET .set_on = ON_ALL
#define GET .get_on = ON_ALL

static const option_row_t context_option_table[] = {
    ROW(IO_THREADS, INT,
        "How many threads serve network sockets in the background. 0 is enough for inproc.",
        AT(io_threads), .keep = KEEP_INT, RANGE(1, 0, INT_MAX), .unit = "threads", SET, GET,
        .when = WHEN_FIRST_ENDPOINT),
    ROW(MAX_SOCKETS, INT, "How many sockets the context may have at a time; another one raises EMFILE.",
        AT(max_sockets), .keep = KEEP_INT, RANGE(1023, 1, INT_MAX), .unit = "sockets", SET, GET, .when = WHEN_SOCKET),
    ROW(SOCKET_LIMIT, INT, "The highest number that MAX_SOCKETS is good for.", RANGE(SOCKET_LIMIT, 0, 0),
        .unit = "sockets", GET, .flags = OPTION_CONSTANT),
    ROW(THREAD_SCHED_POLICY, INT, "Scheduling policy of the I/O threads; -1, the default: the system's.",
        AT(thread_sched_policy), .keep = KEEP_INT, RANGE(-1, 0, INT_MAX), SET, GET, .when = WHEN_FIRST_ENDPOINT),
    ROW(THREAD_PRIORITY, INT, "Priority of the I/O threads; unless it is set, the system's default.",
        AT(thread_priority), .keep = KEEP_INT, RANGE(-1, 0, INT_MAX), SET, .when = WHEN_FIRST_ENDPOINT),
    ROW(THREAD_AFFINITY_CPU_ADD, INT, "The I/O threads may run on this processor. Each set adds one; none: on any.",
        AT(cpus), .keep = KEEP_LIST, .item = sizeof(int), .rule = RULE_INCLUDE, RANGE(0, 0, INT_MAX),
        .unit = "processor", SET, .when = WHEN_FIRST_ENDPOINT),
    ROW(THREAD_AFFINITY_CPU_REMOVE, INT, "Take a processor out of the set again; EINVAL if it is not there.",
        AT(cpus), .keep = KEEP_LIST, .item = sizeof(int), .rule = RULE_EXCLUDE, RANGE(0, 0, INT_MAX),
        .unit = "processor", SET, .when = WHEN_FIRST_ENDPOINT),
    ROW(THREAD_NAME_PREFIX, TEXT,
        "What the names of the I/O threads begin with. get() reads it as a number, as libzmq does.", AT(thread_name_prefix), .keep = KEEP_BYTES, RANGE(0, 1, THREAD_NAME_PREFIX_MAX), SET, GET,
        .when = WHEN_FIRST_ENDPOINT),
    ROW(MAX_MSGSZ, INT, "Kept and read back; no message is measured by it, here or in libzmq. See MAXMSGSIZE of a socket.",
        AT(max_msgsz), .keep = KEEP_INT, RANGE(INT_MAX, 0, INT_MAX), .unit = "bytes", SET, GET, .when = WHEN_SOCKET),
    ROW(MSG_T_SIZE, INT, "Size of libzmq's zmq_msg_t.", RANGE(MSG_T_SIZE, 0, 0), .unit = "bytes", GET,
        .flags = OPTION_CONSTANT),
    ROW(ZERO_COPY_RECV, INT, "Whether received messages may share the memory that they were read into.",
        AT(zero_copy_recv), .keep = KEEP_FLAG, RANGE(1, 0, INT_MAX), .unit = "0 or 1", SET, GET, .when = WHEN_SOCKET),
    ROW(IPV6, INT, "The default of the sockets' IPV6.", AT(ipv6), .keep = KEEP_FLAG, RANGE(0, 0, INT_MAX),
        .unit = "0 or 1", SET, GET, .when = WHEN_SOCKET),
    ROW(BLOCKY, INT, "With 0 the sockets' default of LINGER is 0, so that term() does not wait.", AT(blocky),
        .keep = KEEP_FLAG, RANGE(1, 0, INT_MAX), .unit = "0 or 1", SET, GET, .when = WHEN_SOCKET),
    ROW(MAX_QUEUED_BYTES, INT64,
        "What all queues of all sockets may hold together: the bytes of frames, and 64 for each frame. At the limit a "
        "send finds no room, and reading stops, but for a queue that is empty. 0 is no limit. It concerns sockets that "
        "are made while there is one.",
        AT(max_queued_bytes), .keep = KEEP_INT64, RANGE(0, 0, INT64_MAX), .unit = "bytes", SET, GET, .when = WHEN_SOCKET),
};

enum { CONTEXT_OPTIONS = sizeof(context_option_table) / sizeof(option_row_t) };

#undef ROW
#undef AT
#undef RANGE
#undef SET
#undef GET
#endif
