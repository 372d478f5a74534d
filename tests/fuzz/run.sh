#!/bin/sh
# Fuzzes the wire protocol: tests/fuzz/run.sh [runs] [further libFuzzer options]
# Needs clang with its sanitizer runtimes (Debian: clang libclang-rt-14-dev) and cython. What it finds is left in build/fuzz/.
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-1000000}
[ $# -eq 0 ] || shift
python=${PYTHON:-python3}
out=build/fuzz
mkdir -p "$out/corpus"
"$python" -m cython -3 -I src -X cdivision=True,boundscheck=False,wraparound=False,initializedcheck=False,infer_types=True \
    tests/fuzz/fuzz_zmtp.pyx -o "$out/fuzz_zmtp.c"
config() { "$python" -c "import sysconfig as s; print($1)"; }
libdir=$(config 's.get_config_var("LIBDIR")')
# libpython is only there for the linker: the target never calls into it.
${CC:-clang} -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -w \
    -I src -I "$(config 's.get_paths()["include"]')" "$out/fuzz_zmtp.c" -o "$out/fuzz_zmtp" \
    -L "$libdir" -Wl,-rpath,"$libdir" -l:"$(config 's.get_config_var("LDLIBRARY")')" -lm -ldl -lpthread
exec "$out/fuzz_zmtp" -runs="$runs" -max_len=1024 -timeout=10 -rss_limit_mb=1024 -dict=tests/fuzz/zmtp.dict \
    -artifact_prefix="$out/" -print_final_stats=1 "$@" "$out/corpus" tests/fuzz/corpus
