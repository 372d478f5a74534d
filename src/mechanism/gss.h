/* The system's GSSAPI, as RFC 2744 declares it, found at run time.
 *
 * Rules
 * - The names and values are the RFC's. What zmqcore does not use is not declared.
 * - A gss_library_t is filled once for each connection: the loader finds a library that is open already at once, and nothing
 *   has to be kept anywhere.
 */
#ifndef ZMQCORE_GSS_H
#define ZMQCORE_GSS_H
#include "base/platform.h"

enum {
    GSS_C_INITIATE = 1,
    GSS_C_ACCEPT = 2,

    GSS_C_MUTUAL_FLAG = 2,
    GSS_C_REPLAY_FLAG = 4,
    GSS_C_SEQUENCE_FLAG = 8,
    GSS_C_CONF_FLAG = 16,
    GSS_C_INTEG_FLAG = 32,

    GSS_S_COMPLETE = 0,
    GSS_S_CONTINUE_NEEDED = 1,
};

typedef struct gss_text_t { /* gss_buffer_desc */
    size_t length;
    void *value;
} gss_text_t;

typedef struct gss_oid_t { /* gss_OID_desc */
    uint32_t length;
    const void *elements;
} ZC_GSS_LAYOUT gss_oid_t;

typedef struct gss_oid_set_t { /* gss_OID_set_desc */
    size_t count;
    const gss_oid_t *elements;
} ZC_GSS_LAYOUT gss_oid_set_t;

typedef void *gss_name_t;
typedef void *gss_cred_t;
typedef void *gss_context_t;

/* NULL stands for the default, or for an answer that nobody asked for; void * for types that are only ever NULL here. */
typedef struct gss_library_t {
    uint32_t (*import_name)(uint32_t *minor, const gss_text_t *text, const gss_oid_t *type, gss_name_t *name);
    uint32_t (*display_name)(uint32_t *minor, gss_name_t name, gss_text_t *text, void *type);
    uint32_t (*release_name)(uint32_t *minor, gss_name_t *name);
    uint32_t (*acquire_cred)(uint32_t *minor, gss_name_t name, uint32_t seconds, const gss_oid_set_t *mechanisms, int usage,
                             gss_cred_t *cred, void *actual, uint32_t *lifetime);
    uint32_t (*release_cred)(uint32_t *minor, gss_cred_t *cred);
    uint32_t (*init_sec_context)(uint32_t *minor, gss_cred_t cred, gss_context_t *context, gss_name_t target,
                                 const gss_oid_t *mechanism, uint32_t flags, uint32_t seconds, void *bindings,
                                 const gss_text_t *in, void *actual, gss_text_t *out, uint32_t *got, uint32_t *lifetime);
    uint32_t (*accept_sec_context)(uint32_t *minor, gss_context_t *context, gss_cred_t cred, const gss_text_t *in,
                                   void *bindings, gss_name_t *peer, void *mechanism, gss_text_t *out, uint32_t *got,
                                   uint32_t *lifetime, gss_cred_t *delegated);
    uint32_t (*delete_sec_context)(uint32_t *minor, gss_context_t *context, gss_text_t *out);
    uint32_t (*wrap)(uint32_t *minor, gss_context_t context, int secret, uint32_t quality, const gss_text_t *in,
                     int *was_secret, gss_text_t *out);
    uint32_t (*unwrap)(uint32_t *minor, gss_context_t context, const gss_text_t *in, gss_text_t *out, int *was_secret,
                       uint32_t *quality);
    uint32_t (*release_buffer)(uint32_t *minor, gss_text_t *text);
} gss_library_t;

static const struct gss_symbol_t {
    const char *name;
    size_t offset;
} gss_symbols[] = {
#define GSS_SYMBOL(name) {"gss_" #name, offsetof(gss_library_t, name)}
    GSS_SYMBOL(import_name),        GSS_SYMBOL(display_name),       GSS_SYMBOL(release_name),
    GSS_SYMBOL(acquire_cred),       GSS_SYMBOL(release_cred),       GSS_SYMBOL(init_sec_context),
    GSS_SYMBOL(accept_sec_context), GSS_SYMBOL(delete_sec_context), GSS_SYMBOL(wrap),
    GSS_SYMBOL(unwrap),             GSS_SYMBOL(release_buffer),
#undef GSS_SYMBOL
};

/* MIT Kerberos and Heimdal on Linux and the BSDs, Apple's framework, MIT Kerberos for Windows. */
static const char *const gss_library_names[] = {
    "libgssapi_krb5.so.2", "libgssapi.so.3", "libgssapi_krb5.so", "libgssapi.so.10",
    "/System/Library/Frameworks/GSS.framework/GSS", "gssapi64.dll",
};

/* 0, or -ENOTSUP when the system has no GSSAPI. */
static inline int gss_load(gss_library_t *g) {
    size_t i, k;
    for (i = 0; i < sizeof(gss_library_names) / sizeof(*gss_library_names); i++) {
        void *library = zc_library_open(gss_library_names[i]);
        if (library == NULL) continue;
        for (k = 0; k < sizeof(gss_symbols) / sizeof(*gss_symbols); k++) {
            void *found = zc_library_symbol(library, gss_symbols[k].name);
            if (found == NULL) break;
            memcpy((char *)g + gss_symbols[k].offset, &found, sizeof(found));
        }
        if (k == sizeof(gss_symbols) / sizeof(*gss_symbols)) return 0;
    }
    return -ENOTSUP;
}

/* Kerberos version 5 and nothing else: what a peer might negotiate may be weaker, and was not asked for. */
static const gss_oid_t gss_kerberos[] = {{9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"}};
static const gss_oid_set_t gss_mechanisms[] = {{1, gss_kerberos}};

/* The types of names that GSSAPI_PRINCIPAL_NAMETYPE and GSSAPI_SERVICE_PRINCIPAL_NAMETYPE number. */
static const gss_oid_t gss_name_types[] = {
    {10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"}, /* 0: host-based service */
    {10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"}, /* 1: user name */
    {10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"}, /* 2: Kerberos principal */
};
#endif
