# _sim: whole sockets on a simulated machine. Test-only: built with ZMQCORE_SIM=1, never in a wheel. docs/simulator.md explains it.
#
# Rules
#   - Everything here runs on the system of sim/system.h: no descriptor, thread or clock of the real one is touched.
#   - Within sim_run() no Python code runs and no Python object is used.

include "sim/first.pxi"
include "sim/run.pxi"
include "sim/python.pxi"
