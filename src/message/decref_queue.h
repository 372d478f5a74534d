/* References to Python objects that were let go by a thread without the GIL.
 *
 * The nogil side pushes, an API thread that holds the GIL takes the whole list. Push is a lock-free stack; the list is
 * process-wide because an object does not care which context used it. `wanted` is read (relaxed) on every API call.
 */
#ifndef ZMQCORE_DECREF_QUEUE_H
#define ZMQCORE_DECREF_QUEUE_H
#include "base/atomics.h"
#include "base/memory.h"

typedef struct zc_decref_node {
    struct zc_decref_node *next;
    void *object;
} zc_decref_node;

static void *zc_decref_head = NULL;          /* atomic: zc_decref_node* */
static void *zc_decref_signal = NULL;        /* atomic: int (*)(void), set at import, NULL again at exit: asks the interpreter to drain soon */

static inline void zc_decref_push(void *object)
{
    zc_decref_node *node = (zc_decref_node *)zc_malloc(sizeof *node);
    void *old, *signal;
    if (!node)
        return; /* out of memory: leaking one reference is the only harmless choice */
    node->object = object;
    do {
        old = zc_load_relaxed_ptr(&zc_decref_head);
        node->next = (zc_decref_node *)old;
    } while (!zc_cas_ptr(&zc_decref_head, old, node));
    /* Acquire: pairs with the release at import. Read once: it may be retired meanwhile. */
    signal = old ? NULL : zc_load_acquire_ptr(&zc_decref_signal);
    if (signal)
        ((int (*)(void))signal)();
}

static inline int zc_decref_pending(void)
{
    return zc_load_relaxed_ptr(&zc_decref_head) != NULL;
}

/* The caller owns the returned chain: next/object of each node, and zc_free() for the nodes. */
static inline zc_decref_node *zc_decref_take(void)
{
    return (zc_decref_node *)zc_swap_ptr(&zc_decref_head, NULL);
}
#endif
