# The engines, as transports name what is spoken over their streams. engine/select.pxd makes them.

cdef enum:
    ENGINE_ZMTP = 0
    ENGINE_RAW = 1
    ENGINE_WEBSOCKET = 2
    ENGINE_FRAMES = 3
    ENGINE_DATAGRAM = 4
    ENGINE_PACKED = 5           # ZMTP whose messages the transport changes on their way: it has to see them
