"""Measures the ways in which C-level Cython files can become extensions. The result is discussed in ../extensions.md.

    python docs/extensions/spike.py [build directory]       needs Cython, setuptools, gcc, g++, objdump, gdb, gcov, coverage

The toy is the hot path in small: a frame header is written for each message, the message crosses an SPSC ring with acquire/release
indices, and the header is parsed on the other side. 150 filler functions stand for the rest of a core, so that build times mean something.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"
FILLERS = 150
OPERATIONS = 20_000_000
REPEATS = 7
DIRECTIVES = "{'language_level': 3, 'boundscheck': False, 'wraparound': False, 'cdivision': True, 'initializedcheck': False}"

RING_STRUCT = """
from libc.stdint cimport uint64_t
cdef enum:
    SLOTS = 64
cdef struct entry_t:
    unsigned char header[16]
    uint64_t body
"""

RING_PLAIN = """
    uint64_t head
    char pad[56]
    uint64_t tail
"""

RING_CPP = """
    atomic[uint64_t] head
    char pad[56]
    atomic[uint64_t] tail
"""

RING_BODY = """
cdef{inline} entry_t *ring_slot(ring_t *r) noexcept nogil:
    cdef uint64_t head = {load_relaxed_head}
    if head - {load_acquire_tail} == SLOTS:
        return NULL
    return &r.slots[head % SLOTS]

cdef{inline} void ring_commit(ring_t *r) noexcept nogil:
    {store_release_head}

cdef{inline} entry_t *ring_front(ring_t *r) noexcept nogil:
    cdef uint64_t tail = {load_relaxed_tail}
    if {load_acquire_head} == tail:
        return NULL
    return &r.slots[tail % SLOTS]

cdef{inline} void ring_pop(ring_t *r) noexcept nogil:
    {store_release_tail}
"""

FRAME_BODY = """
cdef{inline} int frame_put(unsigned char *out, uint64_t size, int flags) noexcept nogil:
    if size <= 255:
        out[0] = <unsigned char>flags
        out[1] = <unsigned char>size
        return 2
    out[0] = <unsigned char>(flags | 2)
    memcpy(out + 1, &size, 8)
    return 9

cdef{inline} int frame_get(const unsigned char *p, uint64_t *size) noexcept nogil:
    if p[0] & 4:
        return -71
    if p[0] & 2:
        memcpy(size, p + 1, 8)
        return 9
    size[0] = p[1]
    return 2
"""

HOT = """
cdef ring_t ring

cdef uint64_t hot_path(uint64_t n, uint64_t size) noexcept nogil:
    cdef uint64_t i, got = 0, total = 0
    cdef entry_t *e
    for i in range(n):
        e = ring_slot(&ring)
        if e == NULL:
            return 0
        frame_put(e.header, size + (i & 63), 0)
        e.body = i
        ring_commit(&ring)
        e = ring_front(&ring)
        if e == NULL:
            return 0
        if frame_get(e.header, &got) < 0:
            return 0
        total += got + e.body
        ring_pop(&ring)
    return total

def run(uint64_t n):
    cdef uint64_t r
    with nogil:
        r = hot_path(n, 16)
    return r

def run_long(uint64_t n):
    cdef uint64_t r
    with nogil:
        r = hot_path(n, 300)
    return r
"""


def filler(inline):
    """Small state machines of the size and shape of a core's functions."""
    text = ""
    for n in range(FILLERS):
        text += f"""
cdef{inline} int filler_{n}(const unsigned char *p, size_t size, uint64_t *state) noexcept nogil:
    cdef size_t i
    cdef uint64_t x = state[0] + {n}
    for i in range(size):
        if p[i] == {n % 256}:
            x = x * 31 + i
        elif p[i] & 0x80:
            x ^= <uint64_t>p[i] << (i & 31)
        else:
            x += 1
    if x == 0:
        return -22
    state[0] = x
    return <int>(x & 0x7fffffff)
"""
    return text


FILLER_USE = """
def use_fillers(bytes data):
    cdef uint64_t state = 1
    cdef const unsigned char *p = data
    cdef size_t size = len(data)
    cdef int rc = 0
""" + "".join(f"    rc ^= filler_{n}(p, size, &state)\n" for n in range(FILLERS)) + "    return rc\n"

C_ATOMICS = "from base.atomics cimport zc_load_relaxed_u64, zc_load_acquire_u64, zc_store_release_u64\n"
CPP_ATOMICS = "from libcpp.atomic cimport atomic, memory_order_relaxed, memory_order_acquire, memory_order_release\n"
MEMCPY = "from libc.string cimport memcpy\nfrom libc.stdint cimport uint64_t\n"


