"""Child processes and the line-by-line talk with them.

Rules
  - Nobody waits without a deadline: hear_all() fails with CellError when it passes.
  - A child that has died or answered with an error is a CellError too, with the reason as its text.
  - Only processes started here are ended here, each through its own handle.
  - Each process begins with an environment of random size. With a fixed one, of two identical stacks the same one was ahead by a quarter in nearly all
    rounds of one case, and with another size neither was: probably because it moves stack and heap. Now that is part of the spread.
"""

import collections
import json
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")
# Bytes that the environment of a process is larger by, at most: all places within a page.
SHIFT_MAX = 4096
# An ordinary shutdown takes milliseconds; after this long a child counts as hung and is killed.
CLOSE_SECONDS = 2.0


class CellError(Exception):
    """This stack cannot do this case; the text says why."""


class Child:
    """A process that runs one role. Several children may share an inbox: then the first bad news of any of them is heard at once."""

    def __init__(self, stack, role, params, inbox=None):
        self.name = f"{stack}:{role}"
        self.backlog = collections.deque()
        self._inbox = inbox if inbox is not None else queue.Queue()
        self._stderr = tempfile.TemporaryFile()  # lives as long as the child
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps({"stack": stack, "role": role, "params": params})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env=dict(os.environ, ZMQCORE_BENCH_SHIFT="x" * random.randrange(SHIFT_MAX)),
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._inbox.put((self, line))
        self._inbox.put((self, None))

    def say(self, **message):
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # hear_all() tells why it is gone

    def hear(self, key, deadline):
        """The value of `key` in the next message of this child, the only one that has been asked."""
        return hear_all([self], key, deadline)[0]

    def obituary(self):
        return f"{self.name} died with status {self._process.wait()}: {self._last_words()}"

    def _last_words(self):
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"

    def kill(self):
        self._process.kill()
        self._reap()

    def gone(self):
        """After "closed": waits for the end of the process; False when it had to be killed."""
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return False
        finally:
            self._reap()
        return True

    def _reap(self):
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            try:
                stream.close()
            except (OSError, ValueError):
                pass


def hear_all(children, key, deadline):
    """The value of `key` in the next message of each of them. They share an inbox; who is ahead of the others is kept for later."""
    inbox = children[0]._inbox
    while not all(child.backlog for child in children):
        try:
            child, line = inbox.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            late = ", ".join(child.name for child in children if not child.backlog)
            raise CellError(f"timeout: no '{key}' from {late}") from None
        if line is not None:
            message = json.loads(line)
            if "error" in message:
                raise CellError(message["error"])
            child.backlog.append(message)
        elif not child.backlog:
            raise CellError(child.obituary())
    return [child.backlog.popleft()[key] for child in children]


def ask(stack, role, params, key, seconds=20.0):
    """One question, one answer, as for `describe`."""
    child = Child(stack, role, params)
    try:
        return child.hear(key, time.monotonic() + seconds)
    finally:
        child.kill()
