"""The process of a paramiko tunnel.

Its job, a password perhaps among it, comes as a line of JSON on standard input. It says "ready" or what went wrong on standard output, and ends
when standard input does: with the program that started it, however that ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from .forward import serve
from .tunnel import connect_paramiko


def main(job: dict[str, Any]) -> None:
    """Forward until standard input ends."""
    try:
        client = connect_paramiko(job["server"], job["keyfile"], job["password"])
        server = serve(job["lport"], job["remoteip"], job["rport"], client.get_transport())
    except Exception as error:
        print(json.dumps({"error": str(error) or type(error).__name__}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    threading.Thread(target=_end_with_input, daemon=True).start()
    server.serve_forever()


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


# Run by the starter: the modules must be found where it has found them.
START = """
import json, sys
job = json.loads(sys.stdin.buffer.raw.readline())
sys.path[:] = job.pop("path")
from importlib import import_module
import_module(job.pop("module")).main(job)
"""


def command() -> list[str]:
    """How to start it."""
    return [sys.executable, "-c", START]
