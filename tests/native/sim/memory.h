/* The simulated heap: every block counted, any allocation made to fail, overruns seen. Part of sim/system.h.
 *
 * Rules
 * - All malloc, calloc, realloc and free of the core come here. Outside a world they are counted as well, but never fail.
 * - Blocks carry a mark in front and behind. Fresh memory holds 0xA5 at both ends, freed memory 0xDD: what relies on either shows itself.
 * - Blocks of a world that are left at its end are leaks; the world frees them.
 * - For a fuzzer (clang with AddressSanitizer) the blocks of a world stand one behind the other in an arena: what is freed there is not used again
 *   in that world and stays poisoned, as what is between blocks, and the end of a world costs next to nothing. AddressSanitizer's own heap
 *   takes a fifth of the time of a short world. sim_heap.plain has it all the same: then a report names who allocated and who freed.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

typedef struct sim_block {
    struct sim_block *next, *prev;
    size_t size;
    uint32_t number; /* of the allocation within its world; 0: made outside */
    uint32_t mark;
    void *caller;
    uint64_t unused;
} sim_block_t;

#if defined(__clang__) && defined(__SANITIZE_ADDRESS__)
#define SIM_ARENA ((size_t)1 << 30)
#define SIM_ARENA_KEPT ((size_t)8 << 20)
void __asan_poison_memory_region(void const volatile *address, size_t size);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
#endif

enum { SIM_MARK = 0x51b10c4b, SIM_FREED = 0x0ddb10c4, SIM_TAIL = 16,
#if defined(SIM_ARENA)
       SIM_FILL = 256
#else
       SIM_FILL = 4096
#endif
};

static struct {
    sim_block_t list;
    size_t live;       /* blocks of this world */
    uint32_t count;    /* allocations of this world so far */
    uint32_t failures; /* those that were made to fail */
    uint32_t total;    /* allocations of the last world */
    int plain;         /* no arena */
    char *arena;
    size_t used;       /* octets of it */
} sim_heap = {{&sim_heap.list, &sim_heap.list, 0, 0, 0, NULL, 0}, 0, 0, 0, 0, 0, NULL, 0};

SIM_FN int sim_may_not_allocate(void) {
    if (!world.active || world.current == NULL || world.foreign) return 0;
    uint32_t n = ++sim_heap.count;
    if (n == world.config.no_memory_at || sim_once_in(world.config.no_memory)) {
        sim_heap.failures++;
        sim_note(n);
        return 1;
    }
    return 0;
}

#if defined(SIM_ARENA)
SIM_FN int sim_in_arena(const void *p) { return (size_t)((const char *)p - sim_heap.arena) < SIM_ARENA && sim_heap.arena != NULL; }

