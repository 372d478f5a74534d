#!/bin/sh
# Passes tests with the back end of macOS and FreeBSD, on Linux: kqueue() is made of epoll there (tests/native/kqueue_model.h). Enters what came of it in
# docs/platforms.md.
#
#   sh tests/platforms/kqueue.sh [pytest arguments]
#
#   PYTHON   interpreter that has what the tests need, as tests/run.sh installs it (default: python3)
#   TESTS    what to run without arguments (default: tests/unit tests/behaviour)
#   JOBS     parallel pytest workers (default: 2)
#
# Everything is kept in build/platforms; the checkout's own extension stays as it is.
set -eu
cd "$(dirname "$0")/../.."
here=$PWD
. tests/platforms/building.sh
PYTHON=${PYTHON:-python3}
package=$here/build/platforms/kqueue
mkdir -p "$package"

value() { "$PYTHON" -c "import sysconfig; print(sysconfig.$1)"; }
tag=$(value 'get_config_var("EXT_SUFFIX")')
# shellcheck disable=SC2086  # several words on purpose
build_package "$package" "$tag" "$PYTHON" ${CC:-cc} -fPIC -O1 -DZC_KQUEUE_MODEL=1 -I"$(value 'get_path("include")')"

# From elsewhere than the checkout, whose zmqcore/ would be found first.
[ $# -gt 0 ] || for test in ${TESTS:-tests/unit tests/behaviour}; do set -- "$@" "$here/$test"; done
# test_sandbox forbids the calls that the model is made of.
cd "$package"
PYTHONPATH=$package ZMQCORE_REPORT=$package.json ZMQCORE_HOW="kqueue made of epoll" "$PYTHON" -m pytest -q -p no:cacheprovider --timeout 600 \
    -c "$here/pyproject.toml" --rootdir "$here" --ignore "$here/tests/behaviour/test_sandbox.py" -n "${JOBS:-2}" "$@"
"$PYTHON" "$here/tests/platforms.py" "$package.json"
