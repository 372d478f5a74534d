# libFuzzer target: whole sockets. tests/native/sim/conversation.pxi says what an input is and what is looked for.

from libc.stdint cimport uint8_t
from libc.stdlib cimport abort, atoi
from libc.string cimport strcmp, strncmp

include "sim/conversation.pxi"


cdef public int LLVMFuzzerInitialize(int *argc, char ***argv) noexcept nogil:
    """--type=N: conversations with sockets of one type only. --plain-heap: reports name who allocated and who freed a block."""
    cdef int i
    global fuzz_forced_type
    for i in range(argc[0]):
        if strncmp(argv[0][i], b"--type=", 7) == 0:
            fuzz_forced_type = atoi(argv[0][i] + 7)
        elif strcmp(argv[0][i], b"--plain-heap") == 0:
            sim_heap.plain = 1
    return 0


cdef public int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) noexcept nogil:
    if fuzz_one(data, size):
        abort()
    return 0
