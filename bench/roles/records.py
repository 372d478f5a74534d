"""PUSH -> PULL, one way, of records as programs send them: JSON, some of it the same in every record. For transports that compress."""

import json
import random

from . import pipeline
from .base import end_mark, expect, now

KINDS = ("temperature", "humidity", "pressure", "wind", "rain")


def records(size, count=64):
    """Of about `size` bytes each."""
    chance = random.Random(size)
    made = []
    for number in range(count):
        rows = []
        length = 2
        while length < size:
            row = {
                "station": f"station-{chance.randrange(1000):04d}",
                "kind": chance.choice(KINDS),
                "value": round(chance.uniform(-50, 150), 3),
                "time": 1_700_000_000 + number * 60 + chance.randrange(60),
                "good": chance.random() < 0.97,
            }
            rows.append(row)
            length += len(json.dumps(row)) + 2
        made.append(json.dumps(rows).encode()[:size].ljust(size))
    return made


class Push(pipeline.Push):
    def open(self, endpoints):
        super().open(endpoints)
        self.messages = records(self.size)

    def burst(self, n, check):
        if check:
            return super().burst(n, check)
        messages = self.messages
        start = now()
        for i in range(n):
            self.out.send(messages[i & 63])
        self.out.send(end_mark(n))
        return {"t0": start}


class Pull(pipeline.Pull):
    def burst(self, n, check):
        if check:
            return super().burst(n, check)
        got = b""
        for _ in range(n):
            got = self.into.recv()
        end = now()
        expect(got, records(self.size)[(n - 1) & 63], "last message")
        expect(self.into.recv(), end_mark(n), "end of burst")
        return {"t1": end}
