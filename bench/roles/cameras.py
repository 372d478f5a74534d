"""Three cameras at 30 pictures a second each, among floods of small messages between the same two programs.

Rules
  - A picture is late by the time from before its send() to after the recv() that returned it; the measure is the 99th percentile.
  - The floods are the same for all stacks: FLOOD messages every FLOOD_SECONDS. Who could carry more has an easier time, and shall have.
"""

import time

from .base import Role, expect, now, numbered, payload

CAMERAS, PER_SECOND = 3, 30
FLOOD, FLOOD_BYTES, FLOOD_SECONDS = 50, 256, 0.001


class Cameras(Role):
    drives = True

    def open(self, endpoints):
        self.cameras = [self.socket("PUSH") for _ in range(CAMERAS)]
        for rank, camera in enumerate(self.cameras):
            camera.connect(endpoints[f"camera{rank}"])
        self.flood = self.socket("PUSH")
        self.flood.connect(endpoints["flood"])

    def burst(self, n, check):
        sent = []
        small = payload(FLOOD_BYTES)
        start = now()
        while len(sent) < n:
            for _ in range(FLOOD):
                self.flood.send(small)
            if (now() - start) / 1e9 * PER_SECOND * CAMERAS >= len(sent):
                picture = numbered(self.size, len(sent))
                sent.append(now())
                self.cameras[(len(sent) - 1) % CAMERAS].send(picture)
            time.sleep(FLOOD_SECONDS)
        self.flood.send(b"")
        return {"t0": start, "sent": sent}


class Viewer(Role):
    def open(self, endpoints):
        self.cameras = [self.socket("PULL") for _ in range(CAMERAS)]
        self.flood = self.socket("PULL")
        self.poller = self.zmq.Poller()
        for socket in (*self.cameras, self.flood):
            self.poller.register(socket, self.zmq.POLLIN)
        return {"flood": self.bind(self.flood, "flood")} | {f"camera{rank}": self.bind(camera, f"camera{rank}") for rank, camera in enumerate(self.cameras)}

    def burst(self, n, check):
        arrived = [None] * n
        next_of = list(range(CAMERAS))
        left, flooded = n, True
        small = payload(FLOOD_BYTES)
        while left or flooded:
            for socket, _ in self.poller.poll():
                if socket is self.flood:
                    got = socket.recv()
                    flooded = got != b""
                    if flooded:
                        expect(got, small, "message of the flood")
                    continue
                rank = self.cameras.index(socket)
                got = socket.recv()
                at = now()
                expect(got, numbered(self.size, next_of[rank]), f"picture {next_of[rank]}")
                arrived[next_of[rank]] = at
                next_of[rank] += CAMERAS
                left -= 1
        return {"t1": now(), "arrived": arrived}
