"""What is packed for a release has the same bytes wherever, whenever and by whom it was packed.

Rules
- Two trees with the same files, which differ in all that must not count: folder, times, modes, umask, time zone, hash seed.
- Nothing is compiled here, for that takes minutes: tests/platforms/reproducible.sh does it with the compiler.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKED = ["setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "zmqcore", "src/api", "tests/windows"]
BUILD = "import os; os.umask({umask}); from setuptools import build_meta; build_meta.build_{what}('out')"


def tree(folder):
    """The files of a release, with nothing to be compiled."""
    for name in PACKED:
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
        else:
            shutil.copy(ROOT / name, copy)
    cython = folder.parent / f"cython-of-{folder.name}" / "Cython"
    cython.mkdir(parents=True)
    (cython / "__init__.py").touch()
    (cython / "Build.py").write_text("def cythonize(*_, **__):\n    return []\n")
    return folder, {**os.environ, "PYTHONPATH": str(cython.parent)}


def another_tree(folder):
    made, environment = tree(folder)
    for path in made.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)
    return made, {**environment, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}


@pytest.fixture
def trees(tmp_path, monkeypatch):
    for name in ("SOURCE_DATE_EPOCH", "ZMQCORE_BUILD", "ZMQCORE_PROBE", "ZMQCORE_SIM"):
        monkeypatch.delenv(name, raising=False)
    return tree(tmp_path / "here"), another_tree(tmp_path / "another" / "place")


def run(folder, environment, *command):
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def packed(folder):
    (made,) = (path for path in (folder / "out").iterdir() if path.suffix in (".gz", ".whl"))
    return made


def assert_same(first, second):
    assert first.name == second.name
    assert sha256(first.read_bytes()).hexdigest() == sha256(second.read_bytes()).hexdigest()


@pytest.mark.parametrize("what", ["sdist", "wheel"])
def test_packed_twice_is_the_same(trees, what):
    for (folder, environment), umask in zip(trees, (0o022, 0o077)):
        run(folder, environment, "-c", BUILD.format(what=what, umask=umask))
    assert_same(*(packed(folder) for folder, _ in trees))


def test_the_date_is_what_SOURCE_DATE_EPOCH_says(trees):
    (folder, environment), _ = trees
    date = "1700000000"
    for what in ("sdist", "wheel"):
        run(folder, {**environment, "SOURCE_DATE_EPOCH": date}, "-c", BUILD.format(what=what, umask=0o022))
    (sdist,) = (folder / "out").glob("*.tar.gz")
    (wheel,) = (folder / "out").glob("*.whl")
    with tarfile.open(sdist) as archive:
        assert {member.mtime for member in archive} == {int(date)}
    with zipfile.ZipFile(wheel) as archive:
        assert {member.date_time for member in archive.infolist()} == {time.gmtime(int(date))[:6]}


def test_the_wheel_for_windows_packed_twice_is_the_same(trees):
    for folder, environment in trees:
        (folder / "out").mkdir()
        (folder / "_core.pyd").write_bytes(b"as if compiled")
        run(folder, environment, "tests/windows/wheel.py", "_core.pyd", "out")
    assert_same(*(packed(folder) for folder, _ in trees))
    # Both may have been packed in the same two seconds, which is what the clock of a zip goes by.
    with zipfile.ZipFile(packed(trees[0][0])) as archive:
        assert {member.date_time for member in archive.infolist()} == {(2020, 2, 2, 0, 0, 0)}


def test_the_conda_recipe_says_what_pyproject_says():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    recipe = (ROOT / "wheelhouse-config/conda/recipe.yaml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.*)"$', project, re.M)
    assert f'  version: "{version}"\n' in recipe
    required = re.findall(r'^requires = \[(.*)\]$', project, re.M)[0] + re.findall(r"^dependencies = \[\n(.*?)^\]$", project, re.M | re.S)[0]
    names = re.findall(r'"(\w+)(>=[\d.]+)"', required)
    assert len(names) == 3
    for name, bound in names:
        assert f"    - {name.lower()} {bound}\n" in recipe
