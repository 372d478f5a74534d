"""What the processes of a case do. One file per messaging shape; each class is one end.

A role is made in its own process as Role(stack, params). The runner calls, in this order:
  open(endpoints) -> endpoints   make sockets, bind or connect; returns the endpoints it adds for the roles after it
  live()                         return when messages really flow (only where connecting alone does not tell)
  burst(n, check) -> result      move n messages; t0 / t1 are CLOCK_MONOTONIC nanoseconds, shared by all processes of a machine
  close()
`drives` is true for the end that starts a burst: it is let go when all others are ready.
"""
