/* The simulated machine: clock, chance, threads, and the verdict. Part of sim/system.h.
 *
 * Rules
 * - Everything that happens is decided by one number, world.chance: same configuration, same run, on every machine.
 * - A thread is a fiber. It gives the processor up only at a point: an atomic access, a lock, a clock reading, a system call. How often a point
 *   switches is part of the configuration, so one seed runs threads in long slices and the next one changes them at every access.
 * - The clock moves a little with every call, and jumps to the next thing that is due when nobody can run.
 * - A finding ends the run at once. Stacks are abandoned where they are; all memory is the simulator's and is taken back (sim/memory.h).
 *
 * How to use it (docs/simulator.md has the whole picture)
 *   sim_begin(&config)                      a new world
 *   sim_spawn("name", fn, arg)              an application thread; runs in sim_run()
 *   sim_run()                               until all application threads have ended, or there is a finding
 *   sim_end()                               what is left over is a finding, too; then everything is taken back. 0 or SIM_...
 * Inside an application thread:
 *   sim_idle()                              returns when every other thread waits and nothing is on its way
 *   sim_sleep(ns), sim_random(n)            n: 0 to n - 1
 *   sim_fail("text", ...)                   a finding of the caller's own
 *   socket(), connect(), send() ...         between sim_foreign(1) and sim_foreign(0): a raw peer's, see sim/network.h
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#define SIM_FN static __attribute__((unused)) SIM_UNWATCHED
#if defined(__SANITIZE_THREAD__)
#define SIM_UNWATCHED __attribute__((no_sanitize_thread))
#elif defined(__clang__)
/* A fuzzer shall look for new ways through the core, not through the simulator, and its probes would be most of the cost of a short world. What
 * the core gives the simulator to fill or to read goes through memcpy(), which AddressSanitizer watches all the same. */
#define SIM_UNWATCHED __attribute__((no_sanitize("coverage", "address", "undefined")))
#else
#define SIM_UNWATCHED
#endif

enum {
    SIM_FIBERS = 24,
    SIM_STACK = 512 * 1024,
    SIM_EVENTS = 512,
    SIM_LONGEST = 3000,
    SIM_TEXT = 600
};

/* Kinds of findings. */
enum {
    SIM_OK = 0,
    SIM_DEADLOCK = 1, /* every thread waits and nothing will ever come */
    SIM_LIVELOCK = 2, /* much work, no progress */
    SIM_LEAK = 3,     /* a descriptor, a block or a thread is left */
    SIM_MEMORY = 4,   /* written beyond a block, or freed twice */
    SIM_MODEL = 5,    /* what the model forbids */
    SIM_TIRED = 7,    /* no finding: the program goes on, but longer than it is worth */
    SIM_MISUSE = 6    /* a call no program may make: a lock released by another thread, a descriptor that is not open */
};

/* Chances are "one in n"; 0 means never. */
typedef struct sim_config {
    uint64_t seed;
    uint32_t slice;          /* points between two switches, on average; 0 = threads switch when they wait, or after very many */
    uint32_t jump;           /* one in n switches finds that up to jump_ns have passed meanwhile */
    uint64_t jump_ns;
    uint32_t processors;
    uint32_t capacity;       /* octets a connection holds in each direction */
    uint32_t split;          /* one in n transfers is cut at any octet */
    uint64_t delay_ns;       /* longest way of octets, connections and ends; 0 = at once */
    uint32_t interrupted;    /* EINTR */
    uint32_t not_now;        /* EAGAIN although there is something */
    uint32_t refused;        /* a call fails for lack of descriptors, buffers or memory, or because the network says no */
    uint32_t refused_at;     /* exactly the n-th call that could does */
    uint32_t reset;          /* a transfer resets its connection instead */
    uint32_t no_memory_at;   /* exactly the n-th allocation fails */
    uint32_t no_memory;      /* one in n allocations fails */
    uint32_t descriptors;    /* size of the table; 0 = 1000 */
    uint32_t tick;           /* ns that a reading of the clock takes besides the usual 20 to 51: a spin until a time ends after fewer of them */
} sim_config_t;

struct sim_fiber;
typedef int (*sim_ready_t)(struct sim_fiber *f);

