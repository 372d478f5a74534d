"""The option store through zmqcore._probe."""

import struct

RCVHWM, PUSH = 24, 8


def test_options_set(benchmark, probe):
    store = probe.options_new(PUSH)
    assert benchmark(probe.options_set_raw, store, RCVHWM, struct.pack("i", 5)) >= 0
    assert probe.options_get_raw(store, RCVHWM, 4)[2] == struct.pack("i", 5)


def test_options_get(benchmark, probe):
    store = probe.options_new(PUSH)
    code, size, value, _ = benchmark(probe.options_get_raw, store, RCVHWM, 4)
    assert (code, size, value) == (0, 4, struct.pack("i", 1000))
