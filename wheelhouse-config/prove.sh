#!/usr/bin/env bash
# Proves that what would be released can be built from the sdist alone, carries nothing foreign, and works where it is installed.
#
#   bash wheelhouse-config/prove.sh [python ...]
#
# Without arguments: every CPython from 3.10 on that pyenv, /opt or PATH has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
out=$root/build/prove
rm -rf "$out"
mkdir -p "$out"

interpreters() {
    local candidate
    for candidate in "$@"; do
        command -v "$candidate" >/dev/null || continue
        # The installation counts, not the spelling; shims and links of the same one are dropped.
        "$candidate" -c '
import os, sys
if sys.version_info >= (3, 10) and sys.implementation.name == "cpython":
    print(os.path.realpath(sys.executable))' 2>/dev/null || true
    done | sort -u
}

if [ $# -eq 0 ]; then
    set -- "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python /opt/python*/bin/python3 python3.1{0,1,2,3,4} python3.1{3,4}t python3
fi
mapfile -t pythons < <(interpreters "$@")
[ ${#pythons[@]} -gt 0 ] || { echo "no CPython >= 3.10 found" >&2; exit 1; }

echo "== sdist"
# Any interpreter builds the same sdist; one whose venv module works is needed.
"${pythons[0]}" -m venv "$out/tools"
tools=$out/tools/bin
"$tools/pip" install -q --disable-pip-version-check build auditwheel
# From a copy of what the repository tracks or would track: a file that is only in this working directory must not help.
mkdir "$out/tree"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$out/tree"
"$tools/python" -m build --sdist --outdir "$out/sdist" "$out/tree" >"$out/sdist.log" 2>&1 || { tail -50 "$out/sdist.log"; exit 1; }
sdist=$(echo "$out"/sdist/zmqcore-*.tar.gz)
tar -tzf "$sdist" >"$out/sdist.txt"
for wanted in src/api/_core.pyx src/base/platform.h setup.py LICENSE tests/run.sh examples/demo.py; do
    grep -q "/$wanted\$" "$out/sdist.txt" || { echo "sdist lacks $wanted"; exit 1; }
done
if grep -E '\.(so|pyd|o|pyc)$|/(src|zmqcore|tests/native)/.*\.c$' "$out/sdist.txt"; then echo "sdist has built files"; exit 1; fi
echo "$(basename "$sdist"): $(wc -l <"$out/sdist.txt") entries"

audit() {
    local wheel=$1 name unpacked
    name=$(basename "$wheel" .whl)
    unpacked=$out/unpacked/$name
    mkdir -p "$unpacked"
    "$tools/python" -m zipfile -e "$wheel" "$unpacked"

    local strangers
    strangers=$(cd "$unpacked" && find . -type f | grep -vE '^\./zmqcore/.*\.(py|pyi|pxd|so)$|^\./zmqcore/py\.typed$|^\./zmqcore-[^/]*\.dist-info/' || true)
    [ -z "$strangers" ] || { echo "wheel has files that do not belong there: $strangers"; return 1; }
    [ ! -e "$(echo "$unpacked"/zmqcore/_probe*)" ] || { echo "wheel has the test-only probe"; return 1; }

    local library needed exported
    for library in "$unpacked"/zmqcore/*.so; do
        needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
        for name in $needed; do
            case $name in
                libc.so.* | libpthread.so.* | librt.so.* | ld-linux* | libc.musl-*) ;;
                *) echo "$(basename "$library") needs $name"; return 1 ;;
            esac
        done
        exported=$(nm -D --defined-only "$library" | awk '$2 == "T" { print $3 }' | grep -v '^PyInit_' || true)
        [ -z "$exported" ] || { echo "$(basename "$library") exports $exported"; return 1; }
        echo "$(basename "$library"): $(stat -c %s "$library") bytes, needs: ${needed//$'\n'/ }"
    done
    "$tools/auditwheel" show "$wheel" | tr '\n' ' ' | grep -oE 'is consistent with[^:]*: *"?[a-z0-9_]+' || {
        "$tools/auditwheel" show "$wheel"
        return 1
    }
}

for python in "${pythons[@]}"; do
    version=$("$python" -c 'import sys; print(sys.version.split()[0] + ("t" if "t" in sys.abiflags else ""))')
    echo "== CPython $version ($python)"
    mkdir -p "$out/$version"
    "$python" -m venv "$out/$version/builder"
    "$out/$version/builder/bin/python" -m pip wheel -q --disable-pip-version-check --no-deps -w "$out/$version" "$sdist"
    wheel=$(echo "$out/$version"/zmqcore-*.whl)
    audit "$wheel"
    "$python" -m venv "$out/$version/clean"
    # --no-deps: all but CURVE works without PyNaCl, and the wheel needs nothing else.
    "$out/$version/clean/bin/python" -m pip install -q --disable-pip-version-check --no-index --no-deps "$wheel"
    "$out/$version/clean/bin/python" -c 'import importlib.metadata as m, sys
needed = [line for line in m.requires("zmqcore") if "extra ==" not in line]
sys.exit(f"the wheel needs {needed}" if [line[:6].lower() for line in needed] != ["pynacl"] else 0)'
    # From another directory, so that the checkout cannot stand in for the wheel.
    (cd "$out/$version" && timeout 120 "$out/$version/clean/bin/python" -W error "$root/wheelhouse-config/smoke.py") || {
        echo "smoke test failed on CPython $version"
        exit 1
    }
done
echo "== proved on ${#pythons[@]} interpreters"
