/* PUSH and PULL on a libzmq that is found at run time, as a program in C uses it: one message, one call.
 *
 * Rules
 *   - Called through ctypes, which gives the GIL back: only C runs while the clock runs.
 *   - Every function returns 0, or -1.
 */
#include <string.h>

typedef struct zmq_msg { /* of libzmq's ABI: 64 bytes, aligned as a pointer */
    void *aligned[8];
} zmq_msg;

typedef struct library {
    int (*init_size)(zmq_msg *, size_t);
    void *(*data)(zmq_msg *);
    int (*send)(zmq_msg *, void *, int);
    int (*init)(zmq_msg *);
    int (*recv)(zmq_msg *, void *, int);
    int (*close)(zmq_msg *);
} library;

int push(const library *l, void *socket, const char *body, size_t size, long n)
{
    for (long i = 0; i < n; i++) {
        zmq_msg m;
        if (l->init_size(&m, size) != 0)
            return -1;
        memcpy(l->data(&m), body, size);
        if (l->send(&m, socket, 0) < 0)
            return -1;
    }
    return 0;
}

int pull(const library *l, void *socket, const char *body, size_t size, long n)
{
    for (long i = 0; i < n; i++) {
        zmq_msg m;
        int same = 0;
        l->init(&m);
        if (l->recv(&m, socket, 0) != (int)size)
            return -1;
        same = i + 1 < n || memcmp(l->data(&m), body, size) == 0;
        l->close(&m);
        if (!same)
            return -1;
    }
    return 0;
}
