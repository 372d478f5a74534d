"""A notebook's life with zmqcore as zmq, as a new user has it: in an environment with nbclient and ipykernel, with pyzmq installed and uninstalled.

    python tests/projects/notebook.py [--fresh] [--no-encryption]

`python -m zmqcore as-zmq enable`; a child process and a notebook's kernel use zmqcore, run cells, are interrupted and restarted, with the transport
encrypted (jupyter_client 8.9 and newer) and not; `disable`; then every file of the environment is what it was before. The environment is made under
build/projects and stays there, unless --fresh is given.
"""

import argparse
import hashlib
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import suites
from run import Environment

PROJECT = {"name": "nbclient", "version": "0.11.0", "needs": ["ipykernel>=7.4", "jupyter_client>=8.10"], "tests": [], "seconds": 600}

NOTEBOOK = """
import sys

import nbformat
from nbclient import NotebookClient

from traitlets.config import Config

import zmq

expected, encryption = sys.argv[1:]
assert zmq.Socket.__module__ == expected, zmq.Socket.__module__

CELLS = '''
import subprocess, sys, zmq
print(zmq.Socket.__module__, subprocess.run([sys.executable, "-c", "import zmq; print(zmq.Socket.__module__)"], capture_output=True, text=True).stdout.strip())
===
from IPython import get_ipython
from ipykernel.kernelapp import IPKernelApp
print(bool(getattr(IPKernelApp.instance(), "curve_publickey", None)))
===
import asyncio, zmq.asyncio
with zmq.asyncio.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    pull.bind("inproc://in-a-kernel")
    push.connect("inproc://in-a-kernel")
    await push.send(b"awaited in a kernel")
    print((await pull.recv()).decode())
===
from IPython.display import display, Markdown
display(Markdown("*shown*"))
print("x" * 5_000_000)
'''.split("===")

notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS])
config = Config()
if encryption != "disabled":
    config.KernelManager.transport_encryption = encryption
client = NotebookClient(notebook, timeout=120, kernel_name="python3", config=config)
client.execute()


def text(cell):
    return "".join(output["text"] for output in cell["outputs"] if output["output_type"] == "stream").strip()


texts = [text(cell) for cell in notebook.cells]
assert texts[0] == f"{expected} {expected}", texts[0]
assert texts[1] == str(encryption != "disabled"), texts[1]
assert texts[2] == "awaited in a kernel", texts[2]
assert len(texts[3]) == 5_000_000
assert any(output["output_type"] == "display_data" for output in notebook.cells[3]["outputs"])

# A cell that does not end is interrupted; after it the kernel goes on.
endless = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("while True: pass"), nbformat.v4.new_code_cell("print('still here')")])
client = NotebookClient(endless, timeout=3, kernel_name="python3", config=config, interrupt_on_timeout=True, allow_errors=True)
client.execute()
assert text(endless.cells[1]) == "still here"
print("ok")
"""


def files(folder):
    """What the environment consists of: {path: digest}."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def live(environment, expected, encryptions):
    for encryption in encryptions:
        said = environment.ask(environment.folder / "notebook.py", expected, encryption)
        assert said.endswith("ok"), said
        print(f"    a notebook with {expected}, transport_encryption {encryption}", flush=True)


def switch_and_back(environment, encryptions):
    before = files(environment.folder / "venv")
    print("  " + environment.ask("-m", "zmqcore", "as-zmq", "enable").splitlines()[-1], flush=True)
    live(environment, "zmqcore.socket", encryptions)
    assert '"import_zmq": "zmqcore"' in environment.ask("-m", "zmqcore", "as-zmq", "status", "--json")
    print("  " + environment.ask("-m", "zmqcore", "as-zmq", "disable").splitlines()[-2], flush=True)
    after = files(environment.folder / "venv")
    left = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert not left, f"not as before: {left}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="make the environment anew")
    parser.add_argument("--no-encryption", action="store_true", help="without the runs with transport_encryption")
    arguments = parser.parse_args()
    encryptions = ["disabled"] if arguments.no_encryption else ["disabled", "auto", "required"]
    environment = Environment(PROJECT, newest=False, fresh=arguments.fresh, suffix="-notebook")
    (environment.folder / "notebook.py").write_text(textwrap.dedent(NOTEBOOK))
    python = str(environment.python)
    suites.pip("install", "-q", "pyzmq", python=python)
    print("pyzmq installed", flush=True)
    live(environment, "zmq.sugar.socket", ["disabled"])
    switch_and_back(environment, encryptions)
    suites.pip("uninstall", "-q", "-y", "pyzmq", python=python)
    print("pyzmq uninstalled", flush=True)
    switch_and_back(environment, encryptions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
