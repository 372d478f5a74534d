# Which table a number means: the only file that knows all socket types.

from base.errors cimport EINVAL
from pattern.channel cimport channel_ops
from pattern.client cimport client_ops
from pattern.dealer cimport dealer_ops
from pattern.dgram cimport dgram_ops
from pattern.dish cimport dish_ops
from pattern.gather cimport gather_ops
from pattern.ops cimport pattern_ops_t
from pattern.pair cimport pair_ops
from pattern.peer cimport peer_ops
from pattern.pub cimport pub_ops
from pattern.pull cimport pull_ops
from pattern.push cimport push_ops
from pattern.radio cimport radio_ops
from pattern.rep cimport rep_ops
from pattern.req cimport req_ops
from pattern.router cimport router_ops
from pattern.scatter cimport scatter_ops
from pattern.server cimport server_ops
from pattern.stream cimport stream_ops
from pattern.sub cimport sub_ops
from pattern.types cimport (
    TYPE_CHANNEL, TYPE_CLIENT, TYPE_DEALER, TYPE_DGRAM, TYPE_DISH, TYPE_GATHER, TYPE_PAIR, TYPE_PEER, TYPE_PUB, TYPE_PULL, TYPE_PUSH, TYPE_RADIO,
    TYPE_REP, TYPE_REQ, TYPE_ROUTER, TYPE_SCATTER, TYPE_SERVER, TYPE_STREAM, TYPE_SUB, TYPE_XPUB, TYPE_XSUB,
)
from pattern.xpub cimport xpub_ops
from pattern.xsub cimport xsub_ops


cdef inline int pattern_select(int type, pattern_ops_t *ops) noexcept nogil:
    """Fills the table of a socket type. 0, or -EINVAL: no such type, or none that is built in."""
    if type == TYPE_PAIR:
        pair_ops(ops)
    elif type == TYPE_PUB:
        pub_ops(ops)
    elif type == TYPE_SUB:
        sub_ops(ops)
    elif type == TYPE_REQ:
        req_ops(ops)
    elif type == TYPE_REP:
        rep_ops(ops)
    elif type == TYPE_DEALER:
        dealer_ops(ops)
    elif type == TYPE_ROUTER:
        router_ops(ops)
    elif type == TYPE_PULL:
        pull_ops(ops)
    elif type == TYPE_PUSH:
        push_ops(ops)
    elif type == TYPE_XPUB:
        xpub_ops(ops)
    elif type == TYPE_XSUB:
        xsub_ops(ops)
    elif type == TYPE_STREAM:
        stream_ops(ops)
    elif type == TYPE_SERVER:
        server_ops(ops)
    elif type == TYPE_CLIENT:
        client_ops(ops)
    elif type == TYPE_RADIO:
        radio_ops(ops)
    elif type == TYPE_DISH:
        dish_ops(ops)
    elif type == TYPE_DGRAM:
        dgram_ops(ops)
    elif type == TYPE_GATHER:
        gather_ops(ops)
    elif type == TYPE_SCATTER:
        scatter_ops(ops)
    elif type == TYPE_PEER:
        peer_ops(ops)
    elif type == TYPE_CHANNEL:
        channel_ops(ops)
    else:
        return -EINVAL
    return 0
