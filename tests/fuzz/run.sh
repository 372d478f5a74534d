#!/bin/sh
# Fuzzes with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer. Further arguments are libFuzzer's.
#   tests/fuzz/run.sh [runs] ...                the wire protocol
#   tests/fuzz/run.sh engines [runs] ...        the engines, as a session drives them
#   tests/fuzz/run.sh websocket [runs] ...      that of WebSocket alone: its opening, frames and fragments
#   tests/fuzz/run.sh datagram [runs] ...       records of datagrams
#   tests/fuzz/run.sh x509 [runs] ...           what is told of certificates
#   tests/fuzz/run.sh tls [runs] ...            TLS as a transport, its records changed on their way (Debian: libssl-dev)
#   tests/fuzz/run.sh handshake [runs] ...      handshakes of PLAIN and CURVE whose commands are changed on their way
#   tests/fuzz/run.sh pgm [runs] ...            sources and receivers of PGM
#   tests/fuzz/run.sh compression [runs] ...    compressed streams; needs liblz4.so.1 and libzstd.so.1, and lz4 and zstandard for its seeds
#   tests/fuzz/run.sh socks [runs] ...          what SOCKS5 proxies answer
#   tests/fuzz/run.sh sockets [amount] ...      whole sockets on a simulated machine, one type after the other: sockets.py says what may follow
#   tests/fuzz/run.sh minimise                  whole sockets: what sockets.py has learnt, without the superfluous, goes to corpus_sockets.txt
# Needs clang with its sanitizer runtimes (Debian: clang libclang-rt-14-dev) and cython. What it finds is left in build/fuzz/
# or where sockets.py keeps its state.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
out=build/fuzz
mkdir -p "$out/corpus"
config() { "$python" -c "import sysconfig as s; print($1)"; }

sanitize="-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -fno-sanitize=null,object-size"

translate() { # target
    target=$1
    "$python" -m cython -3 -I src -I tests/native -X cdivision=True,boundscheck=False,wraparound=False,initializedcheck=False,infer_types=True \
        "tests/fuzz/$target.pyx" -o "$out/$target.c"
}

compile() { # target, result's name, further arguments of the compiler
    target=$1 result=$2
    shift 2
    libdir=$(config 's.get_config_var("LIBDIR")')
    # libpython is only there for the linker: the target never calls into it. "null" and "object-size" see no difference between an access and the
    # distance of a member from the beginning of its struct; an access through NULL ends the run anyway.
    ${CC:-clang} -g -O2 -fno-omit-frame-pointer $sanitize -w "$@" -I src -I tests/native \
        -I "$(config 's.get_paths()["include"]')" "$out/$target.c" -o "$out/$result" \
        -L "$libdir" -Wl,-rpath,"$libdir" -l:"$(config 's.get_config_var("LDLIBRARY")')" -lm -ldl -lpthread
}

build() { # target, further arguments of the compiler
    target=$1
    shift
    translate "$target"
    compile "$target" "$target" "$@"
}

certificate() { # makes tls-cert.pem and tls-key.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$out/tls-key.pem" -out "$out/tls-cert.pem" -days 3650 \
        -subj /CN=localhost/O=fuzz -addext subjectAltName=DNS:localhost,IP:127.0.0.1,email:a@b,URI:zmq://x 2>/dev/null
}

single() { # target, build's name, runs, max_len, further arguments of libFuzzer
    target=$1 name=$2 runs=$3 most=$4
    shift 4
    mkdir -p "$out/$name"
    "$python" tests/fuzz/seeds.py "$name" "$out/$name"
    exec "$out/$target" -runs="$runs" -max_len="$most" -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$out/$name-" -print_final_stats=1 "$@" "$out/$name"
}

measure_sockets() { # how often the seeds take which way, for the compiler
    rm -rf "$out/measured"
    mkdir -p "$out/measured"
    "$python" tests/fuzz/conversations.py unpack "$out/measured"
    (
        sanitize=-fsanitize=fuzzer
        compile fuzz_sockets measure_sockets -O1 -g0 -fprofile-instr-generate -include sim/system.h
    )
    LLVM_PROFILE_FILE=$out/sockets.profraw "$out/measure_sockets" -runs=0 "$out/measured" 2>"$out/measure.log" || { cat "$out/measure.log"; exit 1; }
    "$profdata" merge -o "$out/sockets.profdata" "$out/sockets.profraw"
}

build_sockets() {
    translate fuzz_sockets
    # What the seeds do often is laid out well, the reports of sanitizers far away: half of the time of a conversation is the core's.
    profdata=$(command -v "$(${CC:-clang} -print-prog-name=llvm-profdata)" || true)
    [ -z "$profdata" ] || measure_sockets
    # clang does not say by itself, as gcc does, that AddressSanitizer is on. Fibers need to know.
    # Comparisons are not traced: it costs a third, and the steps of a conversation and the dictionary lead there sooner. Callers of pointers are
    # only for value profiles, and the depth of a stack says nothing where there are several.
    compile fuzz_sockets fuzz_sockets -D__SANITIZE_ADDRESS__=1 -fno-sanitize-coverage=trace-cmp,indirect-calls,stack-depth -include sim/system.h \
        ${profdata:+"-fprofile-instr-use=$out/sockets.profdata"}
}

