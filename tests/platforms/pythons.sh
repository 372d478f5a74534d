#!/bin/sh
# Passes tests in other CPythons of this machine, and enters each in docs/platforms.md.
#
#   sh tests/platforms/pythons.sh PYTHON ...     (names or paths of interpreters; free-threaded and debug builds, too)
#
#   TESTS          what to run (default: tests/unit tests/api tests/behaviour); for tests/interop the peers that are no wheels come, too
#   JOBS           parallel pytest workers (default: 2)
#   OPTIONS        options of the interpreter, such as "-X dev -W error"
#   ZMQCORE_BUILD  variant of the compiled part, as for setup.py
#
# Built in place: each version has its own extension in zmqcore/. Environments, reports and what pytest said (TAG.txt) are kept in build/platforms.
# A version with failures does not keep the others from being tested.
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/packages.sh
out=build/platforms
mkdir -p "$out"

peers=${ZMQCORE_PEERS:-$HOME/.cache/zmqcore-peers}

pass_in() {
    tag=$("$1" -c 'import sys; print(sys.implementation.cache_tag + getattr(sys, "abiflags", ""))')
    echo "== $tag ($1)"
    venv=$out/venv-$tag
    [ -d "$venv" ] || "$1" -m venv "$venv"
    python=$venv/bin/python
    if [ ! -f "$venv/complete" ]; then
        "$python" -m pip install -q --disable-pip-version-check "setuptools>=77" "Cython>=3.1"
        fetch_packages "$python" -m pip install -q --disable-pip-version-check
        touch "$venv/complete"
    fi
    case ${TESTS:-} in *interop*) [ -f "$peers/Peer.class" ] || sh tests/interop/peers.sh "$python" ;; esac
    ZMQCORE_PROBE=1 "$python" setup.py -q build_ext --inplace >"$out/$tag.log" 2>&1 || { tail -30 "$out/$tag.log" && return 1; }
    rm -f "$out/$tag.json"
    # shellcheck disable=SC2086  # several words on purpose
    PATH=$PWD/$venv/bin:$PATH PYTHONPATH=$PWD ZMQCORE_REPORT=$PWD/$out/$tag.json "$python" ${OPTIONS:-} -m pytest -q -p no:cacheprovider --timeout 600 \
        -n "${JOBS:-2}" --dist worksteal ${TESTS:-tests/unit tests/api tests/behaviour} >"$out/$tag.txt" 2>&1 || { tail -60 "$out/$tag.txt" && return 1; }
    sed -n '/short test summary/,$p' "$out/$tag.txt"
    python3 tests/platforms.py "$out/$tag.json"
}

failed=0
set +e # which makes the one below count
for interpreter in "$@"; do
    (
        set -e
        pass_in "$interpreter"
    )
    [ $? = 0 ] || failed=1
done
exit $failed
