"""Runs the test suites of projects that use pyzmq on zmqcore, with zmq as its alias, and on pyzmq itself, and compares test by test.

    python tests/projects/run.py [PROJECT ...] [--newest] [--fresh] [--only pyzmq|zmqcore] [--json FILE]

projects.toml beside this file lists the projects. Each has an environment of its own under build/projects, which stays there for the next run unless
--fresh is given, with pyzmq in it and this zmqcore. Its suite comes from its sdist, fetched by pip, and is run twice: as the environment is, and after
`python -m zmqcore as-zmq enable`, so that kernels, engines and other processes that it starts use zmqcore, too. A test that passes with pyzmq must pass
with zmqcore, or be listed with a reason. --newest takes the newest versions instead of those listed.

Test files with a difference are run again, up to three times: what fails only once on a busy machine says nothing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import tomllib

import zmqcore

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "shared"))

import suites  # noqa: E402

AGAIN = 3
TEST_SECONDS = 120


class Environment:
    """A virtual environment with a project, what its tests need, pyzmq and this zmqcore; and the project's sdist beside it."""

    def __init__(self, project, newest, fresh, suffix=""):
        self.name, self.version = project["name"], suites.versions(project["name"])[0] if newest else project["version"]
        self.project = project
        self.folder = ROOT / "build" / "projects" / f"{self.name}-{self.version}-{sys.implementation.cache_tag}{suffix}"
        self.python = self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        if fresh or not (self.folder / "complete").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.make()
        (self.source,) = (self.folder / "source").iterdir()

    def make(self):
        venv.create(self.folder / "venv", with_pip=True)
        (self.folder / "source").mkdir()
        source = suites.fetch_source(self.name, self.version, self.folder / "source")
        settings = source / "pyproject.toml"
        if not ((source / "pytest.ini").exists() or (settings.exists() and "[tool.pytest" in settings.read_text())):
            (source / "pytest.ini").write_text("[pytest]\n")  # or else those of the folders above would hold
        own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
        wanted = [f"{self.name}=={self.version}", "pyzmq", *own, *self.project["needs"]]
        suites.pip("install", "-q", "--prefer-binary", *wanted, python=str(self.python))
        # This zmqcore, as it is built here, and nothing else of this folder.
        (self.folder / "zmqcore").mkdir()
        (self.folder / "zmqcore" / "zmqcore").symlink_to(Path(zmqcore.__file__).resolve().parent, target_is_directory=True)
        packages = sysconfig.get_path("purelib", vars={"base": str(self.folder / "venv"), "platbase": str(self.folder / "venv")})
        (Path(packages) / "zmqcore-of-this-checkout.pth").write_text(f"{self.folder / 'zmqcore'}\n")
        (self.folder / "complete").touch()

    def variables(self):
        found = suites.clean_environment()
        found.pop("PYTHONPATH", None)
        found["PATH"] = os.pathsep.join([str(self.python.parent), found.get("PATH", "")])
        found["VIRTUAL_ENV"] = str(self.folder / "venv")
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            found[name] = str(self.folder / "home" / name.lower())
        found["HOME"] = str(self.folder / "home")
        (self.folder / "home").mkdir(exist_ok=True)
        return found

    def ask(self, *arguments):
        done = subprocess.run([self.python, *arguments], cwd=self.folder, env=self.variables(), capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(map(str, arguments))}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def choose(self, which):
        self.ask("-m", "zmqcore", "as-zmq", "enable" if which == "zmqcore" else "disable")
        found = self.ask("-c", "import zmq; print(zmq.Socket.__module__)")
        assert found == ("zmqcore.socket" if which == "zmqcore" else "zmq.sugar.socket"), found

    def run(self, tests):
        command = [str(self.python), "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
        command += [f"--timeout={TEST_SECONDS}", *tests]
        return suites.run_pytest(
            command, self.folder / "report.xml", self.name, self.project["seconds"], cwd=self.source, env=self.variables(), stdin=subprocess.DEVNULL
        )

    def files_of(self, names):
        """The test files that these tests are in."""
        found = set()
        for name in names:
            parts = name.split(".")
            for length in range(len(parts), 0, -1):
                for folder in (self.source, self.source / "tests"):
                    path = folder.joinpath(*parts[:length]).with_suffix(".py")
                    if path.is_file():
                        found.add(str(path.relative_to(self.source)))
        return sorted(found)


def run_with(environment, which):
    environment.choose(which)
    began = time.monotonic()
    try:
        found, messages = environment.run(environment.project["tests"])
    finally:
        environment.choose("pyzmq")
    print(f"  {which:8} {time.monotonic() - began:5.0f} s", flush=True)
    if "passed" not in found.values():
        sys.exit(f"no test of {environment.name} passes with {which}: {messages}")
    return found, messages


def run_again(environment, theirs, ours, rows):
    """Takes as passed what passes in one of a few more runs."""
    own = environment.project["tests"]
    options = own[: own.index(next(argument for argument in own if (environment.source / argument).exists()))]
    options += own[len(options) + 1:]
    environment.choose("zmqcore")
    try:
        for _ in range(AGAIN):
            files = environment.files_of(name for name in suites.only_with_pyzmq(theirs, ours) if suites.listed(name, rows) is None)
            if not files:
                return
            again, _ = environment.run([*options, *files])
            ours |= {name: outcome for name, outcome in again.items() if outcome == "passed"}
    finally:
        environment.choose("pyzmq")


def compare(project, arguments):
    environment = Environment(project, arguments.newest, arguments.fresh)
    rows = project.get("differs", [])
    print(f"{environment.name} {environment.version}, {environment.folder.relative_to(ROOT)}", flush=True)
    result = {"name": environment.name, "version": environment.version}
    for which in ("pyzmq", "zmqcore"):
        if arguments.only in (None, which):
            result[which], result[f"{which} said"] = run_with(environment, which)
    if arguments.only is None:
        theirs, ours = result["pyzmq"], result["zmqcore"]
        run_again(environment, theirs, ours, rows)
        result["unexplained"], reasons = suites.report_differences(theirs, ours, result["zmqcore said"], rows)
        result["unneeded"] = [row["reason"] for row in rows if row["reason"] not in reasons]
        for reason in result["unneeded"]:
            print(f"     - no test needs this row of projects.toml: {reason}")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", metavar="PROJECT")
    parser.add_argument("--newest", action="store_true", help="the newest versions instead of those in projects.toml")
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    parser.add_argument("--only", choices=["pyzmq", "zmqcore"], help="run with one of the two, compare nothing")
    parser.add_argument("--json", type=Path, help="write every outcome to this file")
    arguments = parser.parse_args()
    table = tomllib.loads((HERE / "projects.toml").read_text())["projects"]
    unknown = set(arguments.projects) - {project["name"] for project in table}
    if unknown:
        parser.error(f"not in projects.toml: {', '.join(sorted(unknown))}")
    results = []
    for project in table:
        if not arguments.projects or project["name"] in arguments.projects:
            results.append(compare(project, arguments))
            if arguments.json:
                arguments.json.write_text(json.dumps(results, indent=1))
    return 1 if any(result.get("unexplained") or result.get("unneeded") for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
