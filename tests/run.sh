#!/bin/sh
# Sets everything up and passes the tests: lint, types, build with the probe, pytest against the real peers.
#
#   sh tests/run.sh [pytest arguments]
#
#   PYTHON          interpreter to test with (default: python3)
#   ZMQCORE_BUILD   variant of the compiled part (see setup.py); asan and tsan preload their run-time library here
#   JOBS            parallel pytest workers (default: 4; most tests wait most of the time)
#
# A peer that cannot be installed is a failure, not a skip: the interoperability tests are the point.
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
JOBS=${JOBS:-4}
PATH=$PATH:/usr/sbin:/sbin # ldconfig, for those who are not root
step() { printf '\n== %s\n' "$*"; }

# begin NAME COMMAND...: beside what follows, until finish NAME, which prints what it said and ends the run if it failed; with a
# text as $2 it only says that.
logs=$(mktemp -d)
began=
trap 'for pid in $began; do kill "$pid" 2>/dev/null || :; done; rm -rf "$logs"' EXIT
begin() {
    name=$1
    shift
    "$@" >"$logs/$name" 2>&1 &
    eval "pid_$name=$!"
    began="$began $!"
}
finish() {
    step "$1"
    eval "pid=\$pid_$1"
    status=0
    wait "$pid" || status=$?
    cat "$logs/$1"
    [ "$status" != 0 ] || return 0
    echo "tests/run.sh: ${2:-$1 failed}" >&2
    [ -n "${2:-}" ] || exit "$status"
}

# With the whole suite goes a part of it in CPython for Windows.
windows=
if [ $# = 0 ] && [ -z "${ZMQCORE_BUILD:-}" ] && [ "$(uname -sm)" = "Linux x86_64" ]; then windows=1; fi

step "environment"
# The system's own libzmq and JeroMQ are peers of the interoperability tests, beside the wheels of pyzmq and (from Python 3.12 on) pyomq.
missing=
if [ "$(uname -s)" = Linux ]; then
    ldconfig -p | grep -q 'libzmq\.so\.5' || missing="$missing libzmq5"
    command -v openssl >/dev/null || missing="$missing openssl" # tests/interop/test_tls.py
    command -v javac >/dev/null || missing="$missing default-jdk-headless"
    command -v mvn >/dev/null || missing="$missing maven"
    [ -x "$(command -v kdb5_util)" ] && [ -x "$(command -v kadmin.local)" ] || missing="$missing krb5-kdc krb5-admin-server" # tests/interop/test_gssapi.py
    command -v chromium-headless-shell >/dev/null || missing="$missing chromium-headless-shell" # tests/interop/test_websocket.py
    command -v microsocks >/dev/null || missing="$missing microsocks" # tests/interop/test_socks.py
    ldconfig -p | grep -q 'libEGL\.so\.1' || missing="$missing libegl1" # qasync's Qt, in tests/api/awaited
    ldconfig -p | grep -q 'libGL\.so\.1' || missing="$missing libgl1"
    [ "$(id -u)" != 0 ] || command -v ip >/dev/null || missing="$missing iproute2" # tests/network
    [ -z "$windows" ] || command -v wine >/dev/null || missing="$missing wine wine64" # tests/windows
    if [ -n "$missing" ] && { [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; }; then
        echo "tests/run.sh: missing and not installable from here (Debian: apt-get install$missing)" >&2
        exit 1
    fi
fi

# One environment for each interpreter, so that changing PYTHON does not rebuild the world.
tag=$("$PYTHON" -c 'import sys; print(sys.implementation.cache_tag + getattr(sys, "abiflags", ""))')
venv=build/venv-$tag
[ -d "$venv" ] || "$PYTHON" -m venv "$venv"
bin=$PWD/$venv/bin
[ -d "$bin" ] || bin=$PWD/$venv/Scripts # Windows
PATH=$bin:$PATH
export PATH
python -m pip install -q --disable-pip-version-check "setuptools>=77" "Cython>=3.1"

# Not every tool has wheels for free-threaded builds, and from source some need a Rust compiler: there, pyomq and the other
# event loops stay out and lint and types, which say the same on every interpreter, are left to the others.
free_threaded=$(python -c 'import sysconfig; print(sysconfig.get_config_var("Py_GIL_DISABLED") or 0)')
extras=test,loops,objects,tls,lz4,zstd,lint
[ "$free_threaded" = 0 ] || extras="test"
[ "$free_threaded" = 1 ] || python -m pip install -q --disable-pip-version-check pyomq

# What is fetched with other tools than pip comes while the compiler works.
fetch_peers() {
    set -e
    if [ -n "$missing" ]; then
        apt-get update -qq
        # shellcheck disable=SC2086  # several words on purpose
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    fi
    sh tests/interop/peers.sh python
}
if [ "$(uname -s)" = Linux ]; then
    sh tests/interop/peers.sh python packages
    begin peers fetch_peers
fi

step "build"
# Editable: tests, benchmarks and examples started from the checkout all see the same compiled core.
# --only-binary: an older wheel where the newest release has none, rather than a Rust or CMake build.
ZMQCORE_PROBE=1 ZMQCORE_SIM=1 python -m pip install -q --disable-pip-version-check --no-build-isolation --only-binary hypothesis,numpy,pyzmq -e ".[$extras]"
if [ "$(uname -s)" = Linux ]; then finish peers; fi
# Loops that the tests leave out where they are missing.
[ "$free_threaded" = 1 ] || [ "$(uname -s)" != Linux ] || python -c "import uvloop, PyQt6.QtCore, qasync"

preload=
case ",${ZMQCORE_BUILD:-}," in
    *,asan,*) preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" ;;
    *,tsan,*) preload=$(gcc -print-file-name=libtsan.so) ;;