/* Room for a block; its data is not poisoned any more. NULL: not from here. */
SIM_FN sim_block_t *sim_arena_take(size_t size, int zero) {
    size_t room = (sizeof(sim_block_t) + size + SIM_TAIL + 15) & ~(size_t)15;
    if (!world.active || sim_heap.plain) return NULL;
    if (sim_heap.arena == NULL) {
        void *arena = mmap(NULL, SIM_ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (arena == MAP_FAILED) return NULL;
        sim_heap.arena = (char *)arena;
        __asan_poison_memory_region(arena, SIM_ARENA_KEPT);
    }
    if (room > SIM_ARENA - sim_heap.used) return NULL;
    sim_block_t *b = (sim_block_t *)(sim_heap.arena + sim_heap.used);
    sim_heap.used += room;
    if (sim_heap.used > SIM_ARENA_KEPT) __asan_poison_memory_region(b, room);
    __asan_unpoison_memory_region(b + 1, size);
    if (zero) sim_fill(b + 1, 0, size);
    return b;
}

SIM_FN void sim_arena_end(void) {
    size_t kept = sim_heap.used < SIM_ARENA_KEPT ? sim_heap.used : SIM_ARENA_KEPT;
    if (sim_heap.arena == NULL) return;
    __asan_poison_memory_region(sim_heap.arena, kept);
    if (sim_heap.used > kept) madvise(sim_heap.arena + kept, sim_heap.used - kept, MADV_DONTNEED);
    sim_heap.used = 0;
}
#else
SIM_FN int sim_in_arena(const void *p) { (void)p; return 0; }
SIM_FN sim_block_t *sim_arena_take(size_t size, int zero) { (void)size, (void)zero; return NULL; }
SIM_FN void sim_arena_end(void) {}
#endif

SIM_FN void *sim_block_new(size_t size, int zero, void *caller) {
    if (size > ((size_t)1 << 40)) return NULL;
    sim_block_t *b = sim_arena_take(size, zero);
    if (b == NULL) b = (sim_block_t *)(zero ? calloc(1, sizeof *b + size + SIM_TAIL) : malloc(sizeof *b + size + SIM_TAIL));
    if (b == NULL) return NULL;
    b->size = size;
    b->mark = SIM_MARK;
    b->caller = caller;
    b->number = world.active ? sim_heap.count : 0;
    unsigned char *data = (unsigned char *)(b + 1);
    if (!zero) {
        size_t fill = size < SIM_FILL ? size : SIM_FILL;
        sim_fill(data, 0xA5, fill);
        sim_fill(data + size - fill, 0xA5, fill);
    }
    if (!sim_in_arena(b)) memset(data + size, 0x5B, SIM_TAIL);
    if (world.active) {
        b->next = &sim_heap.list;
        b->prev = sim_heap.list.prev;
        b->prev->next = b->next->prev = b;
        sim_heap.live++;
    } else {
        b->next = b->prev = NULL;
    }
    return data;
}

/* Where in the extension an address is, for addr2line. */
SIM_FN unsigned long sim_place(void *address) {
    Dl_info info;
    return dladdr(address, &info) ? (unsigned long)((char *)address - (char *)info.dli_fbase) : (unsigned long)(uintptr_t)address;
}

SIM_FN void sim_block_check(sim_block_t *b) {
    const unsigned char *tail = (const unsigned char *)(b + 1) + b->size;
    if (sim_in_arena(b)) return; /* the tail is poisoned */
    for (int i = 0; i < SIM_TAIL; i++)
        if (tail[i] != 0x5B) {
            sim_find(SIM_MEMORY, "written behind a block of %zu bytes (allocation %u, at +0x%lx)", b->size, b->number, sim_place(b->caller));
            return;
        }
}

SIM_FN void sim_block_unlink(sim_block_t *b) {
    if (b->next == NULL) return;
    b->next->prev = b->prev;
    b->prev->next = b->next;
    sim_heap.live--;
}

/* The simulator's own, which never fails: an object that is lent to the core. Counted like any other block. */
SIM_FN void *sim_object_new(size_t size) { return sim_block_new(size, 0, __builtin_return_address(0)); }

SIM_FN __attribute__((noinline)) void *sim_malloc(size_t size) {
    sim_point();
    return sim_may_not_allocate() ? NULL : sim_block_new(size, 0, __builtin_return_address(0));
}

SIM_FN __attribute__((noinline)) void *sim_calloc(size_t n, size_t size) {
    sim_point();
    if (size != 0 && n > SIZE_MAX / size) return NULL;
    return sim_may_not_allocate() ? NULL : sim_block_new(n * size, 1, __builtin_return_address(0));
}

SIM_FN __attribute__((noinline)) void sim_free(void *p) {
    if (p == NULL) return;
    sim_block_t *b = (sim_block_t *)p - 1;
    if (b->mark != SIM_MARK) {
        sim_find(SIM_MEMORY, b->mark == SIM_FREED ? "a block is freed twice" : "what is freed is no block (or its head was overwritten)");
        return;
    }
    sim_block_check(b);
    sim_block_unlink(b);
    b->mark = SIM_FREED;
#if defined(SIM_ARENA)
    if (sim_in_arena(b)) {
        __asan_poison_memory_region(p, b->size);
        return;
    }
#endif
    memset(p, 0xDD, b->size < SIM_FILL ? b->size : SIM_FILL);
    free(b);
}

SIM_FN __attribute__((noinline)) void *sim_realloc(void *p, size_t size) {
    void *caller = __builtin_return_address(0);
    sim_point();
    if (sim_may_not_allocate()) return NULL;
    void *q = sim_block_new(size, 0, caller);
    if (q != NULL && p != NULL) {
        size_t old = ((sim_block_t *)p - 1)->size;
        memcpy(q, p, old < size ? old : size);
        sim_free(p);
    }
    return q;
}

/* Checks what is left and takes it back. */
SIM_FN void sim_heap_end(void) {
    sim_block_t *b = sim_heap.list.next;
    if (world.finding == SIM_OK && sim_heap.live)
        sim_find(SIM_LEAK, "%zu blocks are left, the first of %zu bytes (allocation %u, at +0x%lx)", sim_heap.live, b->size, b->number,
                 sim_place(b->caller));
    while (b != &sim_heap.list) {
        sim_block_t *next = b->next;
        if (world.finding == SIM_OK || world.finding == SIM_LEAK) sim_block_check(b);
        b->mark = SIM_FREED;
        if (!sim_in_arena(b)) free(b);
        b = next;
    }
    sim_heap.list.next = sim_heap.list.prev = &sim_heap.list;
    sim_heap.live = 0;
    sim_heap.total = sim_heap.count;
    sim_heap.count = sim_heap.failures = 0;
    sim_arena_end();
}

#endif
