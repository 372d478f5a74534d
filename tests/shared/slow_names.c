/* Between a program and its resolver (LD_PRELOAD): names that end in ".slow" are not answered before names_answer(), and then they do not exist. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>

static int answers, asked;

/* How many have been asked for. */
int names_asked(void) { return __atomic_load_n(&asked, __ATOMIC_SEQ_CST); }
void names_answer(void) { __atomic_store_n(&answers, 1, __ATOMIC_SEQ_CST); }

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    size_t n = host != NULL ? strlen(host) : 0;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (n < 5 || strcmp(host + n - 5, ".slow") != 0 || (hints != NULL && hints->ai_flags & AI_NUMERICHOST)) return real(host, service, hints, found);
    __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&answers, __ATOMIC_SEQ_CST)) poll(NULL, 0, 1);
    return EAI_NONAME;
}
