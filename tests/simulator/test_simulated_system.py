"""The simulated machine itself: one seed is one run, and the smallest program works on it whatever the seed decides."""

import pytest


@pytest.mark.parametrize("slice_", [0, 1, 3, 30, 1000])
def test_one_push_and_one_pull_beside_a_raw_peer(sim, slice_):
    for seed in range(50):
        finding, text, *_ = sim.run_first(seed, slice=slice_)
        assert finding == 0, f"seed {seed}: {text}"


@pytest.mark.parametrize("capacity", [1, 7, 64, 65536])
def test_whatever_a_connection_holds(sim, capacity):
    for seed in range(20):
        finding, text, *_ = sim.run_first(seed, capacity=capacity, split=1)
        assert finding == 0, f"seed {seed}: {text}"


def test_one_seed_is_one_run(sim):
    runs = [sim.run_first(seed) for seed in range(20)]
    assert runs == [sim.run_first(seed) for seed in range(20)]
    assert len({run[-1] for run in runs}) == len(runs)
