#!/bin/sh
# Builds the sdist and the wheel twice, from copies of what git tracks, and compares the bytes. The second copy has another folder, umask, time, time zone
# and hash seed. tests/test_packing.py does the same in seconds, with nothing compiled.
#
#   sh tests/platforms/reproducible.sh
#
#   PYTHON   interpreter with setuptools and Cython (default: python3)
#
# Ends with the size of the wheel. Everything is kept in build/reproducible.
set -eu
cd "$(dirname "$0")/../.."
out=$PWD/build/reproducible
unset SOURCE_DATE_EPOCH ZMQCORE_BUILD ZMQCORE_PROBE ZMQCORE_SIM CFLAGS
rm -rf "$out"
mkdir -p "$out/here" "$out/another/folder"

build() {
    git ls-files -z | xargs -0 cp --parents -t "$1"
    (
        cd "$1"
        umask "$2"
        [ "$2" = 022 ] || { find . -exec touch -h -d 2001-01-01 {} + && chmod -R go-rwx . && export TZ=Asia/Tokyo PYTHONHASHSEED=7; }
        for what in sdist wheel; do
            "${PYTHON:-python3}" -c "from setuptools import build_meta; build_meta.build_$what('out')" >"$what.log" 2>&1 || { tail -30 "$what.log" && exit 1; }
        done
        cd out && sha256sum ./*.tar.gz ./*.whl
    )
}

build "$out/here" 022 >"$out/first"
build "$out/another/folder" 077 >"$out/second"
cat "$out/first"
cmp "$out/first" "$out/second"
echo "the same bytes twice; the wheel has $(cat "$out"/here/out/*.whl | wc -c) bytes"
