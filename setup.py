"""Builds the compiled part of zmqcore. Everything else about the package is in pyproject.toml.

Two environment variables choose what is built:

  ZMQCORE_BUILD   comma-separated list of
      release     (default) -O3
      debug       -O0 -g3, C asserts on
      asan        AddressSanitizer + UndefinedBehaviorSanitizer
      tsan        ThreadSanitizer
      coverage    gcov counters that point at the .pxd and .pyx lines
      annotate    HTML beside the generated C that shows where Python's C API is called; no C-level line numbers then
  ZMQCORE_PROBE=1 also builds zmqcore._probe, the test-only face of the sans-IO parts (tests/native)
  ZMQCORE_SIM=1   also builds zmqcore._sim, the same core on a simulated system (tests/native/sim; Linux only)

Each combination has its own directory under build/, so switching never mixes objects, and generated C never lands in src/.

The same tree and tools give the same bytes of sdist and wheel, wherever, whenever and by whom they are built (tests/platforms/reproducible.sh).
SOURCE_DATE_EPOCH is the date of all that is packed.
"""

import gzip
import io
import multiprocessing
import os
import re
import stat
import sys
import tarfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

VARIANTS = {"release", "debug", "asan", "tsan", "coverage", "annotate"}

# Set once, here: a directive in a single file would make the same inline function mean two things.
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    # C pointers never wrap around, so this costs the rooms below api nothing, and in api a list's [-1] means what it says.
    "wraparound": True,
    "cdivision": True,
    "initializedcheck": False,
    "nonecheck": False,
    "infer_types": True,
    "freethreading_compatible": True,
    # Annotations are for those who read them at run time; C types are said as C types.
    "annotation_typing": False,
}

# The packer of wheels and the compiler look for it, too. Without one the date is that of no event: 2 February 2020.
DATE = int(os.environ.setdefault("SOURCE_DATE_EPOCH", "1580601600"))

# Sockets, interface names, random bytes. wheelhouse-config/cross.sh links with the same list.
WINDOWS_LIBRARIES = ["ws2_32", "iphlpapi", "bcrypt"]

SANITIZE = {
    "asan": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"],
    "tsan": ["-fsanitize=thread", "-fno-omit-frame-pointer"],
}


def chosen_variants():
    chosen = {v.strip() for v in os.environ.get("ZMQCORE_BUILD", "").split(",") if v.strip()}
    unknown = chosen - VARIANTS
    if unknown:
        sys.exit(f"ZMQCORE_BUILD: unknown {', '.join(sorted(unknown))}; choose from {', '.join(sorted(VARIANTS))}")
    if {"asan", "tsan"} <= chosen:
        sys.exit("ZMQCORE_BUILD: asan and tsan cannot be combined")
    return chosen - {"release"}


CHOSEN = chosen_variants()
WITH_PROBE = os.environ.get("ZMQCORE_PROBE", "") not in ("", "0")
WITH_SIM = os.environ.get("ZMQCORE_SIM", "") not in ("", "0") and sys.platform.startswith("linux")
BUILD_BASE = "/".join(["build", "-".join(sorted(CHOSEN)) or "release"]) + ("-probe" if WITH_PROBE else "") + ("-sim" if WITH_SIM else "")

# The extensions of a test build are translated and compiled side by side. Other ways to start a process than fork load the main module anew: this file.
JOBS = os.cpu_count() or 1
TRANSLATORS = JOBS if WITH_PROBE and multiprocessing.get_start_method() == "fork" else 0


def unix_flags():
    compile_args = ["-std=gnu11", "-fvisibility=hidden", "-pthread"]
    link_args = ["-pthread"]
    if sys.platform.startswith("linux"):
        compile_args.append("-fno-plt")
    # Python's own CFLAGS come first on the command line: the last -O and the last -U/-D win.
    if CHOSEN & {"debug", "coverage"}:
        compile_args += ["-O0", "-g3", "-UNDEBUG"]
    elif CHOSEN & {"asan", "tsan"}:
        compile_args += ["-O1", "-g", "-UNDEBUG"]
    else:
        compile_args += ["-O3"]
        if not re.search(r"(^|\s)-g", os.environ.get("CFLAGS", "")):
            # The -g among Python's own CFLAGS is for Python. Ours is asked for in the environment: it names the folder of the build and of
            # Python's headers, and makes the extension seven times as large.
            compile_args += ["-g0"]
        if sys.platform.startswith("linux"):
            # The core is one unit. GCC ends inlining when that has made it 40 % larger, before it comes to functions of three lines that every
            # message goes through, and each transport takes some of these 40 %. 120 was too little by the time there were 20: the first check
            # of every call was a call again. The wheel grows by a tenth.
            compile_args += ["--param=inline-unit-growth=200"]
    for name in sorted(CHOSEN & set(SANITIZE)):
        compile_args += SANITIZE[name]
        link_args += SANITIZE[name]
    if "coverage" in CHOSEN:
        # Atomic counters: the I/O thread and the callers run the same functions.
        compile_args += ["--coverage", "-fprofile-update=atomic"]
        link_args += ["--coverage"]
    return compile_args, link_args


