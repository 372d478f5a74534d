# Which codec a number means: the only file that knows all of them.

from compression.lz4 cimport lz4_ops
from compression.ops cimport CODEC_LZ4, codec_ops_t
from compression.zstd cimport zstd_ops


cdef inline void codec_ops(int codec, codec_ops_t *o) noexcept nogil:
    if codec == CODEC_LZ4:
        lz4_ops(o)
    else:
        zstd_ops(o)
