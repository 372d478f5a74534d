/* The simulated heap: every block counted, any allocation made to fail, overruns seen. Part of sim/system.h.
 *
 * Rules
 * - All malloc, calloc, realloc and free of the core come here. Outside a world they are counted as well, but never fail.
 * - Blocks carry a mark in front and behind. Fresh memory holds 0xA5 at both ends, freed memory 0xDD: what relies on either shows itself.
 * - Blocks of a world that are left at its end are leaks; the world frees them.
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

enum { SIM_MARK = 0x51b10c4b, SIM_FREED = 0x0ddb10c4, SIM_TAIL = 16, SIM_FILL = 4096 };

static struct {
    sim_block_t list;
    size_t live;       /* blocks of this world */
    uint32_t count;    /* allocations of this world so far */
    uint32_t failures; /* those that were made to fail */
    uint32_t total;    /* allocations of the last world */
} sim_heap = {{&sim_heap.list, &sim_heap.list, 0, 0, 0, NULL, 0}, 0, 0, 0, 0};

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

SIM_FN void *sim_block_new(size_t size, int zero, void *caller) {
    if (size > ((size_t)1 << 40)) return NULL;
    sim_block_t *b = (sim_block_t *)(zero ? calloc(1, sizeof *b + size + SIM_TAIL) : malloc(sizeof *b + size + SIM_TAIL));
    if (b == NULL) return NULL;
    b->size = size;
    b->mark = SIM_MARK;
    b->caller = caller;
    b->number = world.active ? sim_heap.count : 0;
    unsigned char *data = (unsigned char *)(b + 1);
    if (!zero) {
        size_t fill = size < SIM_FILL ? size : SIM_FILL;
        memset(data, 0xA5, fill);
        memset(data + size - fill, 0xA5, fill);
    }
    memset(data + size, 0x5B, SIM_TAIL);
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
    memset(p, 0xDD, b->size < SIM_FILL ? b->size : SIM_FILL);
    b->mark = SIM_FREED;
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
        free(b);
        b = next;
    }
    sim_heap.list.next = sim_heap.list.prev = &sim_heap.list;
    sim_heap.live = 0;
    sim_heap.total = sim_heap.count;
    sim_heap.count = sim_heap.failures = 0;
}

#endif
