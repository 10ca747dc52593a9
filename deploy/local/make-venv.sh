#!/usr/bin/env bash
# Makes the environment in .venv from a hash-locked file: make-venv.sh PYTHON LOCKFILE
set -euo pipefail
python=$1 lock=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Clipcast needs Python 3.11 or newer; '$python' is not. Try: make PYTHON=python3.11" >&2
    exit 1
fi
if [ ! -x .venv/bin/pip ] && ! "$python" -m venv --clear .venv 2>/dev/null; then
    # A bare Debian ships Python without venv.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        "$python" -m venv --clear .venv
    else
        echo "Python's venv is missing. Install it, on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi
echo "Installing from $lock ..."
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
site=$(.venv/bin/python -c 'import site; print(site.getsitepackages()[0])')
printf '%s\n' "$PWD"/libs/*/src "$PWD"/services/*/src "$PWD/deploy/local" >"$site/clipcast.pth"
# The command is a program of this tree, which is not packaged.
printf '#!/bin/sh\nexec "%s/.venv/bin/python" -P -m cli "$@"\n' "$PWD" >.venv/bin/clipcast
chmod +x .venv/bin/clipcast
