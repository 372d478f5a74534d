#!/bin/sh
# Builds peers of other stacks, OMQ and zmq.rs (cargo) and go-zeromq (go), and runs the tests with them. Takes minutes, and some hundred MiB in
# $ZMQCORE_PEERS (default ~/.cache/zmqcore-peers); so it is no part of tests/run.sh.
#
#   sh tests/interop/more_peers.sh [pytest arguments]      with zmqcore built, in the python of PATH
set -eu
cd "$(dirname "$0")/../.."
cache=${ZMQCORE_PEERS:-$HOME/.cache/zmqcore-peers}
more=$PWD/tests/interop/peers/more
mkdir -p "$cache"
for tool in cargo go; do
    command -v "$tool" >/dev/null || { echo "more_peers.sh: $tool is missing (rustup, https://go.dev; Debian's are too old)" >&2; exit 1; }
done
CARGO_TARGET_DIR=$cache/more cargo build --quiet --manifest-path "$more/Cargo.toml"
cp "$cache/more/debug/omq_peer" "$cache/more/debug/zmqrs_peer" "$cache/"
(cd "$more" && go build -o "$cache/go_peer" .)
exec python -m pytest -n 0 --timeout 60 "$@" tests/interop/more_peers.py
