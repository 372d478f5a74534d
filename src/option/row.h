/* What a row of an option table says.
 *
 * Rules
 * - A row is all there is to know about an option that does nothing special: it is kept at `offset` of a record, its values
 *   lie between `lowest` and `highest` (numbers) or have so many bytes (BYTES, TEXT), and types outside `set_on` and `get_on`
 *   refuse it.
 * - What an option does beyond that has a name: a rule (what else a set changes), an action (what the caller does after a set,
 *   or answers to a get). No code outside this room asks for the number of an option.
 * - An option of a feature that is not built in is OPTION_ABSENT: it can neither be set nor read, and is never accepted and ignored.
 */
#ifndef ZMQCORE_OPTION_ROW_H
#define ZMQCORE_OPTION_ROW_H
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum { /* kind: what Python hands over and gets */
    OPTION_UNKNOWN = 0,
    OPTION_INT,   /* 4 bytes */
    OPTION_INT64, /* 8 bytes */
    OPTION_BYTES,
    OPTION_TEXT, /* read with its NUL counted */
    OPTION_KEY,  /* a CURVE key: 32 bytes, or their Z85 text */
};

enum { /* keep: the type of the field at `offset` */
    KEEP_NOTHING = 0,
    KEEP_INT,
    KEEP_FLAG, /* an int, 0 or 1; any other number within bounds is 1 */
    KEEP_INT64,
    KEEP_BYTES, /* option_bytes_t */
    KEEP_LIST,  /* option_list_t of items of `item` bytes: a set adds one, no value at all removes them */
};

enum { /* rule */
    RULE_NONE = 0,
    RULE_INVERSE,    /* the field is the flag's opposite */
    RULE_TENTHS,     /* milliseconds, rounded to the tenths of a second that the wire carries */
    RULE_CLIP,       /* a larger number is taken as the highest */
    RULE_VERBOSE,    /* XPUB_VERBOSE and XPUB_VERBOSER are one setting: the later one decides about both directions */
    RULE_VERBOSER,
    RULE_MANUAL,     /* off is off for XPUB_MANUAL_LAST_VALUE, too */
    RULE_LAST_VALUE, /* includes XPUB_MANUAL */
    RULE_PROPERTY,   /* "X-name:value", one more */
    RULE_FILTER,     /* the text of an accept filter, parsed */
    RULE_TYPE,       /* reads as the type of the socket */
    RULE_INCLUDE,    /* the list is a set, and the number is in it */
    RULE_EXCLUDE,    /* or no longer */
    RULE_MECHANISM,  /* a set chooses the mechanism `item`, and no value at all chooses NULL */
    RULE_CLIENT,     /* likewise, and this side is the client */
    RULE_SERVER,     /* a flag that is no field: 1 chooses the mechanism `item` as its server, 0 chooses NULL */
};

enum { /* what the caller does when a set has succeeded, or answers to a get; > 0 */
    ACTION_NONE = 0,
    ACTION_SUBSCRIBE,
    ACTION_CANCEL,
    ACTION_MARKS, /* the high-water marks of pipes that exist follow */
    ACTION_RCVMORE,
    ACTION_FD,
    ACTION_EVENTS,
    ACTION_TOPICS_COUNT,
    ACTION_LAST_ENDPOINT,
    ACTION_THREAD_SAFE,
    ACTION_SUBSCRIBE_EXACT, /* what a SUB filters beyond prefixes, and the opposite of each */
    ACTION_CANCEL_EXACT,
    ACTION_EXCLUDE,
    ACTION_INCLUDE,
    ACTION_OVERFLOW, /* the type must be able to do it */
};

enum { /* when: from when on a new value counts */
    WHEN_NEVER = 0,      /* cannot be set */
    WHEN_AT_ONCE,
    WHEN_CONNECTION,     /* for connections made, or made again, later */
    WHEN_BIND,           /* at the next bind() */
    WHEN_CONNECT,        /* at the next connect() */
    WHEN_CALL,           /* at the next bind() or connect(), for all connections that come of it: endpoints keep it (socket/terms.pxd) */
    WHEN_FIRST_ENDPOINT, /* at the first bind() or connect() over a network, of the socket or the context */
    WHEN_SOCKET,         /* of a context: for sockets made later */
};