typedef struct sim_fiber {
    void *sp;
    char *stack;
    void (*fn)(void *);
    void *arg;
    void *(*start)(void *); /* pthread_create's */
    char name[20];
    int used, done, returned, app, joined, waiting, expired;
    sim_ready_t ready; /* waiting: may it go on? */
    void *object;      /* what it waits for */
    int woken;
    uint64_t deadline; /* UINT64_MAX: none */
    uint64_t seen;     /* world.changes at the last look */
    uint64_t steps;
    uint64_t taken;    /* how often another thread got the processor */
    void *fake_stack;  /* AddressSanitizer's */
    void *thread;      /* ThreadSanitizer's */
    void *wait_args[4];
} sim_fiber_t;

typedef struct sim_event {
    uint64_t at, order;
    void (*fn)(int id, uint64_t stamp);
    int id;
    uint64_t stamp; /* of the object: an event of an object that is gone does nothing */
} sim_event_t;

typedef struct sim_world {
    sim_config_t config;
    uint64_t chance[2];
    uint64_t now;
    uint64_t steps;    /* calls and switches */
    uint64_t changes;  /* grows when something a thread may wait for has changed */
    uint64_t jumped;   /* time that passed by jumps while threads could run */
    uint64_t progress; /* grows with every octet moved, connection made, call of the application ended */
    int64_t vain;      /* work since the last progress: SIM_CALL for a call, SIM_SWITCH, 1 for a reading of the clock */
    uint64_t (*unseen)(void); /* or NULL: grows with progress that no call shows, such as messages that pass from socket to socket in memory */
    uint64_t unseen_before;
    int64_t countdown; /* points to the next switch */
    uint64_t digest;   /* of everything decided: two runs of one seed agree in it */
    int active;
    int foreign;
    sim_fiber_t *current;
    sim_fiber_t fibers[SIM_FIBERS];
    int nfibers; /* behind the highest one used in this world */
    sim_event_t events[SIM_EVENTS];
    int nevents;
    uint64_t order;
    uint32_t fallible; /* calls that could have been refused */
    uint32_t refusals; /* those that were */
    int finding;
    char text[SIM_TEXT];
    void *host_sp;
    void *host_fake;
    void *host_thread;
    const void *host_bottom;
    size_t host_size;
} sim_world_t;

static sim_world_t world;

/* What is not progress may cost so much before it is a finding, and is forgiven at this rate while everybody waits. */
#define SIM_CALL 16
#define SIM_SWITCH 3
#define SIM_CALLS_IN_VAIN 200000
#define SIM_VAIN_MAX ((int64_t)SIM_CALLS_IN_VAIN * SIM_CALL)
#define SIM_STEPS_MAX 300000
#define SIM_FORGIVE_NS 1000
#define SIM_QUIET_NS 60000000u

/* ---- chance: xorshift128+, seeded through splitmix64 ---- */

SIM_FN uint64_t sim_mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

