/* Libraries of the system that are found at run time. Included by platform.h only.
 *
 * Rules
 * - A library that has been opened stays open: what it started may still run.
 * - Names are full file names, as the system's loader takes them. On Windows neither PATH nor the folder of the program is
 *   searched, where others may put what they like: only the system's and those of os.add_dll_directory().
 */

static inline void *zc_library_open(const char *name) {
#if defined(_WIN32)
    return (void *)LoadLibraryExA(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_USER_DIRS);
#else
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
#endif
}

static inline void *zc_library_symbol(void *library, const char *name) {
#if defined(_WIN32)
    return (void *)(uintptr_t)GetProcAddress((HMODULE)library, name);
#else
    return dlsym(library, name);
#endif
}

/* How Apple's GSS framework lays out its structures on this processor. */
#if defined(__APPLE__) && defined(__x86_64__)
#define ZC_GSS_LAYOUT __attribute__((packed, aligned(2)))
#else
#define ZC_GSS_LAYOUT
#endif
