"""epgm and pgm between two hosts, with libzmq (OpenPGM) at either end, over a wire that loses, repeats and reorders frames."""

import os

import pytest
from multicast import ADDRESSES, GROUP, Pair
from wire import Wire

SEED = int(os.environ.get("ZMQCORE_NETWORK_SEED", "1"))
PAIRS = [("zmqcore", "zmqcore"), ("libzmq", "zmqcore"), ("zmqcore", "libzmq")]


@pytest.fixture(scope="module")
def wire():
    wire = Wire(SEED)
    yield wire
    wire.close()


@pytest.fixture
def pair(wire):
    made = []

    def pair(*names, **options):
        made.append(Pair(wire, *names, port=6000 + len(made), **options))
        return made[-1]

    yield pair
    wire.order(loss=0, duplicate=0, late=0, late_by=0)
    for one in made:
        one.close()


@pytest.mark.parametrize("scheme", ["epgm", "pgm"])
@pytest.mark.parametrize(("sender", "receiver"), PAIRS)
def test_what_a_bad_wire_loses_is_repaired(wire, pair, sender, receiver, scheme):
    one = pair(sender, receiver, scheme, count=2000, size=1000, rate=50_000, recovery=10_000)
    wire.order(loss=0.05, duplicate=0.02, late=0.02, late_by=0.003)
    one.begin()
    got, missing, wrong, told, _ = one.end()
    assert (got, missing, wrong) == (2000, 0, 0) and told <= 0


def test_what_cannot_be_repaired_is_told(wire, pair):
    """The window holds two packets or so."""
    one = pair("zmqcore", "zmqcore", count=3000, size=1000, rate=50_000, recovery=1)
    wire.order(loss=0.1)
    one.begin()
    got, missing, wrong, told, _ = one.end()
    assert got + missing == 3000 and wrong == 0 and missing > 0 and told > 0


def test_a_publisher_that_does_not_loop_is_heard_elsewhere_only(wire, pair):
    loud = pair("zmqcore", "zmqcore", count=10, size=100, rate=50_000, recovery=10_000)
    here = loud.start(wire.hosts[0], "zmqcore", "recv", f"epgm://{ADDRESSES[0]};{GROUP}:6000", "10", "100", "50000", "10000")
    try:
        silent = Pair(wire, "zmqcore", "zmqcore", port=6000, count=5, size=100, rate=50_000, recovery=10_000, sender_options=["96=0"])
        silent.begin()
        assert silent.end()[:3] == (5, 0, 0)
        silent.close()
        loud.begin()
        got, missing, wrong, *_ = map(float, here.stdout.readline().split())
        assert (got, missing, wrong) == (10, 0, 0)
    finally:
        here.kill()
        here.communicate()


def test_groups_of_ipv6(wire, pair):
    one = pair("zmqcore", "zmqcore", count=1, size=100, rate=50_000, recovery=10_000)  # for its start()
    wire.hosts[0].run("ip", "address", "replace", "fd00:99::1/64", "dev", "wire", "nodad")
    arguments = ["epgm://fd00:99::/64;[ff15::77]:6900", "200", "3000", "50000", "10000"]
    ends = [one.start(wire.hosts[0], "zmqcore", role, *arguments) for role in ("recv", "send")]
    try:
        print("go", file=ends[1].stdin, flush=True)
        assert ends[0].stdout.readline().split()[:4] == ["200", "0", "0", "0"]
    finally:
        for process in ends:
            process.kill()
            process.communicate()
