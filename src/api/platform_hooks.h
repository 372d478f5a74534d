/* The places where the core calls the interpreter from C: asking for a drain of the give-back list, owning references to bytes, and the checks
 * of builds for tests; and the number of the calling thread's last error. */
#ifndef ZMQCORE_API_HOOKS_H
#define ZMQCORE_API_HOOKS_H
#include <Python.h>
#include "base/atomics.h"
#include "base/memory.h"
#include "message/decref_queue.h"

/* With the GIL, a socket's lock is about to be given back. */
static inline void zc_unlock_check(void)
{
    if (ZC_CHECKS && PyErr_Occurred())
        Py_FatalError("an exception was raised under a socket's lock");
}

/* errno's counterpart: that of one thread says nothing to another. */
static ZC_THREAD_LOCAL int zc_last_error;

ZC_THREADS_OWN static inline int zc_last_error_get(void) { return zc_last_error; }
ZC_THREADS_OWN static inline void zc_last_error_set(int number) { zc_last_error = number; }

/* With the GIL. Objects may run arbitrary code when they go, so no lock may be held. */
static inline void zc_decref_drain(void)
{
    zc_decref_node *node = zc_decref_take();
    while (node) {
        zc_decref_node *next = node->next;
        Py_DECREF((PyObject *)node->object);
        zc_free(node);
        node = next;
    }
}

static inline int zc_decref_pending_call(void *unused)
{
    (void)unused;
    zc_decref_drain();
    return 0;
}

static inline int zc_decref_ask(void)
{
    return Py_AddPendingCall(zc_decref_pending_call, NULL);
}

static inline void zc_decref_install(void)
{
    zc_store_release_ptr(&zc_decref_signal, (void *)zc_decref_ask);
}

/* The interpreter goes down: it must not be called any more. What is let go from now on is the process's to free. */
static inline void zc_decref_retire(void)
{
    zc_store_release_ptr(&zc_decref_signal, NULL);
}
#endif
