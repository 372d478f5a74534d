/* Before a thread that has waited takes the GIL again.
 *
 * The thread that sent what it waited for still holds the GIL most of the time, for the few hundred nanoseconds until it waits in turn. Asking for a GIL
 * that is held means to sleep: tens of microseconds until the sleeper runs again.
 *
 * Rules
 * - A short look, bounded: behind a thread that computes it is lost, beside the interpreter's five milliseconds.
 * - CPython tells until 3.11 whether any thread has the GIL; since 3.12 it does not, and nothing is done.
 */
#ifndef ZMQCORE_API_GIL_H
#define ZMQCORE_API_GIL_H
#include <Python.h>
#include "base/atomics.h"

#define ZC_GIL_LOOKS 100 /* with a pause after each: 1 us where a pause takes 10 ns, 5 us where it takes 50 */
#define ZC_GIL_PAUSES 5 /* a thread that gives the GIL up says so a little before it has */

static inline void zc_gil_await(void) {
#if PY_VERSION_HEX < 0x030C0000
    int looks = 0;
    while (looks < ZC_GIL_LOOKS && _PyThreadState_UncheckedGet() != NULL) {
        zc_pause();
        looks++;
    }
    for (int i = 0; looks && i < ZC_GIL_PAUSES; i++)
        zc_pause();
#endif
}
#endif