esac

# A fresh seed, printed, and programs of all profiles, with the processor time that the next steps leave. A finding is to be looked at, but does not fail
# the run yet (docs/simulator.md); those of the programs in tests/simulator/test_programs.py do.
simulated=
if [ "$(uname -s)" = Linux ] && [ -z "$preload" ]; then
    simulated=1
    begin simulator nice -n 19 python tests/simulator/run.py --minutes 2 --processor-time --jobs 1
fi

if [ -n "$windows" ]; then
    # Not for ever: under Wine a fault may be a process that nothing ends.
    begin windows env -u ZMQCORE_REPORT PYTHON=python JOBS=2 GENERATED="$PWD/build/release-probe-sim/cython" timeout 15m sh tests/windows/run.sh --quick
fi

lint() {
    ruff check . && find src tests/native \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' \) -size +0 -exec cython-lint {} +
}
if [ "$free_threaded" = 0 ]; then
    begin lint lint

    step "types"
    mypy
    # Python files are their own stubs; what is written by hand must agree with what was compiled.
    stubs=$(find zmqcore -name '*.pyi' | sed 's/\.pyi$//; s|/|.|g')
    # shellcheck disable=SC2086  # several words on purpose
    stubtest --allowlist tests/stubtest-allowlist.txt $stubs
    finish lint
fi

if [ -n "$simulated" ]; then
    if [ "$free_threaded" = 0 ] && python -c 'import tomllib' 2>/dev/null; then
        # pyzmq's own tests, fetched with its sdist: what passes with pyzmq passes here, or is listed with its reason. From Python 3.11 on.
        step "pyzmq's suite"
        python tests/pyzmq_suite/run.py --quick
    fi
    finish simulator "the simulator has findings, see above"
fi

# Before the tests, not beside them: Wine's calls on sockets go through a server of its own, and what has a deadline there fails first.
windows_status=0
if [ -n "$windows" ]; then
    finish windows "the tests for Windows failed, see above"
    windows_status=$status
fi

step "pytest"
if [ -n "$preload" ]; then
    # CPython keeps interned objects to the end and knows of no ThreadSanitizer: leaks and its own races are not ours.
    export LD_PRELOAD="$preload" ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}"
    export PYTHONMALLOC=malloc
fi
# worksteal: a worker that is through takes over from the others, so that a long test at the end is not what everybody waits for.
began= # all have ended
passed=0
pytest -n "$JOBS" --dist worksteal "$@" || passed=$?
[ "$windows_status" = 0 ] || echo "tests/run.sh: the tests for Windows failed, see there" >&2
exit $((passed ? passed : windows_status))