SIM_FN uint64_t sim_next(void) {
    uint64_t a = world.chance[0], b = world.chance[1];
    world.chance[0] = b;
    a ^= a << 23;
    world.chance[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return world.chance[1] + b;
}

SIM_FN uint64_t sim_random(uint64_t n) { return n < 2 ? 0 : (sim_next() >> 11) % n; }

/* True once in n times. */
SIM_FN int sim_once_in(uint32_t n) { return n != 0 && sim_random(n) == 0; }

SIM_FN void sim_note(uint64_t what) { world.digest = (world.digest ^ what) * 0x100000001b3u; }

/* ---- the verdict ---- */

static void sim_leave(void);

SIM_FN void sim_find(int kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
SIM_FN void sim_find(int kind, const char *format, ...) {
    if (world.finding == SIM_OK) {
        va_list args;
        world.finding = kind;
        va_start(args, format);
        vsnprintf(world.text, sizeof world.text, format, args);
        va_end(args);
    }
    if (world.current != NULL) {
        world.current->done = 1;
        sim_leave();
    }
}

SIM_FN void sim_fail(const char *text) { sim_find(SIM_MODEL, "%s", text); }

SIM_FN void sim_progress(uint64_t n) {
    world.progress += n;
    world.vain = 0;
}

/* So much work was done. True: there was so much since the last progress that it is a finding. */
SIM_FN int sim_in_vain(int work) {
    world.vain += work;
    if (world.vain <= SIM_VAIN_MAX || world.current == NULL) return 0;
    uint64_t unseen = world.unseen == NULL ? 0 : world.unseen();
    if (unseen == world.unseen_before) return 1;
    world.unseen_before = unseen;
    world.vain = 0;
    return 0;
}

/* ---- events: what the network will do by itself ---- */

SIM_FN void sim_later(uint64_t at, void (*fn)(int, uint64_t), int id, uint64_t stamp) {
    if (world.nevents == SIM_EVENTS) {
        sim_find(SIM_MISUSE, "the simulator has no room for more events");
        return;
    }
    sim_event_t e = {at, world.order++, fn, id, stamp};
    int i = world.nevents++;
    while (i > 0) {
        sim_event_t *up = &world.events[(i - 1) / 2];
        if (up->at < at || (up->at == at && up->order < e.order)) break;
        world.events[i] = *up;
        i = (i - 1) / 2;
    }
    world.events[i] = e;
}

SIM_FN sim_event_t sim_event_take(void) {
    sim_event_t first = world.events[0], last = world.events[--world.nevents];
    int i = 0, n = world.nevents;
    for (;;) {
        int c = 2 * i + 1;
        if (c >= n) break;
        if (c + 1 < n && (world.events[c + 1].at < world.events[c].at ||
                          (world.events[c + 1].at == world.events[c].at && world.events[c + 1].order < world.events[c].order)))
            c++;
        if (last.at < world.events[c].at || (last.at == world.events[c].at && last.order < world.events[c].order)) break;
        world.events[i] = world.events[c];
        i = c;
    }
    world.events[i] = last;
    return first;
}

/* Takes the events of one object out. */
SIM_FN void sim_forget(void (*fn)(int, uint64_t), int id) {
    int n = world.nevents, some = 0;
    for (int i = 0; i < n; i++) some |= world.events[i].fn == fn && world.events[i].id == id;
    if (!some) return;
    world.nevents = 0;
    for (int i = 0; i < n; i++) {
        sim_event_t e = world.events[i];
        if (e.fn == fn && e.id == id) continue;
        uint64_t order = world.order;
        world.order = e.order;
        sim_later(e.at, e.fn, e.id, e.stamp);
        world.order = order;
    }
}

SIM_FN void sim_happen(void) {
    while (world.nevents && world.events[0].at <= world.now) {
        sim_event_t e = sim_event_take();
        world.changes++;
        e.fn(e.id, e.stamp);
    }
}

/* ---- memory of the simulator's own: what AddressSanitizer's memset() would look up first costs more than the filling ---- */

#if defined(__clang__)
__attribute__((no_builtin("memset")))
#endif
SIM_FN void sim_fill(void *out, unsigned char with, size_t n) {
    unsigned char *p = (unsigned char *)out;
    for (size_t i = 0; i < n; i++) p[i] = with;
}

/* ---- fibers ---- */

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
#endif
#if defined(__SANITIZE_THREAD__)
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif

#if defined(__x86_64__)
__attribute__((naked, noinline, unused)) static void sim_swap(void **save, void *load) {
    __asm__ volatile("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
                     "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
                     "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
}
#define SIM_SAVED 6
#elif defined(__aarch64__)
void sim_swap(void **save, void *load);
__asm__(".text\n.balign 4\n.local sim_swap\nsim_swap:\n"
        "sub sp, sp, #160\nstp x19, x20, [sp]\nstp x21, x22, [sp, #16]\nstp x23, x24, [sp, #32]\nstp x25, x26, [sp, #48]\n"
        "stp x27, x28, [sp, #64]\nstp x29, x30, [sp, #80]\nstp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\nmov x2, sp\nstr x2, [x0]\nmov sp, x1\n"
        "ldp x19, x20, [sp]\nldp x21, x22, [sp, #16]\nldp x23, x24, [sp, #32]\nldp x25, x26, [sp, #48]\n"
        "ldp x27, x28, [sp, #64]\nldp x29, x30, [sp, #80]\nldp d8, d9, [sp, #96]\nldp d10, d11, [sp, #112]\n"
        "ldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\nadd sp, sp, #160\nret\n");
#else
#error "the simulator switches stacks on x86-64 and AArch64 only"
#endif

/* Back to sim_run(). Returns when the fiber is chosen again. */
SIM_FN void sim_leave(void) {
    sim_fiber_t *f = world.current;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(f->done ? NULL : &f->fake_stack, world.host_bottom, world.host_size);
#endif
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(world.host_thread, 1);
#endif
    sim_swap(&f->sp, world.host_sp);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(f->fake_stack, &world.host_bottom, &world.host_size);
#endif
}

SIM_FN void sim_fiber_main(void) {
    sim_fiber_t *f = world.current;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &world.host_bottom, &world.host_size);
#endif
    if (f->start != NULL)
        f->start(f->arg);
    else
        f->fn(f->arg);
    f->done = f->returned = 1;
    world.changes++;
    for (;;) sim_leave();
}

SIM_FN void sim_resume(sim_fiber_t *f) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&world.host_fake, f->stack, SIM_STACK);
#endif
    world.current = f;
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(f->thread, 1);
#endif
    sim_swap(&world.host_sp, f->sp);
    world.current = NULL;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(world.host_fake, NULL, NULL);
#endif
}

