/* How the interpreter gets into the methods of a socket: calls without timeout= take a shorter way, and zmqcore.Socket has methods of its own.
 *
 * Rules
 * - Both ways are methods that take their arguments as a vector (METH_FASTCALL | METH_KEYWORDS), which is what Cython makes of them. They
 *   take the same arguments, but for that one.
 * - The interpreter goes on seeing one method, with the name, the text and the signature of the longer one.
 */
#ifndef ZMQCORE_API_ENTRY_H
#define ZMQCORE_API_ENTRY_H
#include <Python.h>

typedef PyObject *(*zc_vector_t)(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names);
typedef zc_vector_t zc_entry_t;

typedef struct zc_ways_t {
    zc_vector_t shorter;
    zc_vector_t longer;
    zc_vector_t named; /* finds out which; reached by a pointer, so that it stays out of the entry: that is five instructions long, not 25 */
} zc_ways_t;

static PyObject *zc_send_named(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names);
static PyObject *zc_recv_named(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names);

static zc_ways_t zc_send_ways = {.named = zc_send_named}, zc_recv_ways = {.named = zc_recv_named};

static int zc_has_timeout(PyObject *names) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_GET_LENGTH(name) == 7 && PyUnicode_CompareWithASCIIString(name, "timeout") == 0)
            return 1;
    }
    return 0;
}

static PyObject *zc_send_named(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    return (zc_has_timeout(names) ? zc_send_ways.longer : zc_send_ways.shorter)(self, args, n, names);
}

static PyObject *zc_send_entry(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    return (names == NULL ? zc_send_ways.shorter : zc_send_ways.named)(self, args, n, names);
}

static PyObject *zc_recv_named(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    return (zc_has_timeout(names) ? zc_recv_ways.longer : zc_recv_ways.shorter)(self, args, n, names);
}

static PyObject *zc_recv_entry(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    return (names == NULL ? zc_recv_ways.shorter : zc_recv_ways.named)(self, args, n, names);
}

static PyMethodDef *zc_method(PyTypeObject *kind, const char *name) {
    PyMethodDef *m = kind->tp_methods;
    while (m != NULL && m->ml_name != NULL && strcmp(m->ml_name, name) != 0)
        m++;
    if (m == NULL || m->ml_name == NULL || m->ml_flags != (METH_FASTCALL | METH_KEYWORDS))
        return NULL;
    return m;
}

/* 0; also if the interpreter's calls are of another kind, and everybody takes the longer way. */
static int zc_enter_by(PyTypeObject *kind, PyTypeObject *shorter, const char *name, zc_ways_t *ways, zc_entry_t entry) {
    PyMethodDef *to = zc_method(kind, name), *by = zc_method(shorter, name);
    if (to != NULL && by != NULL && ways->longer == NULL) {
        ways->shorter = (zc_vector_t)(void (*)(void))by->ml_meth;
        ways->longer = (zc_vector_t)(void (*)(void))to->ml_meth;
        to->ml_meth = (PyCFunction)(void (*)(void))entry;
    }
    return 0;
}

/* Gives `kind`, a class derived from `base`, methods of its own for those of `base` that it does not override. 0, or -1 with an exception.
 *
 * They are the same functions. But the interpreter's short way into a method is for objects of the very class that the method says it belongs
 * to; for those of a derived class every call also walks over the base classes. */
static int zc_own_methods(PyTypeObject *base, PyObject *kind) {
    for (PyMethodDef *m = base->tp_methods; m != NULL && m->ml_name != NULL; m++) {
        if (strncmp(m->ml_name, "__", 2) == 0)
            continue;
        PyObject *method = PyObject_GetAttrString(kind, m->ml_name);
        int rc = method == NULL ? -1 : 0;
        if (method != NULL && Py_TYPE(method) == &PyMethodDescr_Type && ((PyMethodDescrObject *)method)->d_method == m) {
            PyObject *own = PyDescr_NewMethod((PyTypeObject *)kind, m);
            rc = own == NULL ? -1 : PyObject_SetAttrString(kind, m->ml_name, own);
            Py_XDECREF(own);
        }
        Py_XDECREF(method);
        if (rc != 0)
            return -1;
    }
    return 0;
}
#endif
