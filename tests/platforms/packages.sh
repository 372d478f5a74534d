# Read by the other scripts of this folder: what the tests use. fetch_packages COMMAND...: COMMAND is pip's install with the options of that Python.
# Pre-releases of Python and rare processors have no wheels of some packages; the tests that use these are then skipped, and say so.

NEEDED="pytest>=8 pytest-timeout>=2.3 pytest-xdist>=3.6 hypothesis>=6,<6.160"
WANTED="pyzmq>=26 pynacl>=1.4 cryptography>=40 numpy lz4 zstandard msgspec>=0.19 tornado>=6.1 anyio>=4 trio>=0.23 gevent>=22 paramiko>=3 pexpect>=4.8 websockets>=15,<17 pyomq mypy~=2.4.1"

fetch_packages() {
    # shellcheck disable=SC2086  # several words on purpose
    "$@" --only-binary :all: $NEEDED
    for wanted in $WANTED; do
        "$@" --only-binary :all: "$wanted" >/dev/null 2>&1 || echo "   no wheel of ${wanted%%[>~]*}"
    done
}
