#!/usr/bin/env bash
# Compiles the core for systems that this machine is not, links it, and looks at what came of it: every branch of src/base/ meets a compiler.
#
#   bash wheelhouse-config/cross.sh [target ...]      (a target as `zig cc` names it)
#
# The compiler is Zig's clang, which carries the C headers of all targets (the `ziglang` wheel). Python's headers are the host's with
# the configuration replaced (cross/pyconfig.h). A name that the target does not have is an error at compile time; the link also proves that each
# function is in a library of the system (for Windows: one that setup.py names), and cross/inspect.py that nothing else is needed.
#
#   OPTIMISE   what the compiler is told (default: -O1)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
out=$root/build/cross
python=${PYTHON:-python3}
mkdir -p "$out"

if [ $# -eq 0 ]; then
    # The oldest macOS is that of cibuildwheel.toml.
    set -- x86_64-macos.10.13 aarch64-macos.11.0 x86_64-freebsd x86_64-windows-gnu aarch64-windows-gnu \
        x86_64-linux-musl x86-linux-gnu s390x-linux-gnu # 32 bits; big-endian
fi

[ -x "$out/venv/bin/python" ] || "$python" -m venv "$out/venv"
"$out/venv/bin/python" -m pip install -q --disable-pip-version-check "setuptools>=77" "Cython>=3.1" ziglang
bin=$out/venv/bin
export ZIG_GLOBAL_CACHE_DIR=$out/cache ZIG_LOCAL_CACHE_DIR=$out/cache

echo "== generated C"
# cythonize() runs when setup.py is loaded; no C compiler of the host is involved.
(unset ZMQCORE_BUILD ZMQCORE_PROBE && "$bin/python" setup.py -q --version >/dev/null)
source=build/release/cython/src/api/_core.c

rm -rf "$out/include"
cp -rL "$("$bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')" "$out/include"
# "pyconfig.h" is looked for beside Python.h first, so an -I in front would not win. Debian's copies forward elsewhere; both are replaced.
cp wheelhouse-config/cross/pyconfig.h "$out/include/pyconfig.h"

zig() { "$bin/python" -m ziglang "$@"; }

# shellcheck disable=SC2016
windows_libraries=$(sed -n 's/^WINDOWS_LIBRARIES = \[\(.*\)\]/\1/p' setup.py | tr -d '",' | sed 's/[^ ]*/-l&/g')
[ -n "$windows_libraries" ] || { echo "setup.py: no WINDOWS_LIBRARIES" >&2; exit 1; }

link_for_windows() {
    local target=$1 object=$2
    local def=$out/python-$target.def library=$out/python-$target.lib result=$out/_core-$target.pyd machine=i386:x86-64
    case $target in aarch64-*) machine=arm64 ;; esac
    rm -f "$result"
    # An import library made of exactly the Python names used: what remains unresolved is missing from the libraries of setup.py.
    {
        "$bin/python" -c 'import sys; print("LIBRARY python%d%d.dll\nEXPORTS" % sys.version_info[:2])' &&
            "$bin/python" wheelhouse-config/cross/coff_imports.py "$object"
    } >"$def" || return
    zig dlltool -m "$machine" -d "$def" -l "$library" || return
    # shellcheck disable=SC2086  # several words on purpose
    zig cc -target "$target" -shared -o "$result" "$object" "$library" $windows_libraries || return
    echo "   linked: $(stat -c %s "$result") bytes"
}

link_for_unix() {
    local target=$1 object=$2 result=$out/_core-$1.so
    case $target in
        *-macos*) zig cc -target "$target" -shared -undefined dynamic_lookup -o "$result" "$object" || return ;;
        *) zig cc -target "$target" -shared -Wl,--allow-shlib-undefined -o "$result" "$object" || return ;;
    esac
    "$bin/python" wheelhouse-config/cross/inspect.py "$result"
}

# Temporaries of Cython have no const.
failed=0
for target in "$@"; do
    object=$out/_core-$target.o
    echo "== $target"
    if zig cc -target "$target" -c "${OPTIMISE:--O1}" -fPIC -std=gnu11 -fno-sanitize=undefined -fvisibility=hidden -Wall -Wno-unused-function \
        -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=integer-overflow \
        -Wno-incompatible-pointer-types-discards-qualifiers -Isrc -I"$out/include" "$source" -o "$object"; then
        echo "   compiled: $(stat -c %s "$object") bytes"
        case $target in
            *-windows-*) link_for_windows "$target" "$object" || failed=1 ;;
            *) link_for_unix "$target" "$object" || failed=1 ;;
        esac
    else
        failed=1
    fi
done
exit $failed
