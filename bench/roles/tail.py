"""The slow end of the distribution: round trips while bulk data flows beside them, and the last message of a burst.

Rules
  - Each sample is timed on its own; the clock is CLOCK_MONOTONIC, which all processes of a machine share.
  - A percentile of a round is taken over that round's samples; the median over the rounds is what the table shows.
"""

import time

from .base import Role, expect, now, numbered, payload

# Beside every fourth round trip one bulk message, its size taken in turn: 16 B to 64 KiB.
BULK_EVERY = 4
BULK_SIZES = (16, 65536, 256, 4096, 1024, 16384)
BURST = 200
# Long enough that every stack has gone back to sleep before the next burst; the sender is outside the library meanwhile.
GAP_SECONDS = 0.001


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class MixedClient(Role):
    drives = True

    def open(self, endpoints):
        self.dealer = self.socket("DEALER")
        self.bulk = self.socket("PUSH")
        self.dealer.connect(endpoints["echo"])
        self.bulk.connect(endpoints["sink"])
        self.message = payload(self.size)
        self.bulks = [payload(size) for size in BULK_SIZES]

    def burst(self, n, check):
        samples = []
        start = now()
        for i in range(n):
            if i % BULK_EVERY == 0:
                self.bulk.send(self.bulks[i // BULK_EVERY % len(self.bulks)])
            message = numbered(self.size, i) if check else self.message
            before = now()
            self.dealer.send(message)
            got = self.dealer.recv()
            samples.append(now() - before)
            expect(got, message, f"echo {i} of {n}")
        return {
            "t0": start,
            "t1": now(),
            "p50": percentile(samples, 0.5) / 1e3,
            "p999": percentile(samples, 0.999) / 1e3,
        }


class MixedServer(Role):
    def open(self, endpoints):
        self.router = self.socket("ROUTER")
        self.bulk = self.socket("PULL")
        return {"echo": self.bind(self.router, "echo"), "sink": self.bind(self.bulk, "sink")}

    def burst(self, n, check):
        echoes, bulks = n, (n + BULK_EVERY - 1) // BULK_EVERY
        poller = self.zmq.Poller()
        poller.register(self.router, self.zmq.POLLIN)
        poller.register(self.bulk, self.zmq.POLLIN)
        received = 0
        while echoes or received < bulks:
            for socket, _ in poller.poll():
                if socket is self.router:
                    self.router.send_multipart(self.router.recv_multipart())
                    echoes -= 1
                else:
                    wanted = BULK_SIZES[received % len(BULK_SIZES)]
                    expect(len(self.bulk.recv()), wanted, f"size of bulk message {received}")
                    received += 1


class BurstSender(Role):
    drives = True

    def open(self, endpoints):
        self.out = self.socket("PUSH")
        self.out.connect(endpoints["sink"])
        self.message = payload(self.size)

    def burst(self, n, check):
        lasts = []
        start = now()
        for i in range(n):
            for _ in range(BURST):
                self.out.send(self.message)
            lasts.append(now())
            self.out.send(numbered(self.size, i))
            time.sleep(GAP_SECONDS)
        return {"t0": start, "sent": lasts}


class BurstReceiver(Role):
    def open(self, endpoints):
        self.into = self.socket("PULL")
        self.message = payload(self.size)
        return {"sink": self.bind(self.into, "sink")}

    def burst(self, n, check):
        arrivals = []
        got = self.message
        for i in range(n):
            for _ in range(BURST):
                got = self.into.recv()
            last = self.into.recv()
            arrivals.append(now())
            expect(got, self.message, f"message before the last of burst {i}")
            expect(last, numbered(self.size, i), f"last message of burst {i}")
        return {"t1": now(), "arrived": arrivals}
