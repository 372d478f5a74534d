#!/bin/sh
# Passes tests in other CPythons of this machine, and enters each in docs/platforms.md.
#
#   sh tests/platforms/pythons.sh PYTHON ...     (names or paths of interpreters; free-threaded and debug builds, too)
#
#   TESTS    what to run (default: tests/unit tests/api tests/behaviour)
#   JOBS     parallel pytest workers (default: 2)
#   OPTIONS  options of the interpreter, such as "-X dev -W error"
#
# Built in place: each version has its own extension in zmqcore/. Environments and reports are kept in build/platforms.
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/packages.sh
out=build/platforms
mkdir -p "$out"

failed=0
for python in "$@"; do
    tag=$("$python" -c 'import sys; print(sys.implementation.cache_tag + getattr(sys, "abiflags", ""))')
    echo "== $tag ($python)"
    venv=$out/venv-$tag
    [ -d "$venv" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check "setuptools>=77" "Cython>=3.1"
    [ -f "$venv/complete" ] || { fetch_packages "$venv/bin/python" -m pip install -q --disable-pip-version-check && touch "$venv/complete"; }
    ZMQCORE_PROBE=1 "$venv/bin/python" setup.py -q build_ext --inplace >"$out/$tag.log" 2>&1 || { tail -30 "$out/$tag.log" && exit 1; }
    # shellcheck disable=SC2086  # several words on purpose
    PYTHONPATH=$PWD ZMQCORE_REPORT=$out/$tag.json "$venv/bin/python" ${OPTIONS:-} -m pytest -q -p no:cacheprovider --timeout 600 -n "${JOBS:-2}" \
        ${TESTS:-tests/unit tests/api tests/behaviour} && python3 tests/platforms.py "$out/$tag.json" || failed=1
done
exit $failed