SIM_FN sim_fiber_t *sim_fiber_new(const char *name) {
    for (int i = 0; i < SIM_FIBERS; i++) {
        sim_fiber_t *f = &world.fibers[i];
        if (i == world.nfibers) {
            world.nfibers++;
            f->used = 0; /* what a world before this one has left is of no account */
        }
        if (f->used) continue;
        char *stack = f->stack;
        int abandoned = !f->returned;
        sim_fill(f, 0, sizeof *f);
        if (stack == NULL) {
            /* Kept for all worlds to come. The page below it belongs to nobody: an overflow is a crash, not a riddle. */
            stack = (char *)mmap(NULL, SIM_STACK + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (stack == MAP_FAILED) return NULL;
            mprotect(stack, 4096, PROT_NONE);
            stack += 4096;
        }
#if defined(__SANITIZE_ADDRESS__)
        if (abandoned) __asan_unpoison_memory_region(stack, SIM_STACK); /* its frames */
#else
        (void)abandoned;
#endif
        f->stack = stack;
        f->used = 1;
        f->deadline = UINT64_MAX;
        for (size_t k = 0; k + 1 < sizeof f->name && name[k]; k++) f->name[k] = name[k];
#if defined(__x86_64__)
        void **sp = (void **)(stack + SIM_STACK) - 2;
        *sp = (void *)sim_fiber_main;
        f->sp = sp - SIM_SAVED;
        memset(f->sp, 0, SIM_SAVED * sizeof(void *));
#else
        char *sp = stack + SIM_STACK - 160;
        memset(sp, 0, 160);
        *(void **)(sp + 88) = (void *)sim_fiber_main;
        f->sp = sp;
#endif
#if defined(__SANITIZE_THREAD__)
        f->thread = __tsan_create_fiber(0);
#endif
        return f;
    }
    return NULL;
}

SIM_FN int sim_spawn(const char *name, void (*fn)(void *), void *arg) {
    sim_fiber_t *f = sim_fiber_new(name);
    if (f == NULL) return -1;
    f->fn = fn;
    f->arg = arg;
    f->app = 1;
    return 0;
}

SIM_FN void sim_new_slice(void) {
    uint32_t slice = world.config.slice;
    /* Even the most patient scheduler takes the processor away some time, or else a loop that waits for another thread would never end. */
    /* Not always after the same number of points: two loops could keep in step for ever, which no machine makes them do. */
    world.countdown = slice == 0 ? 1 + (int64_t)sim_random(2 * SIM_LONGEST) : 1 + (int64_t)sim_random(2 * (uint64_t)slice - 1);
}

SIM_FN void sim_switch(void) {
    if (world.current == NULL) {
        world.countdown = INT64_MAX;
        return;
    }
    sim_new_slice();
    sim_leave();
}

/* Anything may happen here, but not inside a call of a raw peer: `foreign` is the world's. */
SIM_FN void sim_point(void) {
    if (--world.countdown > 0 || world.foreign) return;
    if (world.current != NULL) world.current->taken++;
    sim_switch();
}

/* One system call: costs time, counts as work, and is a point. */
SIM_FN void sim_call(uint32_t which) {
    world.steps++;
    if (world.current != NULL) world.current->steps++;
    world.now += 100 + (world.steps & 255);
    sim_note(which + ((uint64_t)(world.current ? world.current - world.fibers : 99) << 32));
    /* Should all this be in vain, that is to be told. */
    if (world.steps > SIM_STEPS_MAX && world.vain < SIM_VAIN_MAX / 8 && world.current != NULL) sim_find(SIM_TIRED, "after %d steps", SIM_STEPS_MAX);
    if (sim_in_vain(SIM_CALL))
        sim_find(SIM_LIVELOCK, "%s: %d calls without progress", world.current->name, SIM_CALLS_IN_VAIN);
    sim_happen();
    sim_point();
}

/* Waits until ready() says so or the clock reads `deadline`. 1: ready, 0: time is up. */
SIM_FN int sim_wait(sim_ready_t ready, void *object, uint64_t deadline) {
    sim_fiber_t *f = world.current;
    f->ready = ready;
    f->object = object;
    f->deadline = deadline;
    f->waiting = 1;
    f->expired = 0;
    f->seen = world.changes - 1;
    sim_leave();
    f->waiting = 0;
    f->deadline = UINT64_MAX;
    return !f->expired;
}

SIM_FN int sim_runnable(sim_fiber_t *f) {
    if (!f->used || f->done) return 0;
    if (!f->waiting) return 1;
    f->expired = 0;
    if (f->seen != world.changes) {
        f->seen = world.changes;
        if (f->ready(f)) {
            f->seen = world.changes - 1; /* it may not be chosen now: ask again */
            return 1;
        }
    }
    if (f->deadline <= world.now) {
        f->expired = 1;
        return 1;
    }
    return 0;
}

SIM_FN int sim_never(sim_fiber_t *f) { (void)f; return 0; }

SIM_FN void sim_sleep(uint64_t ns) { sim_wait(sim_never, NULL, world.now + ns); }

/* Idle: nobody but those who wait for the same can run, and nothing will happen by itself within SIM_QUIET_NS, which is longer than the core's
 * short timers (late flushes, leases, the end of a connection) and any delay of the network. */
SIM_FN int sim_is_idle(sim_fiber_t *f) {
    (void)f;
    return 0; /* sim_run() looks when nobody else can run */
}

SIM_FN void sim_idle(void) { sim_wait(sim_is_idle, NULL, UINT64_MAX - 1); }

/* ... or when that time is over. */
SIM_FN void sim_idle_for(uint64_t ns) { sim_wait(sim_is_idle, NULL, world.now + ns); }

SIM_FN int sim_advance(void) {
    uint64_t next = UINT64_MAX;
    if (world.nevents) next = world.events[0].at;
    if (next == UINT64_MAX || next > world.now + SIM_QUIET_NS)
        for (int i = 0; i < world.nfibers; i++) {
            sim_fiber_t *f = &world.fibers[i];
            if (f->used && !f->done && f->waiting && f->ready == sim_is_idle) {
                f->waiting = 0; /* all is quiet */
                return 1;
            }
        }
    for (int i = 0; i < world.nfibers; i++) {
        sim_fiber_t *f = &world.fibers[i];
        if (f->used && !f->done && f->waiting && f->deadline < next) next = f->deadline;
    }
    if (next >= UINT64_MAX - 1) return 0;
    if (next > world.now) {
        world.vain -= (int64_t)((next - world.now) / SIM_FORGIVE_NS * SIM_CALL);
        if (world.vain < 0) world.vain = 0;
        world.now = next;
    }
    sim_happen();
    return 1;
}

SIM_FN void sim_who_waits(char *out, size_t room) {
    size_t n = 0;
    out[0] = 0;
    for (int i = 0; i < world.nfibers; i++) {
        sim_fiber_t *f = &world.fibers[i];
        if (f->used && !f->done && n + 24 < room) n += (size_t)snprintf(out + n, room - n, " %s", f->name);
    }
}

SIM_FN int sim_run(void) {
    sim_fiber_t *can[SIM_FIBERS];
    for (;;) {
        int n = 0, apps = 0;
        if (world.finding != SIM_OK) break;
        sim_happen();
        for (int i = 0; i < world.nfibers; i++) {
            sim_fiber_t *f = &world.fibers[i];
            if (f->used && f->app && !f->done) apps++;
            if (sim_runnable(f)) can[n++] = f;
        }
        if (apps == 0) break;
        if (n == 0) {
            if (!sim_advance()) {
                char who[200];
                sim_who_waits(who, sizeof who);
                sim_find(SIM_DEADLOCK, "every thread waits for ever:%s", who);
            }
            continue;
        }
        sim_fiber_t *f = can[sim_random((uint64_t)n)];
        if (world.countdown <= 0 || world.countdown == INT64_MAX) sim_new_slice();
        if (sim_once_in(world.config.jump)) {
            uint64_t d = sim_random(world.config.jump_ns);
            world.jumped += d;
            world.now += d;
        }
        world.steps++;
        world.vain += SIM_SWITCH;
        sim_note((uint64_t)(f - world.fibers));
        sim_resume(f);
    }
    return world.finding;
}

#endif
