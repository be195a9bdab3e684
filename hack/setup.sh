#!/usr/bin/env bash
# Makes .venv hold exactly what requirements.lock says, and this package as an editable install. Run by `make setup`.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=.venv

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Headwater needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Set PYTHON=/path/to/python3.11." >&2
    exit 1
fi
if [ ! -x "$venv/bin/python" ]; then
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "Could not make a virtual environment. On Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi

# uv is many times faster than pip; where it can't be had or can't reach the index, pip does the same.
if [ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install --quiet uv; then
    if "$venv/bin/uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" --requirement requirements.lock &&
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --editable .; then
        exec "$venv/bin/python" -m compileall -q src
    fi
    echo "uv could not install; trying pip." >&2
fi
"$venv/bin/python" -m pip install --quiet --requirement requirements.lock
"$venv/bin/python" -m pip install --quiet --no-deps --editable .
# Where PYTHONDONTWRITEBYTECODE is set, every start would compile everything again.
exec "$venv/bin/python" -m compileall -q src