def ring_body(inline, cpp):
    names = {"inline": inline}
    for end in ("head", "tail"):
        if cpp:
            names[f"load_relaxed_{end}"] = f"r.{end}.load(memory_order_relaxed)"
            names[f"load_acquire_{end}"] = f"r.{end}.load(memory_order_acquire)"
            names[f"store_release_{end}"] = f"r.{end}.store(r.{end}.load(memory_order_relaxed) + 1, memory_order_release)"
        else:
            names[f"load_relaxed_{end}"] = f"zc_load_relaxed_u64(&r.{end})"
            names[f"load_acquire_{end}"] = f"zc_load_acquire_u64(&r.{end})"
            names[f"store_release_{end}"] = f"zc_store_release_u64(&r.{end}, zc_load_relaxed_u64(&r.{end}) + 1)"
    return RING_BODY.format(**names)


def ring_struct(cpp):
    return RING_STRUCT + "cdef struct ring_t:" + (RING_CPP if cpp else RING_PLAIN) + "    entry_t slots[SLOTS]\n"


def declarations(body):
    """The function heads of a body, as a .pxd of another extension declares them."""
    return "\n".join(re.sub(r"\s*:$", "", line) for line in body.splitlines() if line.startswith("cdef")) + "\n"


def one_extension(cpp):
    atomics = CPP_ATOMICS if cpp else C_ATOMICS
    files = {
        "ring.pxd": atomics + ring_struct(cpp) + ring_body(" inline", cpp),
        "frame.pxd": MEMCPY + FRAME_BODY.format(inline=" inline"),
        "filler.pxd": MEMCPY + filler(" inline"),
        "hot.pyx": MEMCPY
        + "from ring cimport *\nfrom frame cimport *\nfrom filler cimport *\n"
        + HOT
        + FILLER_USE,
    }
    return files, ["hot"]


def three_extensions():
    ring, frame, fillers = ring_body("", False), FRAME_BODY.format(inline=""), filler("")
    files = {
        "ring.pxd": ring_struct(False) + declarations(ring),
        "ring.pyx": C_ATOMICS + ring,
        "frame.pxd": MEMCPY + declarations(frame) + declarations(fillers),
        "frame.pyx": MEMCPY + frame + fillers,
        "hot.pyx": MEMCPY + "from ring cimport *\nfrom frame cimport *\n" + HOT + FILLER_USE,
    }
    return files, ["ring", "frame", "hot"]


SETUP = """
import os, sys
from setuptools import setup, Extension
from Cython.Build import cythonize
language = {language!r}
extensions = [Extension(name, [name + ".pyx"], include_dirs=[{src!r}], language=language,
              extra_compile_args=os.environ.get("SPIKE_FLAGS", "-O3 -fno-plt -fvisibility=hidden").split(),
              extra_link_args=os.environ.get("SPIKE_LINK", "").split(),
              define_macros=[("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1")] if "SPIKE_TRACE" in os.environ else [])
              for name in {modules!r}]
directives = dict({directives}, linetrace="SPIKE_TRACE" in os.environ)
setup(script_args=["build_ext", "--inplace", "-q"], ext_modules=cythonize(extensions, include_path=[{src!r}, "."],
      compiler_directives=directives, emit_linenums="SPIKE_LINES" in os.environ))
"""

MEASURE = f"""
import time, hot
hot.use_fillers(b"x"); best = 1e9
for _ in range({REPEATS}):
    t = time.perf_counter(); assert hot.run({OPERATIONS}); best = min(best, time.perf_counter() - t)
print(best / {OPERATIONS} * 1e9)
"""


def sh(*command, cwd, **variables):
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} in {cwd}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def write(folder, files, modules, language):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    text = SETUP.format(language=language, src=str(SRC), modules=modules, directives=DIRECTIVES)
    (folder / "setup.py").write_text(text)


def inner_calls(library):
    """Call instructions inside hot_path: none means that everything on the hot path was inlined.

    run() and run_long() both call hot_path(), so it stays a function that can be found.
    """
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], capture_output=True, text=True, check=True).stdout
    for function in text.split("\n\n"):
        if re.search(r"^[0-9a-f]+ <\w*hot_path[^>]*>:", function.strip()):
            return len(re.findall(r"\tcall\w*\s", function))
    sys.exit(f"{library}: no hot_path")


