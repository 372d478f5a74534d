/* Between a program and its system (LD_PRELOAD). Names that end in ".slow" are not answered before names_answer(); then "here.slow" is this machine, and
 * the others do not exist. Threads can be refused, and waits for the same thread's end are told. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#define JOINS 64

static int answers, asked, refuses, refused, joins, twice;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the next one */
static pthread_t joining[JOINS];

/* How many have been asked for. */
int names_asked(void) { return __atomic_load_n(&asked, __ATOMIC_SEQ_CST); }
void names_answer(void) { __atomic_store_n(&answers, 1, __ATOMIC_SEQ_CST); }
/* 1: no thread can be started from now on. */
void threads_refuse(int is) { __atomic_store_n(&refuses, is, __ATOMIC_SEQ_CST); }
int threads_refused(void) { return __atomic_load_n(&refused, __ATOMIC_SEQ_CST); }
/* Waits under way for the end of a thread; how often one was waited for by two. */
int threads_joining(void) { return __atomic_load_n(&joins, __ATOMIC_SEQ_CST); }
int threads_joined_twice(void) { return __atomic_load_n(&twice, __ATOMIC_SEQ_CST); }

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    size_t n = host != NULL ? strlen(host) : 0;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (n < 5 || strcmp(host + n - 5, ".slow") != 0 || (hints != NULL && hints->ai_flags & AI_NUMERICHOST)) return real(host, service, hints, found);
    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&answers, __ATOMIC_SEQ_CST)) poll(NULL, 0, 1);
    return strcmp(host, "here.slow") == 0 ? real("127.0.0.1", service, hints, found) : EAI_NONAME;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    if (!__atomic_load_n(&refuses, __ATOMIC_SEQ_CST)) return real(thread, attributes, start, argument);
    __atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
    return EAGAIN;
}

/* The place of a wait that has begun; -1: there is one for this thread. */
static int join_begins(pthread_t thread) {
    int place = -1;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < JOINS; i++) {
        if (joining[i] == thread) {
            place = -1;
            break;
        }
        if (joining[i] == 0 && place < 0) place = i;
    }
    if (place >= 0) joining[place] = thread;
    pthread_mutex_unlock(&mutex);
    return place;
}

int pthread_join(pthread_t thread, void **result) {
    static int (*real)(pthread_t, void **);
    int place = join_begins(thread), rc;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_join");
    if (place < 0) {
        __atomic_add_fetch(&twice, 1, __ATOMIC_SEQ_CST);
        return EINVAL;
    }
    __atomic_add_fetch(&joins, 1, __ATOMIC_SEQ_CST);
    rc = real(thread, result);
    __atomic_sub_fetch(&joins, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&mutex);
    joining[place] = 0;
    pthread_mutex_unlock(&mutex);
    return rc;
}
