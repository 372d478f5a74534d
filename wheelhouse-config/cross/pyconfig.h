/* A pyconfig.h for cross.sh: just enough of a target's configuration for Python.h and generated code to compile there.
 *
 * The real file is written by CPython's configure on the target. Sizes come from the compiler, so one file serves all
 * targets; nothing built with it is ever loaded by an interpreter.
 */
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H

/* configure defines these on every system; each opens the full set of names on one of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define _DARWIN_C_SOURCE 1
#define __BSD_VISIBLE 1

#define SIZEOF_SHORT __SIZEOF_SHORT__
#define SIZEOF_INT __SIZEOF_INT__
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__
#define SIZEOF_VOID_P __SIZEOF_POINTER__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__
#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define SIZEOF_FLOAT __SIZEOF_FLOAT__
#define SIZEOF_UINTPTR_T __SIZEOF_POINTER__
#define SIZEOF_PTHREAD_T __SIZEOF_POINTER__
#define ALIGNOF_LONG __SIZEOF_LONG__
#define ALIGNOF_SIZE_T __SIZEOF_SIZE_T__
#define ALIGNOF_MAX_ALIGN_T 16
#define PY_FORMAT_SIZE_T "z"
#define WITH_THREAD 1
#define HAVE_STDARG_PROTOTYPES 1
#define HAVE_STDDEF_H 1
#define HAVE_STDINT_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_STRING_H 1
#define HAVE_LONG_LONG 1
#define HAVE_WCHAR_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_STAT_H 1

#ifdef _WIN32
#define MS_WINDOWS
#define MS_WIN32
#ifdef _WIN64
#define MS_WIN64
#endif
#define NT_THREADS
#define SIZEOF_PID_T 4
#define SIZEOF_TIME_T 8
#define SIZEOF_OFF_T 4
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED 1
#define PLATLIBDIR "lib"
#else
#define SIZEOF_PID_T __SIZEOF_INT__
#define SIZEOF_TIME_T __SIZEOF_LONG__
#define SIZEOF_OFF_T 8
#define HAVE_UNISTD_H 1
#define HAVE_SYS_TIME_H 1
#define HAVE_SYS_SELECT_H 1
#define HAVE_PTHREAD_H 1
#define _POSIX_THREADS 1
#define HAVE_CLOCK_GETTIME 1
#endif

#endif
