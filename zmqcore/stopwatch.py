"""A stopwatch in microseconds, as in the C API."""

from time import perf_counter_ns

__all__ = ["Stopwatch"]


class Stopwatch:
    """Measure time in microseconds.

    Example:
        >>> watch = zmq.Stopwatch()
        >>> watch.stop() >= 0
        True
    """

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew. A Stopwatch begins when it is made."""
        self._start = perf_counter_ns()

    def stop(self) -> int:
        """Return the time since the beginning. May be called again.

        Returns:
            int: microseconds.
        """
        return (perf_counter_ns() - self._start) // 1000
