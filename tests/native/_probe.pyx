# _probe: shows the sans-IO parts to pytest, fuzzers and micro-benchmarks. Test-only: built with ZMQCORE_PROBE=1, never in a wheel.
#
# Rules
#   - One .pxi per area; each brings its own cimports, so the order of the includes does not matter.
#   - A probe function checks its arguments and raises: tests may pass anything.
#   - A .pxi prefixes its public names with its area (ring_..., frame_...): they share this module.

include "blocks.pxi"
include "compression.pxi"
include "options.pxi"
include "overlap.pxi"
include "pattern.pxi"
include "pgm.pxi"
include "pipe.pxi"
include "platform.pxi"
include "shared.pxi"
include "transport.pxi"
include "zmtp.pxi"
