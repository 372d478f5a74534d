/* Checks of the house's own rules, in builds with C asserts (debug, asan, tsan: they undefine NDEBUG). Release builds contain nothing of them. */

#ifndef ZC_CHECK_H
#define ZC_CHECK_H

#include <assert.h>
#include <stdint.h>

#ifdef NDEBUG
#define zc_check(holds) ((void)0)
#define zc_check_enter(depth) ((void)0)
#define zc_check_leave(depth) ((void)0)
#else
#define zc_check(holds) assert(holds)
#define zc_check_enter(depth) ((void)++*(depth))
#define zc_check_leave(depth) ((void)--*(depth))
#endif

#endif
