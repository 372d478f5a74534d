"""zeromq.js, in a process of node's own. Its clock is the same; the processor time that is reported is not its own, which nobody reads here."""

import json
import os
import subprocess

from .base import WrongResult
from .libzmq import peers


class End:
    drives = False

    def __init__(self, stack, params):
        self.params = params

    def start(self, where):
        self.process = subprocess.Popen(
            ["node", __file__.replace(".py", ".js"), self.kind, str(self.params["size"]), where],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"ZMQCORE_PEERS": str(peers())},
        )  # fmt: skip
        return self.hear()

    def hear(self):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "node has ended"}
        if "error" in answer:
            raise WrongResult(answer["error"])
        return answer

    def live(self):
        pass

    def burst(self, n, check):
        """Checked bursts are timed ones here: the last message is compared in each."""
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        return {key: int(value) for key, value in self.hear().items() if not check}

    def close(self):
        self.process.stdin.close()
        self.process.wait(5)


class Push(End):
    kind = "push"
    drives = True

    def open(self, endpoints):
        self.start(endpoints["sink"])


class Pull(End):
    kind = "pull"

    def open(self, endpoints):
        return {"sink": self.start(f"{self.params['transport']}://127.0.0.1:*")["endpoint"]}