def variant(root, title, files, modules, language="c"):
    folder = root / re.sub(r"\W+", "-", title)
    write(folder, files, modules, language)
    began = time.perf_counter()
    sh(sys.executable, "setup.py", cwd=folder)
    build = time.perf_counter() - began
    for library in folder.glob("*.so"):
        sh("strip", "--strip-debug", library, cwd=folder)
    libraries = sorted(folder.glob("*.so"))
    hot = next(library for library in libraries if library.name.startswith("hot."))
    needed = set(re.findall(r"\[(lib[^\]]+)\]", sh("readelf", "-d", *libraries, cwd=folder)))
    row = {
        "build s": f"{build:.1f}",
        "ns per message": f"{float(sh(sys.executable, '-c', MEASURE, cwd=folder)):.2f}",
        "calls in hot loop": inner_calls(hot),
        ".so KiB": sum(library.stat().st_size for library in libraries) // 1024,
        "needs": " ".join(sorted(needed)),
    }
    print(f"| {title} | " + " | ".join(str(v) for v in row.values()) + " |", flush=True)


def line_of(folder, name, text):
    return next(n for n, line in enumerate((folder / name).read_text().splitlines(), 1) if text in line)


def debugging(root):
    """gdb at a line of a .pxd in a nogil inline function."""
    folder = root / "gdb"
    files, modules = one_extension(False)
    write(folder, files, modules, "c")
    sh(sys.executable, "setup.py", cwd=folder, SPIKE_LINES="1", SPIKE_FLAGS="-O0 -g3")
    line = line_of(folder, "frame.pxd", "out[1] = <unsigned char>size")
    program = [sys.executable, "-c", "import hot; hot.run(1)"]
    commands = ["set breakpoint pending on", "set debuginfod enabled off", f"break frame.pxd:{line}", "run", "bt 3"]
    shown = sh("gdb", "-q", "-batch", *(x for c in commands for x in ("-ex", c)), "--args", *program, cwd=folder)
    print(f"\ngdb, break at frame.pxd:{line}:")
    print("\n".join("    " + text for text in shown.splitlines() if text.startswith("#")))


def gcov(root):
    """gcov counts of the lines of a .pxd."""
    folder = root / "gcov"
    files, modules = one_extension(False)
    write(folder, files, modules, "c")
    sh(sys.executable, "setup.py", cwd=folder, SPIKE_LINES="1", SPIKE_FLAGS="-O0 --coverage", SPIKE_LINK="--coverage")
    took = sh(sys.executable, "-c", "import time, hot; t = time.time(); hot.run(10**6); print((time.time() - t) * 1e3)", cwd=folder)
    notes = next(folder.rglob("*.gcno"))
    sh("gcov", "-o", notes.parent, notes.name, cwd=folder)
    print(f"\ngcov ({float(took):.1f} ns per message), frame.pxd:")
    lines = (folder / "frame.pxd.gcov").read_text().splitlines()
    print("\n".join("    " + text for text in lines[5:22]))


def line_trace(root):
    """Cython's own line tracing with coverage.py."""
    folder = root / "linetrace"
    files, modules = one_extension(False)
    write(folder, files, modules, "c")
    sh(sys.executable, "setup.py", cwd=folder, SPIKE_TRACE="1")
    (folder / ".coveragerc").write_text("[run]\nplugins = Cython.Coverage\n")
    (folder / "go.py").write_text("import time, hot\nt = time.time(); hot.run(10**5); print((time.time() - t) * 1e4)\n")
    plain = sh(sys.executable, "go.py", cwd=folder)
    # CTracer: CPython's monitoring core of coverage.py does not take plugins.
    traced = sh(sys.executable, "-m", "coverage", "run", "go.py", cwd=folder, COVERAGE_CORE="ctrace")
    print(f"\nlinetrace: {float(plain):.0f} ns per message without a tracer, {float(traced.split()[0]):.0f} ns under coverage.py")
    print("\n".join("    " + text for text in sh(sys.executable, "-m", "coverage", "report", "-m", cwd=folder).splitlines()))


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "build/spike").resolve()
    print("| variant | build s | ns per message | calls in hot loop | .so KiB | needs |")
    print("|---|---|---|---|---|---|")
    variant(root, "(a) one extension, inline .pxd, C", *one_extension(False))
    variant(root, "(b) three extensions that cimport each other, C", *three_extensions())
    variant(root, "(c) one extension, inline .pxd, C++ atomics", *one_extension(True), language="c++")
    debugging(root)
    gcov(root)
    line_trace(root)


if __name__ == "__main__":
    main()
