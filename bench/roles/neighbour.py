"""A program that has nothing to do with messages and keeps a processor busy, at the weight of any other process."""

import threading

from .base import Role


class Busy(Role):
    def open(self, endpoints):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            for _ in range(100_000):
                pass

    def burst(self, n, check):
        pass

    def close(self):
        self.over.set()
        self.thread.join()
        super().close()