/* The same in words, as an end of "A new value counts ...". */
static const char *const option_when[] = {
    [WHEN_NEVER] = "",
    [WHEN_AT_ONCE] = "at once",
    [WHEN_CONNECTION] = "for connections made later, reconnections included",
    [WHEN_BIND] = "at the next bind()",
    [WHEN_CONNECT] = "at the next connect()",
    [WHEN_CALL] = "at the next bind() or connect()",
    [WHEN_FIRST_ENDPOINT] = "at the first bind() or connect() over a network",
    [WHEN_SOCKET] = "for sockets made later",
};

enum { /* flags */
    OPTION_ABSENT = 1,      /* of a feature that is not built in */
    OPTION_CONSTANT = 2,    /* the default is the only value */
    OPTION_NULL_UNSETS = 4, /* no value at all (C: a NULL pointer) unsets, though an empty one does not */
    OPTION_ROOMY = 8,       /* a read takes any larger buffer and fills it with zeros */
    OPTION_BY_API = 16,     /* the Python API sets and reads other options for it */
    OPTION_CRYPTO = 32,     /* a set needs the library of CURVE's primitives, which the Python API loads */
    OPTION_GSS = 64,        /* a set needs the system's GSSAPI, which the Python API looks for */
    OPTION_TAKEN = 128,     /* bind() and connect() make something of it: what an endpoint keeps has it not once more */
};

enum { /* set_on, get_on, zero_on, manual_on: socket types, one bit for each number of pattern/types.pxd */
    ON_NONE = 0,
    ON_ALL = 0x7FFFFFFF,
    ON_PUB = 1 << 1,
    ON_SUB = 1 << 2,
    ON_REQ = 1 << 3,
    ON_REP = 1 << 4,
    ON_DEALER = 1 << 5,
    ON_ROUTER = 1 << 6,
    ON_XPUB = 1 << 9,
    ON_XSUB = 1 << 10,
    ON_STREAM = 1 << 11,
    ON_PUBLISHERS = ON_PUB | ON_XPUB, /* PUB is made of an XPUB in libzmq, and so takes its options */
    ON_SUBSCRIBERS = ON_SUB | ON_XSUB,
    ON_ROUTERS = ON_REP | ON_ROUTER, /* likewise */
    ON_SERVER = 1 << 12,
    ON_CLIENT = 1 << 13,
    ON_RADIO = 1 << 14,
    ON_DISH = 1 << 15,
    ON_PEER = 1 << 19,
    ON_GREETING = ON_DEALER | ON_ROUTER | ON_CLIENT | ON_SERVER | ON_PEER,
    ON_NOTICING = ON_ROUTER | ON_SERVER | ON_PEER,
    ON_HICCUPING = ON_DEALER | ON_CLIENT | ON_PEER,
};

typedef struct option_row_t {
    const char *name;
    const char *unit;     /* "": none */
    const char *doc;      /* one line */
    int64_t initial;      /* the default of a number */
    int64_t lowest;
    int64_t highest;
    uint32_t set_on;
    uint32_t get_on;
    uint32_t zero_on;     /* types whose default is 0 */
    uint32_t manual_on;   /* types that need XPUB_MANUAL for a set */
    int number;
    uint16_t offset;
    uint16_t item;
    unsigned char kind;
    unsigned char keep;
    unsigned char rule;
    unsigned char on_set; /* ACTION_ */
    unsigned char on_get;
    unsigned char when;
    unsigned char flags;
} option_row_t;

/* An owned copy; NULL, 0 when unset. */
typedef struct option_bytes_t {
    unsigned char *data;
    size_t size;
} option_bytes_t;

/* An owned array. */
typedef struct option_list_t {
    void *items;
    uint32_t count;
} option_list_t;
#endif
