#!/bin/sh
# Passes tests with the files of another Debian: on another processor, or in a CPython that this system's release does not have. Enters what came of it
# in docs/platforms.md. For Debian and root.
#
#   sh tests/platforms/debian.sh ARCHITECTURE RELEASE PYTHON [pytest arguments]
#
#   sh tests/platforms/debian.sh s390x bookworm python3.11           big-endian, under qemu
#   sh tests/platforms/debian.sh i386 bookworm python3.11            32 bits, which this processor runs itself
#   sh tests/platforms/debian.sh amd64 sid python3.14
#
#   TESTS     what to run without arguments (default: tests/unit tests/behaviour)
#   JOBS      parallel pytest workers (default: 2)
#   OPTIMISE  what the compiler is told (default: -O1)
#
# The packages are unpacked into build/platforms/RELEASE-ARCHITECTURE and none of their scripts is run; nothing on this system changes but that qemu is
# installed and made known to the kernel where the processor needs it. The extension is compiled here, by Zig's clang, with that Debian's Python.h.
# Beside it the tests have pyzmq: a wheel, or Debian's python3-zmq, which has that architecture's libzmq.
set -eu
cd "$(dirname "$0")/../.."
here=$PWD
. tests/platforms/building.sh
. tests/platforms/packages.sh
architecture=$1 release=$2 interpreter=$3
shift 3
out=$here/build/platforms
root=$out/$release-$architecture
tools=$out/tools
mkdir -p "$out"

case $architecture in # what Zig, pip and qemu call it
    amd64) target=x86_64-linux-gnu wheels=x86_64 emulator= ;;
    i386) target=x86-linux-gnu wheels=i686 emulator= ;;
    arm64) target=aarch64-linux-gnu wheels=aarch64 emulator=aarch64 ;;
    armhf) target=arm-linux-gnueabihf wheels=armv7l emulator=arm ;;
    ppc64el) target=powerpc64le-linux-gnu wheels=ppc64le emulator=ppc64le ;;
    riscv64) target=riscv64-linux-gnu wheels=riscv64 emulator=riscv64 ;;
    s390x) target=s390x-linux-gnu wheels=s390x emulator=s390x ;;
    *) echo "tests/platforms/debian.sh: unknown architecture $architecture" >&2 && exit 1 ;;
esac

# apt with lists and packages of its own.
apt=$root.apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/parts"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/$' | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$apt/sources.list"
: >>"$apt/status"
cat >"$apt/apt.conf" <<END
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::Etc::preferencesparts "$apt/parts";
END
in_apt() { APT_CONFIG=$apt/apt.conf apt-get -qq "$@"; }

unpack_root() {
    rm -rf "$root" "$root.headers"
    in_apt update
    version=${interpreter#python}
    # Some of these not every release has.
    packages=
    for package in "$interpreter" "${interpreter%%-*}" python3-zmq python3-nacl python3-cryptography libzmq5 liblz4-1 libzstd1 openssl procps iproute2 curl \
        coreutils dash libc-bin tzdata netbase; do
        if APT_CONFIG=$apt/apt.conf apt-cache show "$package" >/dev/null 2>&1; then packages="$packages $package"; fi
    done
    # shellcheck disable=SC2086  # several words on purpose
    in_apt install -y --download-only $packages >/dev/null
    for folder in bin sbin lib lib32 lib64; do mkdir -p "$root/usr/$folder" && ln -s "usr/$folder" "$root/$folder"; done
    for file in "$apt"/archives/*.deb; do dpkg-deb -x "$file" "$root"; done
    mkdir -p "$root.headers" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root$here"
    chmod 1777 "$root/tmp"
    (cd "$root.headers" && in_apt download "libpython${version%%-*}-dev" && dpkg-deb -x ./*.deb . && rm ./*.deb)
    cp /etc/passwd /etc/group /etc/hosts "$root/etc/"
}

# Knows files of that processor from now on.
start_qemu() {
    [ -n "$emulator" ] || return 0
    command -v "qemu-$emulator-static" >/dev/null || {
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user-static
    }
    kernel=/proc/sys/fs/binfmt_misc
    [ -e $kernel/register ] || mount -t binfmt_misc binfmt_misc $kernel
    [ -e "$kernel/qemu-$emulator" ] || cat "/usr/lib/binfmt.d/qemu-$emulator.conf" >$kernel/register
    how="qemu-$emulator $("qemu-$emulator-static" --version | sed -n 's/^qemu-[^ ]* version \([0-9.]*\).*/\1/p')"
}

inside() { # mounts go with the namespace
    unshare --mount --propagation private sh -c '
        root=$1 here=$2
        shift 2
        for folder in /proc /sys /dev; do mount --rbind $folder "$root$folder"; done
        mkdir -p "$root$here" && mount --bind "$here" "$root$here"
        exec chroot "$root" "$@"' inside "$root" "$here" "$@"
}

how=native
start_qemu
[ -x "$root/usr/bin/$interpreter" ] || unpack_root
[ -x "$tools/bin/python" ] || python3 -m venv "$tools"
"$tools/bin/python" -m pip install -q --disable-pip-version-check "setuptools>=77" "Cython>=3.1" ziglang==0.17.1
tag=$(inside "/usr/bin/$interpreter" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
version=$(inside "/usr/bin/$interpreter" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
abi=$(inside "/usr/bin/$interpreter" -c 'import sys; print("cp%d%d" % sys.version_info[:2] + sys.abiflags)')
package=$root.$abi
echo "== $release $architecture, $(inside "/usr/bin/$interpreter" -VV), $how"

if [ ! -f "$package/complete" ]; then
    mkdir -p "$package/site"
    # The tests' own requirements, as wheels of that platform, in the newest form that its C library takes.
    set_of() { for number in 41 39 36 35 34 31 28 27 26 24 17; do printf -- '--platform manylinux_2_%s_%s ' $number "$wheels"; done; }
    # shellcheck disable=SC2046
    fetch_packages "$tools/bin/python" -m pip install -q --disable-pip-version-check --upgrade --target "$package/site" $(set_of) --platform manylinux2014_"$wheels" \
        --python-version "$version" --implementation cp --abi "$abi" --abi abi3 --abi none
    touch "$package/complete"
fi

export ZIG_LOCAL_CACHE_DIR="$out/cache"
build_package "$package" "$tag" "$tools/bin/python" "$tools/bin/python" -m ziglang cc -target "$target" "${OPTIMISE:--O1}" -fno-sanitize=undefined \
    -Werror=integer-overflow -I"$root.headers/usr/include/python$version${abi##cp*[0-9]}" -I"$root.headers/usr/include"

# From elsewhere than the checkout, whose zmqcore/ would be found first.
[ $# -gt 0 ] || for test in ${TESTS:-tests/unit tests/behaviour}; do set -- "$@" "$here/$test"; done
report=$package.json
inside /usr/bin/env PYTHONPATH="$package:$package/site" ZMQCORE_REPORT="$report" ZMQCORE_HOW="$how" "/usr/bin/$interpreter" -m pytest -q -p no:cacheprovider --timeout 600 \
    -c "$here/pyproject.toml" --rootdir "$here" -n "${JOBS:-2}" "$@"
python3 tests/platforms.py "$report"
