"""Many connected sockets that do nothing but heartbeat: what do they cost in CPU time and in memory?

Rules
  - A burst of n is n milliseconds of idleness. Waiting is what is measured here, so this role sleeps.
  - Each connection has carried one message each way before: what is allocated on first use is allocated.
  - Memory is the process's own (RssAnon). Pages of a library's code, read once and shared by all, are not what a connection costs.
"""

import threading
import time

from .base import Role, expect, now

HEARTBEAT_MS = 100


def resident_kib():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("RssAnon:"))
    except (OSError, StopIteration):
        return None


class Server(Role):
    """One ROUTER with all the connections."""

    def open(self, endpoints):
        self.router = self.socket("ROUTER", HEARTBEAT_IVL=HEARTBEAT_MS)
        self.empty = resident_kib()
        return {"echo": self.bind(self.router, "echo")}

    def live(self):
        for _ in range(self.params["connections"]):
            self.router.send_multipart(self.router.recv_multipart())

    def burst(self, n, check):
        threading.Event().wait(n / 1000)
        resident = resident_kib()
        if resident is None:
            return {}
        return {"kib": (resident - self.empty) / self.params["connections"]}


class Clients(Role):
    drives = True

    def open(self, endpoints):
        for _ in range(self.params["connections"]):
            self.socket("DEALER", HEARTBEAT_IVL=HEARTBEAT_MS).connect(endpoints["echo"])

    def live(self):
        for socket in self.sockets:
            socket.send(b"hello")
        for socket in self.sockets:
            expect(socket.recv(), b"hello", "echo")

    def burst(self, n, check):
        start = now()
        time.sleep(n / 1000)
        return {"t0": start, "t1": now()}
