#!/usr/bin/env bash
# Writes the bill of materials (CycloneDX, JSON) of an installation: the wheel and all that pip installs with it, as cyclonedx-bom finds them.
#
#   bash wheelhouse-config/sbom.sh WHEELS FILE      (WHEELS: a folder, from which pip takes the wheel that fits)
#
#   PYTHON   the interpreter (default: python3)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}
"$python" -m venv "$work/tools"
"$work/tools/bin/python" -m pip install -q --disable-pip-version-check "cyclonedx-bom>=7,<8"
# Without pip in it: what is there is what the wheel brings.
"$python" -m venv --without-pip "$work/installed"
install() { "$work/tools/bin/python" -m pip --python "$work/installed/bin/python" install -q --disable-pip-version-check "$@"; }
install --no-index --no-deps --find-links "$1" zmqcore # from nowhere else
install zmqcore                                        # it is there: what it depends on
here=$(dirname "${BASH_SOURCE[0]}")
"$work/tools/bin/cyclonedx-py" environment --output-reproducible --mc-type library --pyproject "$here/../pyproject.toml" --output-format JSON \
    --output-file "$2" "$work/installed/bin/python"