case ${1:-} in
sockets)
    shift
    build_sockets
    exec "$python" tests/fuzz/sockets.py "$@"
    ;;
engines)
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    mkdir -p "$out/engines"
    build fuzz_engines
    exec "$out/fuzz_engines" -runs="$runs" -max_len=1024 -timeout=10 -rss_limit_mb=1024 -dict=tests/fuzz/zmtp.dict \
        -artifact_prefix="$out/engines-" -print_final_stats=1 "$@" "$out/engines" tests/fuzz/corpus
    ;;
websocket)
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    build fuzz_engines -DFUZZ_WEBSOCKET=1
    mv "$out/fuzz_engines" "$out/fuzz_websocket"
    single fuzz_websocket websocket "$runs" 1024 -dict=tests/fuzz/zmtp.dict "$@"
    ;;
datagram | x509)
    name=$1
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    [ "$name" = datagram ] || certificate
    build "fuzz_$name"
    single "fuzz_$name" "$name" "$runs" 1024 "$@"
    ;;
tls)
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    certificate
    build fuzz_tls tests/fuzz/openssl_calls.c -lssl -lcrypto
    ZMQCORE_FUZZ_CERTIFICATE=$out/tls-cert.pem ZMQCORE_FUZZ_KEY=$out/tls-key.pem
    export ZMQCORE_FUZZ_CERTIFICATE ZMQCORE_FUZZ_KEY
    single fuzz_tls tls "$runs" 96 "$@"
    ;;
pgm)
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    mkdir -p "$out/pgm"
    "$python" tests/fuzz/pgm_seeds.py "$out/pgm"
    build fuzz_pgm
    exec "$out/fuzz_pgm" -runs="$runs" -max_len=1024 -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$out/pgm-" -print_final_stats=1 "$@" "$out/pgm"
    ;;
socks)
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    mkdir -p "$out/socks"
    for settings in 002 003; do # one that is let through, without and with a password
        printf "\\$settings\\005\\0\\005\\0\\0\\003\\004name\\0\\0" >"$out/socks/through-$settings"
    done
    printf '\003\005\002\001\0\005\0\0\001\0\0\0\0\0\0' >"$out/socks/login"
    build fuzz_socks
    exec "$out/fuzz_socks" -runs="$runs" -max_len=600 -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$out/socks-" -print_final_stats=1 "$@" "$out/socks"
    ;;
compression)
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    mkdir -p "$out/compression"
    "$python" tests/fuzz/compression_seeds.py "$out/compression"
    build fuzz_compression
    exec "$out/fuzz_compression" -runs="$runs" -max_len=1024 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$out/compression-" -print_final_stats=1 "$@" \
        "$out/compression"
    ;;
handshake)
    shift
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    mkdir -p "$out/handshake"
    for settings in 000 001 002 003 004 010 020 030; do # of each kind one that nobody changes
        printf "\\$settings\\000" >"$out/handshake/unchanged-$settings"
    done
    build fuzz_handshake
    exec "$out/fuzz_handshake" -runs="$runs" -max_len=64 -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$out/handshake-" -print_final_stats=1 "$@" \
        "$out/handshake"
    ;;
minimise)
    [ -x "$out/fuzz_sockets" ] || build_sockets
    export ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=8:malloc_context_size=4:allocator_release_to_os_interval_ms=-1:${ASAN_OPTIONS:-}"
    rm -rf "$out/kept" "$out/pool" "$out/minimal"
    mkdir "$out/kept" "$out/pool" "$out/minimal"
    "$python" tests/fuzz/conversations.py unpack "$out/kept"
    "$python" tests/fuzz/conversations.py pool "${ZMQCORE_FUZZ_STATE:-$HOME/.cache/zmqcore-fuzz}" "$out/pool"
    "$out/fuzz_sockets" -merge=1 -use_counters=0 -max_len=160 "$out/minimal" "$out/kept" "$out/pool"
    "$python" tests/fuzz/conversations.py pack "$out/minimal"
    ;;
*)
    runs=${1:-1000000}
    [ $# -eq 0 ] || shift
    build fuzz_zmtp
    exec "$out/fuzz_zmtp" -runs="$runs" -max_len=1024 -timeout=10 -rss_limit_mb=1024 -dict=tests/fuzz/zmtp.dict \
        -artifact_prefix="$out/" -print_final_stats=1 "$@" "$out/corpus" tests/fuzz/corpus
    ;;
esac
