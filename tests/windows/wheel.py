"""Makes the wheel for Windows of an extension that was compiled elsewhere: python tests/windows/wheel.py EXTENSION FOLDER

The same files give the same bytes: their date is SOURCE_DATE_EPOCH, or the one of setup.py.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TAG = "cp311-cp311-win_amd64"
DATE = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "1580601600")))[:6]


def metadata(folder):
    """The dist-info folder that setuptools makes of pyproject.toml. Apart from setup.py, which would have the C generated anew."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    (Path(folder) / "zmqcore").mkdir()
    code = "import sys; from setuptools import build_meta; print(build_meta.prepare_metadata_for_build_wheel(sys.argv[1]))"
    lines = subprocess.run([sys.executable, "-c", code, folder], cwd=folder, check=True, capture_output=True, text=True).stdout
    return Path(folder) / lines.splitlines()[-1]


def files(extension, info):
    """(name in the wheel, contents)"""
    for path in sorted((ROOT / "zmqcore").rglob("*")):
        if path.suffix in (".py", ".pyi", ".pxd", ".typed") or path.name == "py.typed":
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    yield f"zmqcore/{extension.name}", extension.read_bytes()
    for path in sorted(info.rglob("*")):
        if path.is_file() and path.name not in ("RECORD", "WHEEL"):
            yield f"{info.name}/{path.relative_to(info).as_posix()}", path.read_bytes()
    yield f"{info.name}/WHEEL", f"Wheel-Version: 1.0\nGenerator: zmqcore\nRoot-Is-Purelib: false\nTag: {TAG}\n".encode()


def add(archive, name, contents):
    member = zipfile.ZipInfo(name, DATE)
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(member, contents)


def main():
    extension, out = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        info = metadata(folder)
        wheel = out / f"{info.name.removesuffix('.dist-info')}-{TAG}.whl"
        record = []
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, contents in files(extension, info):
                digest = urlsafe_b64encode(sha256(contents).digest()).rstrip(b"=").decode()
                record.append(f"{name},sha256={digest},{len(contents)}\n")
                add(archive, name, contents)
            add(archive, f"{info.name}/RECORD", "".join(record) + f"{info.name}/RECORD,,\n")
    print(wheel)


if __name__ == "__main__":
    main()
