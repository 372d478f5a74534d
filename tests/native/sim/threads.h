/* Simulated threads, locks and clock readings. Part of sim/system.h.
 *
 * Rules
 * - A mutex and a condition live in the storage of the system's own types, which is larger.
 * - Releasing what another thread holds, taking what oneself holds, and ending with a lock held are findings.
 */
#ifndef SIM_THREADS_H
#define SIM_THREADS_H

#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define SIM_TSAN(x) x
#else
#define SIM_TSAN(x)
#endif

typedef struct sim_mutex {
    sim_fiber_t *owner;
    int host; /* held outside any fiber */
} sim_mutex_t;

typedef struct sim_cond { uint64_t unused; } sim_cond_t;

SIM_FN sim_mutex_t *sim_mutex(pthread_mutex_t *m) { return (sim_mutex_t *)m; }

SIM_FN int sim_mutex_init(pthread_mutex_t *m, const void *attr) {
    (void)attr;
    memset(m, 0, sizeof *m);
    return 0;
}

SIM_FN int sim_mutex_destroy(pthread_mutex_t *m) {
    if (sim_mutex(m)->owner != NULL) sim_find(SIM_MISUSE, "a mutex is destroyed while %s holds it", sim_mutex(m)->owner->name);
    return 0;
}

SIM_FN int sim_mutex_is_free(sim_fiber_t *f) { return ((sim_mutex_t *)f->object)->owner == NULL; }

SIM_FN int sim_mutex_lock(pthread_mutex_t *raw) {
    sim_mutex_t *m = sim_mutex(raw);
    sim_point();
    if (world.current == NULL) return 0;
    if (m->owner == world.current) sim_find(SIM_DEADLOCK, "%s takes a mutex it holds", world.current->name);
    while (m->owner != NULL) sim_wait(sim_mutex_is_free, m, UINT64_MAX);
    m->owner = world.current;
    SIM_TSAN(__tsan_acquire(raw);)
    return 0;
}

SIM_FN int sim_mutex_unlock(pthread_mutex_t *raw) {
    sim_mutex_t *m = sim_mutex(raw);
    if (world.current == NULL) return 0;
    if (m->owner != world.current) sim_find(SIM_MISUSE, "%s releases a mutex it does not hold", world.current->name);
    SIM_TSAN(__tsan_release(raw);)
    m->owner = NULL;
    world.changes++;
    sim_point();
    return 0;
}

SIM_FN int sim_cond_init(pthread_cond_t *c, const void *attr) {
    (void)c, (void)attr;
    return 0;
}

SIM_FN int sim_cond_destroy(pthread_cond_t *c) {
    (void)c;
    return 0;
}

SIM_FN int sim_was_woken(sim_fiber_t *f) { return f->woken; }

SIM_FN void sim_wake_waiters(void *object, int most) {
    int n = world.nfibers, from = (int)sim_random((uint64_t)n);
    for (int i = 0; i < n && most > 0; i++) {
        sim_fiber_t *f = &world.fibers[(from + i) % n];
        if (f->used && !f->done && f->waiting && f->ready == sim_was_woken && f->object == object && !f->woken) {
            f->woken = 1;
            most--;
        }
    }
    world.changes++;
}

SIM_FN int sim_cond_signal(pthread_cond_t *c) {
    sim_point();
    sim_wake_waiters(c, 1);
    return 0;
}

SIM_FN int sim_cond_broadcast(pthread_cond_t *c) {
    sim_point();
    sim_wake_waiters(c, SIM_FIBERS);
    return 0;
}

SIM_FN int sim_cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t at) {
    int came = 1;
    world.steps++;
    if (sim_mutex(m)->owner != world.current) sim_find(SIM_MISUSE, "%s waits with a mutex it does not hold", world.current->name);
    sim_happen();
    SIM_TSAN(__tsan_release(m);)
    sim_mutex(m)->owner = NULL;
    world.changes++;
    if (!sim_once_in(world.config.interrupted)) { /* a condition may wake for no reason */
        world.current->woken = 0;
        came = sim_wait(sim_was_woken, c, at);
    }
    sim_mutex_lock(m);
    return came ? 0 : ETIMEDOUT;
}

SIM_FN int sim_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) { return sim_cond_wait_until(c, m, UINT64_MAX); }

SIM_FN int sim_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t) {
    return sim_cond_wait_until(c, m, (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec);
}

/* ---- threads ---- */

SIM_FN int sim_pthread_create(pthread_t *thread, const void *attr, void *(*start)(void *), void *arg) {
    (void)attr;
    char name[] = "background ??";
    int n = 0;
    sim_call(40);
    if (sim_refuses()) return EAGAIN;
    for (int i = 0; i < world.nfibers; i++) n += world.fibers[i].used && !world.fibers[i].app;
    name[11] = (char)(n < 10 ? '0' + n : '0' + n / 10);
    name[12] = (char)(n < 10 ? 0 : '0' + n % 10);
    sim_fiber_t *f = sim_fiber_new(name);
    if (f == NULL) return EAGAIN;
    f->start = start;
    f->arg = arg;
    *thread = (pthread_t)(f - world.fibers + 1);
    return 0;
}

SIM_FN int sim_has_ended(sim_fiber_t *f) { return ((sim_fiber_t *)f->object)->done; }

SIM_FN void sim_fiber_free(sim_fiber_t *f) {
#if defined(__SANITIZE_THREAD__)
    if (f->used && f->thread != NULL) __tsan_destroy_fiber(f->thread);
    f->thread = NULL;
#endif
    f->used = 0;
}

SIM_FN int sim_pthread_join(pthread_t thread, void **result) {
    (void)result;
    sim_call(41);
    if (thread < 1 || thread > (pthread_t)world.nfibers || !world.fibers[thread - 1].used) {
        sim_find(SIM_MISUSE, "a thread is joined that does not exist");
        return ESRCH;
    }
    sim_fiber_t *f = &world.fibers[thread - 1];
    sim_wait(sim_has_ended, f, UINT64_MAX);
    sim_fiber_free(f);
    return 0;
}

SIM_FN int sim_sched_yield(void) {
    sim_call(42);
    world.now += 300; /* what it takes on a real machine; or else a spin until a time would be far more work here */
    if (world.current != NULL) {
        world.current->taken++;
        sim_switch();
    }
    return 0;
}

SIM_FN int sim_getrusage(int who, struct rusage *used) {
    (void)who;
    sim_call(46);
    memset(used, 0, sizeof *used);
    if (world.current != NULL) used->ru_nivcsw = (long)world.current->taken;
    return 0;
}

SIM_FN int sim_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set) {
    (void)pid;
    memset(set, 0, size);
    for (uint32_t i = 0; i < (world.config.processors ? world.config.processors : 2); i++) CPU_SET(i, set);
    return 0;
}

