/* Clock, locks, threads, processors, fork, random octets. Included by platform.h only.
 *
 * Rules
 * - zc_lock_t is for the few instructions of a call into a socket; it never waits for I/O while held, so a waiter spins
 *   briefly before it sleeps. zc_mutex_t exists for its condition variable.
 * - zc_lock_t knows no order: who has slept finds it taken again if its holder comes back at once. Who holds it for long, time
 *   after time, asks zc_lock_wanted() before it takes it.
 * - Threads start with every signal blocked: signals belong to the application's threads.
 * - Scheduling wishes that the system refuses are ignored; a thread that runs is worth more than one that does not.
 */

/* ---- clock ---- */

static inline uint64_t zc_now_ns(void) {
#if defined(_WIN32)
    LARGE_INTEGER ticks, rate;
    QueryPerformanceFrequency(&rate);
    QueryPerformanceCounter(&ticks);
    /* Seconds and rest apart: the product ticks * 10^9 would overflow after minutes. */
    uint64_t whole = (uint64_t)ticks.QuadPart / (uint64_t)rate.QuadPart;
    uint64_t rest = (uint64_t)ticks.QuadPart % (uint64_t)rate.QuadPart;
    return whole * 1000000000u + rest * 1000000000u / (uint64_t)rate.QuadPart;
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + zc_clock_ahead();
#endif
}

/* A time of ours as the system's clock has it. */
static inline uint64_t zc_system_ns(uint64_t at) { return at > zc_clock_ahead() ? at - zc_clock_ahead() : at; }

/* Whole milliseconds that cover `ns`, at most `limit`: a wait may end late, never early. */
static inline int zc_ns_to_ms(uint64_t ns, int limit) {
    uint64_t ms = ns / 1000000u + (ns % 1000000u != 0);
    return ms > (uint64_t)limit ? limit : (int)ms;
}

#if !defined(_WIN32)
static inline struct timespec zc_timespec(uint64_t ns) {
    /* A year is forever for one wait; it keeps 32-bit time_t from overflowing. */
    const uint64_t longest = 365u * 86400u * (uint64_t)1000000000u;
    struct timespec t;
    if (ns > longest) ns = longest;
    t.tv_sec = (time_t)(ns / 1000000000u);
    t.tv_nsec = (long)(ns % 1000000000u);
    return t;
}
#endif

/* ---- signals ---- */

/* Whether a signal ends the call that a thread of the application sleeps in. Windows runs the handler beside it, on a thread of its own. */
static inline int zc_signals_interrupt(void) {
#if defined(_WIN32)
    return 0;
#else
    return 1;
#endif
}

/* ---- short lock ---- */

/* Attempts of a waiter before it sleeps: some microseconds, the length of a typical critical section. */
#define ZC_LOCK_SPINS 100

#if defined(__linux__)

/* The word: 0 free, 1 held, 2 held and somebody may sleep. */
typedef struct zc_lock { uint32_t word, waiters; } zc_lock_t;

static inline void zc_lock_init(zc_lock_t *l) {
    zc_store_relaxed_u32(&l->word, 0);
    zc_store_relaxed_u32(&l->waiters, 0);
}

static inline void zc_lock_destroy(zc_lock_t *l) { (void)l; }

