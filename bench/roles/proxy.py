"""proxy() between two sockets, in its own process; the ends are those of publish.py and echo.py."""

import threading

from .base import Role
from .publish import HWM


class Proxy(Role):
    def open(self, endpoints):
        front, back = self.params["sockets"]
        self.front = self.socket(front, SNDHWM=HWM, RCVHWM=HWM)
        self.back = self.socket(back, SNDHWM=HWM, RCVHWM=HWM)
        added = {"frontend": self.bind(self.front, "frontend"), "backend": self.bind(self.back, "backend")}
        added["echo"] = added["frontend"]
        threading.Thread(target=self.zmq.proxy, args=(self.front, self.back), daemon=True).start()
        return added

    def burst(self, n, check):
        return {}  # its thread is at work; only its CPU time is asked for

    def close(self):
        pass  # proxy() never returns by itself; the process ends
