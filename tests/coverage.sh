#!/bin/sh
# Coverage of the C-level code by the tests: one line for each .pxd, annotated copies in build/gcov/.
#
#   sh tests/coverage.sh [pytest arguments]       with the Python of the current environment (see CONTRIBUTING.md)
#
# Afterwards the coverage build is what stands in zmqcore/; tests/run.sh or setup.py replaces it.
set -eu
cd "$(dirname "$0")/.."
ZMQCORE_BUILD=coverage ZMQCORE_PROBE=1 python setup.py -q build_ext --inplace
find build/coverage-probe -name '*.gcda' -delete
status=0
python -m pytest "$@" || status=$?

rm -rf build/gcov
mkdir -p build/gcov
cd build/gcov
# Line directives name files relative to the include root; the links let gcov find the text.
ln -s ../../src/* .
find ../coverage-probe -name '*.gcda' -exec gcov -p {} + 2>/dev/null |
    awk -F"'" '/^File/ { name = $2 } /^Lines executed/ && name ~ /^[a-z]+\/[a-z_0-9]+\.(pxd|pyx|pxi)$/ { print name ": " $0; name = "" }' |
    sort
exit $status
