"""A stopwatch in microseconds, as in the C API."""

from time import perf_counter_ns

__all__ = ["Stopwatch"]


class Stopwatch:
    """Started when made or by `start`; `stop` tells the microseconds since then and may be called again."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._start = perf_counter_ns()

    def stop(self) -> int:
        return (perf_counter_ns() - self._start) // 1000
