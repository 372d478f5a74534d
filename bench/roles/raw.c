/* The ceiling of the machine: bare descriptors, messages framed as ZMTP frames them, no queue, no Python object.
 *
 * Rules
 *   - Called through ctypes, which gives the GIL back: only C runs while the clock runs.
 *   - Every function returns 0, or -1 when the peer is gone or sent something unexpected.
 *   - One way: frames are gathered in a 64 KiB buffer, one write() per full buffer, one recv() per 64 KiB; frames of 8 KiB and more
 *     are written from where they are with writev().
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536, GATHER_BELOW = 8192, SHORT_MAX = 255, SPIN_NS = 100000 };

static int write_all(int fd, const char *at, size_t left)
{
    while (left) {
        ssize_t did = write(fd, at, left);
        if (did < 0 && errno == EINTR)
            continue;
        if (did <= 0)
            return -1;
        at += did;
        left -= (size_t)did;
    }
    return 0;
}

static size_t put_header(char *at, size_t size)
{
    if (size <= SHORT_MAX) {
        at[0] = 0;
        at[1] = (char)size;
        return 2;
    }
    at[0] = 2;
    for (int i = 0; i < 8; i++)
        at[1 + i] = (char)((uint64_t)size >> (56 - 8 * i));
    return 9;
}

int raw_send_many(int fd, const char *payload, long size, long n)
{
    static char buffer[BUFFER];
    char header[9];
    size_t filled = 0, head = put_header(header, (size_t)size);

    for (long i = 0; i < n; i++) {
        if (size >= GATHER_BELOW) {
            struct iovec parts[2] = {{header, head}, {(void *)payload, (size_t)size}};
            ssize_t did = writev(fd, parts, 2);
            size_t done;
            if (did < 0)
                return -1;
            done = (size_t)did;
            if (done < head) {
                if (write_all(fd, header + done, head - done))
                    return -1;
                done = head;
            }
            if (write_all(fd, payload + (done - head), (size_t)size - (done - head)))
                return -1;
            continue;
        }
        if (filled + head + (size_t)size > BUFFER) {
            if (write_all(fd, buffer, filled))
                return -1;
            filled = 0;
        }
        memcpy(buffer + filled, header, head);
        memcpy(buffer + filled + head, payload, (size_t)size);
        filled += head + (size_t)size;
    }
    return write_all(fd, buffer, filled);
}

int raw_recv_many(int fd, char *body, long size, long n)
{
    static char buffer[BUFFER];
    size_t at = 0, end = 0;

    for (long i = 0; i < n; i++) {
        size_t head, length = 0, have;
        for (;;) { /* a whole header */
            have = end - at;
            if (have >= 2 && (buffer[at] == 0 || have >= 9))
                break;
            memmove(buffer, buffer + at, have);
            at = 0;
            ssize_t got = recv(fd, buffer + have, BUFFER - have, 0);
            if (got <= 0)
                return -1;
            end = have + (size_t)got;
        }
        if (buffer[at] == 0) {
            head = 2;
            length = (unsigned char)buffer[at + 1];
        } else {
            head = 9;
            for (int k = 0; k < 8; k++)
                length = length << 8 | (unsigned char)buffer[at + 1 + k];
        }
        if (length != (size_t)size)
            return -1;
        at += head;
        have = end - at;
        if (have > length)
            have = length;
        memcpy(body, buffer + at, have);
        at += have;
        while (have < length) { /* the rest: straight to where it belongs */
            ssize_t got;
            if (length - have >= GATHER_BELOW) {
                got = recv(fd, body + have, length - have, 0);
                if (got <= 0)
                    return -1;
                have += (size_t)got;
            } else {
                size_t take;
                got = recv(fd, buffer, BUFFER, 0);
                if (got <= 0)
                    return -1;
                take = (size_t)got < length - have ? (size_t)got : length - have;
                memcpy(body + have, buffer, take);
                have += take;
                at = take;
                end = (size_t)got;
            }
        }
    }
    return at == end ? 0 : -1;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Polls for SPIN_NS, then sleeps: without the limit two spinning ends that the scheduler has put on one core would each wait for
 * the end of the other's time slice. */
static ssize_t recv_spinning(int fd, char *at, size_t left)
{
    uint64_t until = now_ns() + SPIN_NS;
    do {
        ssize_t got = recv(fd, at, left, MSG_DONTWAIT);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR))
            return got;
    } while (now_ns() < until);
    return recv(fd, at, left, 0);
}

static int recv_exactly(int fd, char *at, size_t left, int spin)
{
    while (left) {
        ssize_t got = spin ? recv_spinning(fd, at, left) : recv(fd, at, left, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        at += got;
        left -= (size_t)got;
    }
    return 0;
}

int raw_ping(int fd, char *message, long size, long n, int spin)
{
    for (long i = 0; i < n; i++)
        if (write_all(fd, message, (size_t)size) || recv_exactly(fd, message, (size_t)size, spin))
            return -1;
    return 0;
}

int raw_pong(int fd, char *message, long size, long n, int spin)
{
    for (long i = 0; i < n; i++)
        if (recv_exactly(fd, message, (size_t)size, spin) || write_all(fd, message, (size_t)size))
            return -1;
    return 0;
}

/* The ceiling of encryption: `box` is crypto_secretbox, which wants 32 zero octets in front and a nonce of its own each time. */
int raw_box_many(int (*box)(unsigned char *, const unsigned char *, unsigned long long, const unsigned char *, const unsigned char *),
                 unsigned char *out, const unsigned char *padded, long size, long n)
{
    unsigned char nonce[24] = {0}, key[32] = {1, 2, 3};
    for (long i = 0; i < n; i++) {
        memcpy(nonce + 16, &i, 8);
        if (box(out, padded, 32 + (unsigned long long)size, nonce, key))
            return -1;
    }
    return 0;
}
