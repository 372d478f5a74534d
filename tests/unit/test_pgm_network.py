"""Sources and receivers of PGM, with a network between them that loses, reorders and repeats. ZMQCORE_PGM_RUNS=3000: more runs."""

import os

import pytest
from pgm_network import DPORT, GROUP, MS, SECOND, Host, Network, v1

from zmqcore import _probe as probe

RUNS = int(os.environ.get("ZMQCORE_PGM_RUNS", "60"))


def source_at(n, **more):
    address = bytes([10, 0, 0, n])
    return Host(address, probe.pgm_Source(b"src%03d" % n, 40000 + n, DPORT, address, GROUP, now=SECOND, **more))


def receiver_at(n, **more):
    return Host(bytes([10, 0, 1, n]), probe.pgm_Receiver(DPORT, GROUP, **more))


class Writer:
    """Messages of a source, written as its rate permits."""

    def __init__(self, host, chance, count):
        self.host = host
        number = host.address[3]
        self.sent = [
            tuple(b"%d %d %d " % (number, n, part) + bytes(chance.choice((0, 10, 100, 400))) for part in range(chance.choice((1, 1, 1, 2, 3))))
            for n in range(count)
        ]
        self.stream = b"".join(v1(*m) for m in self.sent)
        self.at = 0

    def go_on(self, now):
        if self.at < len(self.stream):
            self.at += max(self.host.end.write(self.stream[self.at : self.at + 3000], now), 0)

    @property
    def done(self):
        return self.at == len(self.stream)


def in_order(got, number, sent):
    """The messages of that source, which must be some of those sent, each once and in order."""
    mine = [m for m in got if m[0].startswith(b"%d " % number)]
    rest = iter(sent)
    assert all(any(m == s for s in rest) for m in mine), "twice, changed, or out of order"
    return mine


def run(seed, window, first=0, **network):
    net = Network(seed, **network)
    sources = [net.add(source_at(n, apdu=net.random.choice((60, 500)), rate=200_000, window=window, first=first)) for n in (1, 2)]
    receivers = [net.add(receiver_at(n, window=window, recovery=5 * SECOND)) for n in (1, 2, 3)]
    net.loss, loss = 0.0, net.loss
    for host in sources:
        for _ in range(3):
            host.end.out.append((0, GROUP, _spm(host)))  # who is there at the beginning has heard it
    net.collect()
    net.until(lambda: not net.flying, 1)
    net.loss = loss
    writers = [Writer(host, net.random, 30) for host in sources]

    def finished():
        for writer in writers:
            writer.go_on(net.now)
        return (
            all(w.done and w.host.end.counts()["idle"] for w in writers)
            and all(len(in_order(r.got, w.host.address[3], w.sent)) == len(w.sent) or r.end.counts()["lost"] for r in receivers for w in writers)
            and not net.flying
        )

    # The last packet and all SPMs after it may be lost, too: then the next one helps, 30 s later.
    assert net.until(finished, 250)
    for r in receivers:
        for w in writers:
            mine = in_order(r.got, w.host.address[3], w.sent)
            assert mine == w.sent or r.end.counts()["lost"] > 0
        assert r.end.counts()["malformed"] == 0
    lost = [r.end.counts()["lost"] for r in receivers]
    assert all(r.end.end() == 0 for r in receivers)
    return lost, net


def _spm(host):
    """The source's present SPM, without a change to it."""
    port, address = 40000 + host.address[3], host.address
    n = host.end.counts()["next"]
    numbers = b"".join((x % 2**32).to_bytes(4, "big") for x in (3, n, n - 1))
    head = port.to_bytes(2, "big") + DPORT.to_bytes(2, "big") + bytes(4) + b"src%03d" % address[3] + bytes(2)
    return probe.pgm_seal(head + numbers + b"\0\1\0\0" + address)


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.3])
def test_everything_arrives_in_order_in_spite_of_the_network(loss):
    for seed in range(RUNS // 3):
        lost, _ = run(seed, window=10_000, loss=loss, spread=5 * MS, repeats=0.05)
        assert lost == [0, 0, 0], seed


def test_numbers_wrap_around():
    lost, _ = run(1, window=10_000, first=2**32 - 40, loss=0.1, spread=5 * MS, repeats=0.05)
    assert lost == [0, 0, 0]


def test_what_cannot_be_repaired_is_reported():
    some = 0
    for seed in range(RUNS // 6):
        lost, _ = run(seed, window=4, loss=0.3, spread=5 * MS, repeats=0.05)
        some += sum(lost)
    assert some > 0


def test_nothing_is_asked_for_without_loss():
    for seed in range(3):
        lost, net = run(seed, window=10_000)
        assert lost == [0, 0, 0] and net.kinds[8] == net.kinds[5] == net.kinds[10] == 0


def test_the_last_packet_is_missed_too():
    """Nothing follows it but SPMs."""
    net = Network(1)
    reader, sender = net.add(receiver_at(1)), net.add(source_at(1))
    net.until(lambda: False, 1)
    net.loss = 1.0
    sender.end.write(v1(b"last"), net.now)
    net.collect()
    net.loss = 0.0
    assert net.until(lambda: reader.got == [(b"last",)], 1)
