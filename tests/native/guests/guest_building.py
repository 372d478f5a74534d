"""Builds zmqcore with guests: each a file that src/ does not have, and one line in the select of its room.

python tests/native/guests/guest_building.py DIRECTORY GUEST ...     then: PYTHONPATH=DIRECTORY python -m pytest ...
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# guest: (where its file goes, the select, a line of it, the line of the guest before it, what that line calls)
GUESTS = {
    "xor": (
        "mechanism/xor.pxd",
        "mechanism/select.pxd",
        "    if kind == MECHANISM_NULL:\n",
        "    if kind == MECHANISM_NULL: return xor_new(config, out)\n",
        "xor_new",
    ),
    "prefixed": (
        "engine/prefixed.pxd",
        "engine/select.pxd",
        "    if kind == ENGINE_ZMTP or kind == ENGINE_PACKED:\n",
        "    if kind == ENGINE_ZMTP: return prefixed_new(config, out)\n",
        "prefixed_new",
    ),
    "toy": (
        "transport/toy.pxd",
        "transport/select.pxd",
        "    tcp_ops(transports_add(all))\n",
        "    toy_ops(transports_add(all))\n",
        "toy_ops",
    ),
}

TYPE_NUMBER = 21  # of the toy socket type: one that the API does not have
TYPES = {
    "answerer": (
        "pattern/answerer.pxd",
        "pattern/select.pxd",
        "    if type == TYPE_PAIR:\n",
        f"    if type == {TYPE_NUMBER}:\n        answerer_ops(ops)\n        return 0\n",
        "answerer_ops",
    ),
}


def directives():
    """As setup.py has them: a directive changes what a function means."""
    spec = importlib.util.spec_from_file_location("simulator_building", ROOT / "tests" / "simulator" / "building.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.directives()


def move_in(guest, src):
    target, select, line, extra, function = {**GUESTS, **TYPES}[guest]
    shutil.copy(Path(__file__).with_name(Path(target).name), src / target)
    text = (src / select).read_text()
    assert text.count(line) == 1, f"{select} has changed: {line!r}"
    name = target[:-4].replace("/", ".")
    text = text.replace(line, extra + line)
    text = text.replace("\nfrom ", f"\nfrom {name} cimport {function}\nfrom ", 1)
    (src / select).write_text(text)


def build(into, guests):
    """A whole package `zmqcore` in the directory `into`, with C asserts."""
    from Cython.Compiler.Main import CompilationOptions, compile_single, default_options

    into = Path(into).resolve()
    src = into / "src"
    shutil.copytree(ROOT / "src", src)
    shutil.copytree(ROOT / "zmqcore", into / "zmqcore", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    for guest in guests:
        move_in(guest, src)
    c_file = into / "_core.c"
    before = Path.cwd()
    os.chdir(src / "api")
    try:
        options = CompilationOptions(default_options, output_file=str(c_file), include_path=[str(src)], compiler_directives=directives(), emit_linenums=True)
        result = compile_single("_core.pyx", options, full_module_name="zmqcore._core")
    finally:
        os.chdir(before)
    if result.num_errors:
        raise RuntimeError(f"the core does not compile with {', '.join(guests)}")
    library = into / "zmqcore" / ("_core" + sysconfig.get_config_var("EXT_SUFFIX"))
    command = [
        *os.environ.get("CC", "gcc").split(), "-shared", "-fPIC", "-pthread", "-std=gnu11", "-fvisibility=hidden", "-fwrapv", "-w", "-O0", "-g",
        "-UNDEBUG", f"-I{src}", f"-I{sysconfig.get_paths()['include']}", "-o", str(library), str(c_file),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    return into


if __name__ == "__main__":
    print(build(sys.argv[1], sys.argv[2:]))
