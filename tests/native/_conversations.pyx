# _conversations: the socket fuzzer's conversations from Python, for tests. Built with ZMQCORE_SIM=1, never in a wheel. A module of its own and no
# part of _sim, because a simulated machine is one to a module.

include "sim/conversation.pxi"
include "sim/replay.pxi"
