"""A network for sources and receivers of PGM in one process: it loses, delays, reorders and repeats by a seed. Time is a number."""

import heapq
import random

MS = 1_000_000
SECOND = 1000 * MS
GROUP = bytes([239, 1, 1, 1])
DPORT = 5555
TO_GROUP, TO_SUBNET, TO_ONE = range(3)


def v1(*parts):
    """A message as frames of ZMTP/1.0."""
    out = b""
    for i, part in enumerate(parts):
        more = bytes([i + 1 < len(parts)])
        n = len(part) + 1
        out += (bytes([n]) if n < 255 else b"\xff" + n.to_bytes(8, "big")) + more + part
    return out


def messages(data):
    """v1() backwards: whole messages, or it fails."""
    found, parts, at = [], [], 0
    while at < len(data):
        n, at = data[at], at + 1
        if n == 255:
            n, at = int.from_bytes(data[at : at + 8], "big"), at + 8
        parts.append(data[at + 1 : at + n])
        assert len(parts[-1]) == n - 1, "cut within a frame"
        more, at = data[at], at + n
        if not more:
            found.append(tuple(parts))
            parts = []
    assert not parts, "cut within a message"
    return found


class Host:
    """A source or a receiver at an address."""

    def __init__(self, address, end):
        self.address = address
        self.end = end
        self.got = []  # messages


class Network:
    def __init__(self, seed, loss=0.0, delay=MS, spread=0, repeats=0.0):
        self.random = random.Random(seed)
        self.loss, self.delay, self.spread, self.repeats = loss, delay, spread, repeats
        self.now = SECOND
        self.hosts = []
        self.flying = []  # (when, number, host, packet, sender's address)
        self.sent = 0
        self.kinds = dict.fromkeys(range(16), 0)

    def add(self, host):
        host.end.chance = lambda: self.random.getrandbits(32)
        self.hosts.append(host)
        self.collect()
        return host

    def collect(self):
        """What has been sent takes off."""
        for host in self.hosts:
            out, host.end.out = host.end.out, []
            for way, to, packet in out:
                self.kinds[packet[4] & 15] += 1
                for other in self.hosts:
                    if other is not host and (way != TO_ONE or other.address == to):
                        while self.random.random() >= self.loss:
                            self.sent += 1
                            when = self.now + self.delay + self.random.randint(0, self.spread)
                            heapq.heappush(self.flying, (when, self.sent, other, packet, host.address))
                            if self.random.random() >= self.repeats:
                                break

    def due(self):
        times = [host.end.due() for host in self.hosts]
        return min(times + [self.flying[0][0]] if self.flying else times)

    def step(self):
        """The next thing that happens."""
        self.now = max(self.now, self.due())
        if self.flying and self.flying[0][0] <= self.now:
            _, _, host, packet, source = heapq.heappop(self.flying)
            if hasattr(host.end, "read"):
                host.got += messages(host.end.packet(packet, source, self.now))
            else:
                host.end.packet(packet, self.now)
        for host in self.hosts:
            if host.end.due() <= self.now:
                host.got += messages(host.end.tick(self.now) or b"")
        self.collect()

    def until(self, done, seconds):
        """Until `done`, or so much later."""
        limit = self.now + seconds * SECOND
        while not done() and self.due() <= limit:
            self.step()
        return done()