/* Wishes that a system may refuse: all are granted, none does anything. */
SIM_FN int sim_prctl(int option, ...) { return option < 0; }
SIM_FN int sim_sigmask(int how, const sigset_t *set, sigset_t *old) { return how < 0 || set == (const sigset_t *)old; }
SIM_FN int sim_setname(pthread_t thread, const char *name) { return thread != 0 && name == NULL; }
SIM_FN int sim_setaffinity(pthread_t thread, size_t size, const cpu_set_t *set) { return thread != 0 && size == 0 && set == NULL; }
SIM_FN int sim_getschedparam(pthread_t thread, int *policy, struct sched_param *param) {
    *policy = SCHED_OTHER;
    param->sched_priority = 0;
    return thread != 0;
}
SIM_FN int sim_setschedparam(pthread_t thread, int policy, const struct sched_param *param) {
    return thread != 0 && policy < 0 && param == NULL;
}

/* ---- the clock: every reading costs some nanoseconds, so a loop until a time ends ---- */

SIM_FN int sim_clock_gettime(clockid_t which, struct timespec *t) {
    (void)which;
    if (!world.active) return clock_gettime(which, t);
    world.now += 20 + (world.now & 31) + world.config.tick;
    if (sim_in_vain(1)) sim_find(SIM_LIVELOCK, "%s: much work without progress", world.current->name);
    sim_happen();
    sim_point();
    t->tv_sec = (time_t)(world.now / 1000000000u);
    t->tv_nsec = (long)(world.now % 1000000000u);
    return 0;
}

/* ---- system calls by number: futex, random octets, epoll_pwait2 ---- */

SIM_FN long sim_futex(uint32_t *word, int op, uint32_t value) {
    sim_call(43);
    if (world.current == NULL) return 0;
    if (op == FUTEX_WAKE_PRIVATE) {
        sim_wake_waiters(word, (int)value);
        return 0;
    }
    if (*word != value) return sim_errno(EAGAIN);
    world.current->woken = 0;
    sim_wait(sim_was_woken, word, UINT64_MAX);
    return 0;
}

SIM_FN long sim_getrandom(unsigned char *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (unsigned char)(sim_next() >> 40);
    return (long)n;
}

SIM_FN long sim_syscall(long number, ...) {
    va_list args;
    long rc;
    va_start(args, number);
    if (number == SYS_futex) {
        uint32_t *word = va_arg(args, uint32_t *);
        int op = va_arg(args, int);
        rc = sim_futex(word, op, (uint32_t)va_arg(args, int));
    } else if (number == SYS_getrandom) {
        unsigned char *out = va_arg(args, unsigned char *);
        rc = sim_getrandom(out, va_arg(args, size_t));
    } else if (number == 441) { /* epoll_pwait2 */
        int ep = va_arg(args, int);
        struct epoll_event *out = va_arg(args, struct epoll_event *);
        int max = va_arg(args, int);
        const int64_t *t = va_arg(args, const int64_t *);
        rc = sim_epoll_wait_ns(ep, out, max, t[0] * 1000000000 + t[1]);
    } else {
        rc = sim_errno(ENOSYS);
    }
    va_end(args);
    return rc;
}

/* The loopback device, and none else. */
SIM_FN int sim_getifaddrs(struct ifaddrs **list) {
    static struct sockaddr_in v4;
    static struct sockaddr_in6 v6;
    static struct ifaddrs all[2];
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    all[0].ifa_name = all[1].ifa_name = (char *)(uintptr_t)"lo";
    all[0].ifa_addr = (struct sockaddr *)&v4;
    all[1].ifa_addr = (struct sockaddr *)&v6;
    all[0].ifa_next = &all[1];
    *list = all;
    sim_call(45);
    return sim_refuses() ? sim_errno(ENOMEM) : 0;
}

SIM_FN void sim_freeifaddrs(struct ifaddrs *list) { (void)list; }

/* A name takes its time and is this machine, or does not exist ("nowhere..."). */
SIM_FN int sim_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    struct addrinfo numeric = *hints;
    if (hints->ai_flags & AI_NUMERICHOST) return getaddrinfo(host, service, hints, found);
    sim_call(44);
    if (world.current != NULL) sim_sleep(1 + sim_random(50000000u));
    if (strncmp(host, "nowhere", 7) == 0 || sim_refuses()) return sim_random(2) ? EAI_NONAME : EAI_AGAIN;
    numeric.ai_flags |= AI_NUMERICHOST;
    if (getaddrinfo(host, service, &numeric, found) == 0) return 0;
    return getaddrinfo(hints->ai_family == AF_INET6 ? "::1" : "127.0.0.1", service, &numeric, found);
}

#endif
