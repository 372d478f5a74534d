# The numbers of the socket types: all that ZeroMQ has, those that are not built in too.
#
# Rules
# - The numbers are those of the API and of the ZMTP/2.0 greeting.
# - A number is a name, not knowledge: what a type can do stands in its table (ops.pxd), and only select.pxd goes from one to the other.
# - The rows of options name types by bits of the same numbers (ON_... in option/row.h), so none may be above 30.

cdef enum:
    TYPE_PAIR = 0
    TYPE_PUB = 1
    TYPE_SUB = 2
    TYPE_REQ = 3
    TYPE_REP = 4
    TYPE_DEALER = 5
    TYPE_ROUTER = 6
    TYPE_PULL = 7
    TYPE_PUSH = 8
    TYPE_XPUB = 9
    TYPE_XSUB = 10
    TYPE_STREAM = 11
    TYPE_SERVER = 12
    TYPE_CLIENT = 13
    TYPE_RADIO = 14
    TYPE_DISH = 15
    TYPE_GATHER = 16
    TYPE_SCATTER = 17
    TYPE_DGRAM = 18
    TYPE_PEER = 19
    TYPE_CHANNEL = 20
    TYPE_COUNT = 21             # one more than the highest number