static inline int zc_lock_try(zc_lock_t *l) {
    uint32_t unheld = 0;
    return __atomic_compare_exchange_n(&l->word, &unheld, 1u, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void zc_lock_wait(zc_lock_t *l) {
    for (int i = 0; i < ZC_LOCK_SPINS; i++) {
        zc_pause();
        if (zc_load_relaxed_u32(&l->word) == 0 && zc_lock_try(l)) return;
    }
    /* Whoever has slept takes the lock as "2": it cannot know whether it was the last sleeper. */
    while (__atomic_exchange_n(&l->word, 2u, __ATOMIC_ACQUIRE) != 0)
        syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static inline void zc_lock_release(zc_lock_t *l) {
    if (__atomic_exchange_n(&l->word, 0u, __ATOMIC_RELEASE) == 2u)
        syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#elif defined(__APPLE__)

typedef struct zc_lock { os_unfair_lock lock; uint32_t waiters; } zc_lock_t;

static inline void zc_lock_init(zc_lock_t *l) {
    l->lock = OS_UNFAIR_LOCK_INIT;
    zc_store_relaxed_u32(&l->waiters, 0);
}

static inline void zc_lock_destroy(zc_lock_t *l) { (void)l; }
static inline int zc_lock_try(zc_lock_t *l) { return os_unfair_lock_trylock(&l->lock) ? 1 : 0; }
static inline void zc_lock_wait(zc_lock_t *l) { os_unfair_lock_lock(&l->lock); }
static inline void zc_lock_release(zc_lock_t *l) { os_unfair_lock_unlock(&l->lock); }

#elif defined(_WIN32)

typedef struct zc_lock { SRWLOCK lock; uint32_t waiters; } zc_lock_t;

static inline void zc_lock_init(zc_lock_t *l) {
    InitializeSRWLock(&l->lock);
    zc_store_relaxed_u32(&l->waiters, 0);
}

static inline void zc_lock_destroy(zc_lock_t *l) { (void)l; }
static inline int zc_lock_try(zc_lock_t *l) { return TryAcquireSRWLockExclusive(&l->lock) ? 1 : 0; }
static inline void zc_lock_wait(zc_lock_t *l) { AcquireSRWLockExclusive(&l->lock); }
static inline void zc_lock_release(zc_lock_t *l) { ReleaseSRWLockExclusive(&l->lock); }

#else

typedef struct zc_lock { pthread_mutex_t lock; uint32_t waiters; } zc_lock_t;

static inline void zc_lock_init(zc_lock_t *l) {
    pthread_mutex_init(&l->lock, NULL);
    zc_store_relaxed_u32(&l->waiters, 0);
}

static inline void zc_lock_destroy(zc_lock_t *l) { pthread_mutex_destroy(&l->lock); }
static inline int zc_lock_try(zc_lock_t *l) { return pthread_mutex_trylock(&l->lock) == 0; }
static inline void zc_lock_wait(zc_lock_t *l) { pthread_mutex_lock(&l->lock); }
static inline void zc_lock_release(zc_lock_t *l) { pthread_mutex_unlock(&l->lock); }

#endif

static inline void zc_lock_acquire(zc_lock_t *l) {
    if (zc_lock_try(l)) return;
    zc_add_u32(&l->waiters, 1);
    zc_lock_wait(l);
    zc_sub_u32(&l->waiters, 1);
}

/* Whether a thread waits for it. */
static inline int zc_lock_wanted(zc_lock_t *l) { return zc_load_relaxed_u32(&l->waiters) != 0; }

/* ---- mutex and condition variable ---- */

#if defined(_WIN32)

typedef struct zc_mutex { SRWLOCK lock; } zc_mutex_t;
typedef struct zc_cond { CONDITION_VARIABLE cond; } zc_cond_t;

static inline int zc_mutex_init(zc_mutex_t *m) { InitializeSRWLock(&m->lock); return 0; }
static inline void zc_mutex_destroy(zc_mutex_t *m) { (void)m; }
static inline void zc_mutex_lock(zc_mutex_t *m) { AcquireSRWLockExclusive(&m->lock); }
static inline int zc_mutex_try(zc_mutex_t *m) { return TryAcquireSRWLockExclusive(&m->lock) != 0; }
static inline void zc_mutex_unlock(zc_mutex_t *m) { ReleaseSRWLockExclusive(&m->lock); }
static inline int zc_cond_init(zc_cond_t *c) { InitializeConditionVariable(&c->cond); return 0; }
static inline void zc_cond_destroy(zc_cond_t *c) { (void)c; }
static inline void zc_cond_signal(zc_cond_t *c) { WakeConditionVariable(&c->cond); }
static inline void zc_cond_broadcast(zc_cond_t *c) { WakeAllConditionVariable(&c->cond); }

#else

typedef struct zc_mutex { pthread_mutex_t lock; } zc_mutex_t;
typedef struct zc_cond { pthread_cond_t cond; } zc_cond_t;

static inline int zc_mutex_init(zc_mutex_t *m) { return -pthread_mutex_init(&m->lock, NULL); }
static inline void zc_mutex_destroy(zc_mutex_t *m) { pthread_mutex_destroy(&m->lock); }
static inline void zc_mutex_lock(zc_mutex_t *m) { pthread_mutex_lock(&m->lock); }
static inline int zc_mutex_try(zc_mutex_t *m) { return pthread_mutex_trylock(&m->lock) == 0; }
static inline void zc_mutex_unlock(zc_mutex_t *m) { pthread_mutex_unlock(&m->lock); }
static inline void zc_cond_destroy(zc_cond_t *c) { pthread_cond_destroy(&c->cond); }
static inline void zc_cond_signal(zc_cond_t *c) { pthread_cond_signal(&c->cond); }
static inline void zc_cond_broadcast(zc_cond_t *c) { pthread_cond_broadcast(&c->cond); }

static inline int zc_cond_init(zc_cond_t *c) {
#if defined(__APPLE__)
    return -pthread_cond_init(&c->cond, NULL); /* waits there take a duration, see below */
#else
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);
    if (rc != 0) return -rc;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (rc == 0) rc = pthread_cond_init(&c->cond, &attr);
    pthread_condattr_destroy(&attr);
    return -rc;
#endif
}

#endif

/* Blocks until a signal or until the monotonic clock reads `abs_ns` (UINT64_MAX: no limit). 0 or -ETIMEDOUT; 0 does not
 * promise that the condition holds. */
static inline int zc_cond_wait_until(zc_cond_t *c, zc_mutex_t *m, uint64_t abs_ns) {
#if defined(_WIN32)
    DWORD ms = INFINITE;
    if (abs_ns != UINT64_MAX) {
        uint64_t now = zc_now_ns();
        ms = abs_ns <= now ? 0 : (DWORD)zc_ns_to_ms(abs_ns - now, 0x7ffffffe);
    }
    if (SleepConditionVariableSRW(&c->cond, &m->lock, ms, 0)) return 0;
    return GetLastError() == ERROR_TIMEOUT ? -ETIMEDOUT : 0;
#else
    if (abs_ns == UINT64_MAX) return -pthread_cond_wait(&c->cond, &m->lock);
#if defined(__APPLE__)
    uint64_t now = zc_now_ns();
    struct timespec t = zc_timespec(abs_ns <= now ? 0 : abs_ns - now);
    return -pthread_cond_timedwait_relative_np(&c->cond, &m->lock, &t);
#else
    struct timespec t;
    abs_ns = zc_system_ns(abs_ns);
    t.tv_sec = (time_t)(abs_ns / 1000000000u);
    t.tv_nsec = (long)(abs_ns % 1000000000u);
    return -pthread_cond_timedwait(&c->cond, &m->lock, &t);
#endif
#endif
}

/* ---- threads ---- */

typedef struct zc_thread {
#if defined(_WIN32)
    HANDLE handle;
#else
    pthread_t handle;
#endif
} zc_thread_t;

typedef struct zc_thread_wish {
    void (*fn)(void *);
    void *arg;
    int policy;
    int priority;
    int ncpus;
    char name[16]; /* Linux keeps 15 characters */
    int cpus[1];   /* ncpus of them */
} zc_thread_wish_t;

static inline void zc_thread_apply(const zc_thread_wish_t *w) {
#if defined(_WIN32)
    DWORD_PTR cpus = 0;
    for (int i = 0; i < w->ncpus; i++)
        if (w->cpus[i] >= 0 && w->cpus[i] < (int)(8 * sizeof cpus)) cpus |= (DWORD_PTR)1 << w->cpus[i];
    if (cpus != 0) SetThreadAffinityMask(GetCurrentThread(), cpus);
    if (w->priority >= 0) SetThreadPriority(GetCurrentThread(), w->priority);
#else
#if defined(__linux__)
    pthread_setname_np(pthread_self(), w->name);
#elif defined(__APPLE__)
    pthread_setname_np(w->name);
#elif defined(__FreeBSD__)
    pthread_set_name_np(pthread_self(), w->name);
#endif
#if defined(__linux__) || defined(__FreeBSD__)
    if (w->ncpus > 0) {
#if defined(__linux__)
        cpu_set_t set;
#else
        cpuset_t set;
#endif
        int any = 0;
        CPU_ZERO(&set);
        for (int i = 0; i < w->ncpus; i++) {
            if (w->cpus[i] < 0 || w->cpus[i] >= CPU_SETSIZE) continue;
            CPU_SET((size_t)w->cpus[i], &set);
            any = 1;
        }
        if (any) pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
#endif
    if (w->policy >= 0 || w->priority >= 0) {
        struct sched_param param;
        int policy, low, high;
        if (pthread_getschedparam(pthread_self(), &policy, &param) == 0) {
            if (w->policy >= 0) policy = w->policy;
            if (w->priority >= 0) param.sched_priority = w->priority;
            low = sched_get_priority_min(policy);
            high = sched_get_priority_max(policy);
            if (param.sched_priority < low) param.sched_priority = low;
            if (param.sched_priority > high) param.sched_priority = high;
            pthread_setschedparam(pthread_self(), policy, &param);
        }
    }
#endif
}

#if defined(_WIN32)
static inline unsigned __stdcall zc_thread_main(void *raw)
#else
static inline void *zc_thread_main(void *raw)
#endif
{
    zc_thread_wish_t *wish = (zc_thread_wish_t *)raw;
    void (*fn)(void *) = wish->fn;
    void *arg = wish->arg;
    zc_thread_apply(wish);
    zc_free(wish);
    fn(arg);
    return 0;
}

/* policy, priority: -1 leaves the inherited value; ncpus 0 leaves the processors. */
static inline int zc_thread_start(zc_thread_t *t, void (*fn)(void *), void *arg, const char *name, int policy,
                                  int priority, const int *cpus, int ncpus) {
    int fault = zc_resource_fault();
    if (fault) return fault;
    if (ncpus < 0) ncpus = 0;
    zc_thread_wish_t *wish = (zc_thread_wish_t *)zc_calloc(1, sizeof *wish + (size_t)ncpus * sizeof(int));
    if (wish == NULL) return -ENOMEM;
    wish->fn = fn;
    wish->arg = arg;
    wish->policy = policy;
    wish->priority = priority;
    wish->ncpus = ncpus;
    for (int i = 0; i < ncpus; i++) wish->cpus[i] = cpus[i];
    for (size_t i = 0; name != NULL && name[i] != 0 && i + 1 < sizeof wish->name; i++) wish->name[i] = name[i];
#if defined(_WIN32)
    t->handle = (HANDLE)_beginthreadex(NULL, 0, zc_thread_main, wish, 0, NULL);
    if (t->handle != 0) return 0;
    zc_free(wish);
    return -EAGAIN;
#else
    /* The new thread inherits the mask: no signal can reach it, not even before its first instruction. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&t->handle, NULL, zc_thread_main, wish);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) zc_free(wish);
    return -rc;
#endif
}

static inline int zc_thread_join(zc_thread_t *t) {
#if defined(_WIN32)
    WaitForSingleObject(t->handle, INFINITE);
    CloseHandle(t->handle);
    return 0;
#else
    return -pthread_join(t->handle, NULL);
#endif
}

static inline void zc_thread_detach(zc_thread_t *t) {
#if defined(_WIN32)
    CloseHandle(t->handle);
#else
    pthread_detach(t->handle);
#endif
}

/* Called by a thread about itself: its timeouts shall end on time instead of being grouped by the kernel
 * (Linux default: up to 50 us late). */
static inline void zc_thread_tight_timers(void) {
#if defined(__linux__)
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#endif
}

#if defined(RUSAGE_THREAD)
static __thread uint32_t zc_yields; /* of this thread, each of which the system may have counted as a loss */
#endif

/* Lets another runnable thread have this processor. */
static inline void zc_yield(void) {
#if defined(_WIN32)
    SwitchToThread();
#else
#if defined(RUSAGE_THREAD)
    zc_yields++;
#endif
    sched_yield();
#endif
}

/* How often this thread has lost its processor to another one without wishing to, at least; it may also shrink. 0 where the system does not tell. */
static inline uint32_t zc_thread_preempted(void) {
#if defined(RUSAGE_THREAD)
    struct rusage used;
    if (getrusage(RUSAGE_THREAD, &used) == 0) return (uint32_t)used.ru_nivcsw - zc_yields;
#endif
    return 0;
}

/* Tells threads that live at the same time from one another. */
static inline void *zc_thread_self(void) { return &errno; }

/* Whether this processor has instructions for AES. Where nothing tells, it is one that has. */
static inline int zc_cpu_has_aes(void) {
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
    unsigned int a = 1, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 25 & 1;
#elif defined(__aarch64__) && defined(__linux__)
    return getauxval(AT_HWCAP) >> 3 & 1; /* HWCAP_AES */
#else
    return 1;
#endif
}

/* Processors this process may run on. Never less than 1. */
static inline int zc_cpus_available(void) {
    int n = 0;
#if defined(_WIN32)
    DWORD_PTR mine = 0, all = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all))
        for (; mine != 0; mine &= mine - 1) n++;
#else
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
#elif defined(__FreeBSD__)
    cpuset_t set;
    if (cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_PID, -1, sizeof set, &set) == 0) n = CPU_COUNT(&set);
#endif
    if (n < 1) n = (int)sysconf(_SC_NPROCESSORS_ONLN);
#endif
    return n < 1 ? 1 : n;
}

/* ---- fork ---- */

/* Written in the child by the atfork handler while it has a single thread; read by anybody. */
static uint32_t zc_fork_count;

static inline uint32_t zc_fork_generation(void) { return zc_load_relaxed_u32(&zc_fork_count); }

#if !defined(_WIN32)
static inline void zc_fork_in_child(void) { zc_add_u32(&zc_fork_count, 1); }
#endif

/* From the first call on every fork() adds one to the child's generation. Further calls do nothing. */
static inline int zc_fork_install(void) {
#if defined(_WIN32)
    return 0;
#else
    static uint32_t installed;
    if (!zc_cas_u32(&installed, 0, 1)) return 0;
    int rc = pthread_atfork(NULL, NULL, zc_fork_in_child);
    if (rc != 0) zc_store_release_u32(&installed, 0);
    return -rc;
#endif
}

/* ---- random octets ---- */

/* Octets fit for keys. Blocks only while the system's pool is not seeded yet (early boot). 0 or -errno. */
static inline int zc_os_random(void *out, size_t n) {
    unsigned char *p = (unsigned char *)out;
#if defined(_WIN32)
    while (n > 0) {
        ULONG part = n > 0x10000 ? 0x10000 : (ULONG)n;
        if (BCryptGenRandom(NULL, p, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0) return -EIO;
        p += part;
        n -= part;
    }
    return 0;
#elif defined(__linux__)
    while (n > 0) {
        long got = -1;
#if defined(SYS_getrandom)
        got = syscall(SYS_getrandom, p, n, 0);
#else
        errno = ENOSYS;
#endif
        if (got < 0) {
            if (errno == EINTR) continue;
            break;
        }
        p += got;
        n -= (size_t)got;
    }
    if (n == 0) return 0;
    /* Kernels before 3.17 and strict sandboxes. */
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    while (n > 0) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            close(fd);
            return -EIO;
        }
        p += got;
        n -= (size_t)got;
    }
    close(fd);
    return 0;
#else
    arc4random_buf(p, n);
    return 0;
#endif
}
