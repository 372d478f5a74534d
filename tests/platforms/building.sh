# Read by the other scripts of this folder. build_package FOLDER SUFFIX PYTHON COMPILER...: FOLDER/zmqcore is the checkout's package with extensions for
# another system. PYTHON writes their C, COMPILER (with its own options) makes what is older than that or than a header. Run from the checkout.

build_package() {
    package=$1 suffix=$2 python=$3
    shift 3
    (unset ZMQCORE_BUILD ZMQCORE_SIM && ZMQCORE_PROBE=1 "$python" setup.py -q --version >/dev/null)
    for source in src/api/_core.c tests/native/_probe.c; do
        made=$package/$(basename "$source" .c)$suffix
        generated=build/release-probe/cython/$source
        if [ -f "$made" ] && [ ! "$generated" -nt "$made" ] && [ -z "$(find src tests/native -name '*.h' -newer "$made")" ]; then continue; fi
        "$@" -shared -std=gnu11 -fvisibility=hidden -pthread -DZC_FAULTS=1 -w -Werror=implicit-function-declaration -Isrc -Itests/native "$generated" \
            -o "$made.new"
        mv "$made.new" "$made"
    done
    rm -rf "$package/zmqcore"
    cp -r zmqcore "$package/zmqcore"
    find "$package/zmqcore" -name '*.so' -delete
    cp "$package/"*"$suffix" "$package/zmqcore/"
}
