"""Two hosts and the wire between them: three network namespaces, made here, gone with their processes. Nothing leaves them.

host A (10.99.0.1) -- veth -- bridge.py -- veth -- host B (10.99.0.2)
"""
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "shared"))

import foreign  # noqa: E402

NUMBERED = HERE.parent / "reliability" / "numbered.py"
ADDRESSES = ["10.99.0.1", "10.99.0.2"]
NETWORK_SECONDS = 15


class Namespace:
    """A network namespace, as long as its process lives."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=foreign.environment())
        if self.holder.stdout.readline() != b"ready\n":
            raise RuntimeError("no network namespace could be made")

    def command(self, *command):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *map(str, command)]

    def run(self, *command):
        subprocess.run(self.command(*command), check=True, timeout=NETWORK_SECONDS, env=foreign.environment())

    def start(self, *command, **how):
        """A program of ours, with pipes to talk to it."""
        return subprocess.Popen(self.command(*foreign.starts(*command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                env=foreign.environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path))), **how)

    def close(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait(NETWORK_SECONDS)


class Wire:
    def __init__(self, seed):
        self.hosts = [Namespace(), Namespace()]
        self.middle = Namespace()
        self.processes = []
        for side, host in enumerate(self.hosts):
            host.run("ip", "link", "add", "wire", "type", "veth", "peer", "name", f"side{side}", "netns", self.middle.holder.pid)
            host.run("ip", "address", "add", f"{ADDRESSES[side]}/24", "dev", "wire")
            host.run(sys.executable, HERE / "bridge.py", "--no-offload", "wire")
            host.run("ip", "link", "set", "wire", "up")
            self.middle.run("ip", "link", "set", f"side{side}", "up")
        self.bridge = self.middle.start(sys.executable, HERE / "bridge.py", "side0", "side1", seed)
        if self.bridge.stdout.readline() != b"ready\n":
            raise RuntimeError("the bridge does not work")

    def order(self, **rules):
        """Tells the bridge; returns its counts."""
        self.bridge.stdin.write(json.dumps(rules).encode() + b"\n")
        self.bridge.stdin.flush()
        return json.loads(self.bridge.stdout.readline())

    def start(self, side, module, *arguments):
        """numbered.py on one of the hosts."""
        process = self.hosts[side].start(sys.executable, NUMBERED, module, *arguments)
        self.processes.append(process)
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("numbered.py did not start")
        return process

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.bridge.stdin.close()
        self.bridge.stdout.close()
        self.bridge.wait(NETWORK_SECONDS)
        for namespace in (*self.hosts, self.middle):
            namespace.close()
