# What a poll set reports: the words that its front and its three back ends share.
#
# Rules
# - Level-triggered: a condition is reported by every wait until it is gone.
# - A broken or hung-up descriptor is reported as POLL_ERR | POLL_IN: whoever reads it learns the reason.

cdef enum:
    POLL_IN = 1
    POLL_OUT = 2
    POLL_ERR = 4
    POLL_DIRECT = 8     # asked for: not told to who waits on the parent. The poll back end only; a kernel's set shows its parent everything

cdef struct pollevent_t:
    void *tag      # what the descriptor or the child was added with
    int mask
