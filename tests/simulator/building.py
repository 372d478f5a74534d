"""Builds the simulator alone, from any copy of the sources, in any variant: what planted faults and sanitizers need.

python tests/simulator/building.py DIRECTORY [release|bare|debug|asan|tsan]     then: python tests/simulator/run.py --extension DIRECTORY
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLAGS = {
    "release": ["-O1"],
    "bare": ["-O1", "-DNDEBUG"],  # without C asserts: what they check shows itself by its effect
    "debug": ["-O0", "-g3", "-UNDEBUG"],
    "asan": ["-O1", "-g", "-UNDEBUG", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"],
    "tsan": ["-O1", "-g", "-UNDEBUG", "-fsanitize=thread", "-fno-omit-frame-pointer"],
}


def directives():
    """As setup.py has them: a directive changes what a function means."""
    text = (ROOT / "setup.py").read_text()
    begin = text.index("DIRECTIVES = {")
    scope = {}
    exec(text[begin : text.index("\n}\n", begin) + 3], scope)
    return scope["DIRECTIVES"]


def translate(into, src=ROOT / "src", emit_linenums=False):
    """Cython's part: _sim.c in the directory `into`, made from the core in `src`."""
    from Cython.Compiler.Main import CompilationOptions, compile_single, default_options

    into = Path(into).resolve()
    into.mkdir(parents=True, exist_ok=True)
    native = ROOT / "tests" / "native"
    c_file = into / "_sim.c"
    before = Path.cwd()
    os.chdir(native)
    try:
        options = CompilationOptions(
            default_options,
            output_file=str(c_file),
            include_path=[str(src), str(native)],
            compiler_directives=directives(),
            emit_linenums=emit_linenums,
        )
        result = compile_single("_sim.pyx", options, full_module_name="_sim")
    finally:
        os.chdir(before)
    if result.num_errors:
        raise RuntimeError("the simulator does not compile")
    return c_file


def build(into, variant="release", src=ROOT / "src"):
    """Puts _sim into the directory `into`, made from the core in `src`."""
    into = Path(into).resolve()
    c_file = translate(into, src, variant not in ("release", "bare"))
    native = ROOT / "tests" / "native"
    target = into / ("_sim" + sysconfig.get_config_var("EXT_SUFFIX"))
    python = sysconfig.get_paths()["include"]
    command = [
        *os.environ.get("CC", "gcc").split(), "-shared", "-fPIC", "-pthread", "-std=gnu11", "-DZC_FAULTS=1", "-fvisibility=hidden", "-fwrapv", "-w",
        f"-I{src}", f"-I{native}", f"-I{python}", "-include", "sim/system.h", *FLAGS[variant], "-o", str(target), str(c_file), "-ldl",
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=native)
    return target


def preload(variant):
    """The environment a sanitizer wants."""
    libraries = {"asan": ["libasan.so", "libubsan.so"], "tsan": ["libtsan.so"]}.get(variant, [])
    paths = [subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip() for name in libraries]
    if not paths:
        return {}
    return {"LD_PRELOAD": " ".join(paths), "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1", "TSAN_OPTIONS": "halt_on_error=1", "PYTHONMALLOC": "malloc"}


if __name__ == "__main__":
    chosen = sys.argv[2] if len(sys.argv) > 2 else "release"
    print(build(sys.argv[1], chosen))
    for name, value in preload(chosen).items():
        print(f"{name}={value!r}")