def msvc_flags():
    if CHOSEN & {"tsan", "coverage"}:
        sys.exit("ZMQCORE_BUILD: tsan and coverage need gcc or clang")
    compile_args = ["/std:c11"]
    link_args = []
    if "debug" in CHOSEN:
        compile_args += ["/Od", "/Zi", "/UNDEBUG"]
        link_args += ["/DEBUG"]
    else:
        compile_args += ["/O2"]
        link_args += ["/Brepro"]  # a hash of the contents where the time would be
    if "asan" in CHOSEN:
        compile_args += ["/fsanitize=address"]
    return compile_args, link_args


class BuildExt(build_ext):
    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or JOBS

    def build_extensions(self):
        flags = msvc_flags if self.compiler.compiler_type == "msvc" else unix_flags
        compile_args, link_args = flags()
        for extension in self.extensions:
            extension.extra_compile_args = compile_args + extension.extra_compile_args
            extension.extra_link_args += link_args
        super().build_extensions()

    def copy_extensions_to_source(self):
        # By default only a newer file replaces one in place; after a change of variant the wanted one may be older.
        self.force = True
        super().copy_extensions_to_source()


def plain_mode(mode):
    """What git knows of a file's mode: the rest is the umask's."""
    return 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o644


class Sdist(sdist):
    def make_archive(self, base_name, format, root_dir=None, base_dir=None, **owner):
        """Packs without what differs from one machine to the next: the order of the folder, times, modes, who owns the files."""
        if format != "gztar":
            sys.exit(f"sdist: the only format is gztar, not {format}")
        name = f"{base_name}.tar.gz"
        with (
            open(name, "wb") as file,
            gzip.GzipFile("", "wb", 9, file, mtime=DATE) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in sorted(path for path in Path(base_dir).rglob("*") if path.is_file()):
                member = tarfile.TarInfo(path.as_posix())
                member.size, member.mode, member.mtime = path.stat().st_size, plain_mode(path.stat().st_mode), DATE
                archive.addfile(member, io.BytesIO(path.read_bytes()))
        return name


class BdistWheel(bdist_wheel):
    def write_wheelfile(self, *args, **kwargs):
        """The last that is done before the files are packed, with their modes. Times and order are bdist_wheel's own care."""
        super().write_wheelfile(*args, **kwargs)
        for path in Path(self.bdist_dir).rglob("*"):
            path.chmod(plain_mode(path.stat().st_mode))


def c_level_files(*roots):
    return sorted(
        path.as_posix() for root in roots for ext in ("pxd", "pxi", "h") for path in Path(root).rglob(f"*.{ext}")
    )


def extension(name, source, *roots):
    return Extension(
        name,
        [source],
        include_dirs=["src"],
        depends=c_level_files(*roots),
        # Builds for tests can be made to run out of memory and descriptors: src/base/memory.h.
        define_macros=[("ZC_FAULTS", "1")] if WITH_PROBE or CHOSEN & {"debug", "asan", "tsan"} else [],
        libraries=WINDOWS_LIBRARIES if sys.platform == "win32" else [],
    )


def simulated(name, source):
    """The core on the simulated system: the header comes first and takes the names of the system calls (tests/native/sim/system.h)."""
    made = extension(name, source, "src", "tests/native")
    made.include_dirs.append("tests/native")
    made.extra_compile_args += ["-include", "sim/system.h"]
    return for_tests(made)


def for_tests(made):
    """The core once more, or most of it: with -O3 these would be most of what a build for tests takes."""
    if sys.platform != "win32" and not CHOSEN & {"debug", "coverage"}:
        made.extra_compile_args.append("-O1")
    return made


def extensions():
    yield extension("zmqcore._core", "src/api/_core.pyx", "src")
    if WITH_PROBE:
        yield for_tests(extension("zmqcore._probe", "tests/native/_probe.pyx", "src", "tests/native"))
    if WITH_SIM:
        yield simulated("zmqcore._sim", "tests/native/_sim.pyx")
        yield simulated("zmqcore._conversations", "tests/native/_conversations.pyx")


setup(
    cmdclass={"bdist_wheel": BdistWheel, "build_ext": BuildExt, "sdist": Sdist},
    options={"build": {"build_base": BUILD_BASE}},
    ext_modules=cythonize(
        list(extensions()),
        build_dir=f"{BUILD_BASE}/cython",
        include_path=["src", "tests/native"],
        compiler_directives=DIRECTIVES,
        emit_linenums=bool(CHOSEN & {"debug", "asan", "tsan", "coverage"}),
        annotate="annotate" in CHOSEN,
        nthreads=TRANSLATORS,
    ),
)
