"""Environments of their own, since what is tried changes what a Python finds when it starts; and a program that has children."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest

import zmqcore

PACKAGE_ROOT = Path(zmqcore.__file__).resolve().parents[1]


def variables(**more):
    """This environment without what tells Python where to look for modules."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ZMQCORE_AS_ZMQ", "PYTHONHOME")}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}


class Environment:
    """A virtual environment that has zmqcore, and pyzmq if asked for."""

    def __init__(self, folder, with_pyzmq):
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
        scheme = "venv" if "venv" in sysconfig.get_scheme_names() else sysconfig.get_default_scheme()
        paths = sysconfig.get_paths(scheme, {"base": str(folder), "platbase": str(folder)})
        self.python = Path(paths["scripts"]) / Path(sys.executable).name
        self.site = Path(paths["purelib"])
        if not self.python.exists():
            pytest.skip("this CPython came without the launchers that venv copies")
        (self.site / "zmqcore.pth").write_text(f"{PACKAGE_ROOT}\n")
        if with_pyzmq:
            origin = Path(distribution("pyzmq").locate_file(""))
            for path in [origin / "zmq", *origin.glob("pyzmq*")]:
                if path.is_dir():
                    shutil.copytree(path, self.site / path.name, ignore=shutil.ignore_patterns("__pycache__"))

    def start(self, *arguments, folder=None, **more):
        return subprocess.run(
            [self.python, *map(str, arguments)], cwd=folder or self.site, env=variables(**more), capture_output=True, text=True, timeout=50
        )

    def output(self, *arguments, **more):
        """What a program that must succeed prints, without blanks around it."""
        done = self.start(*arguments, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout.strip()

    def files(self):
        return {path.relative_to(self.site): path.read_bytes() for path in self.site.rglob("*") if path.is_file()}


CHILDREN = """
import multiprocessing, pickle, subprocess, sys
import zmq

def which(error):
    import zmq.error
    return zmq.Socket.__module__, type(error) is zmq.error.Again, zmq.Again("back")

if __name__ == "__main__":
    for method in [method for method in ("spawn", "forkserver", "fork") if method in multiprocessing.get_all_start_methods()]:
        with multiprocessing.get_context(method).Pool(1) as pool:
            module, same, back = pool.apply(which, [zmq.Again("there")])
        print(method, module, same, type(back) is zmq.Again)
    print(subprocess.run([sys.executable, "-c", "import zmq; print(zmq.Socket.__module__)"], capture_output=True, text=True).stdout.strip())
"""


def check_children(shown, module):
    *pools, child = shown.splitlines()
    assert pools and [line.split()[1:] for line in pools] == [[module, "True", "True"]] * len(pools)
    assert child == module
