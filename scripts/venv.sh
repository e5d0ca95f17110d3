#!/bin/sh
# Makes .venv hold one extra of this project, "server", "dev", "bench" or "mutation"; done at once
# when it does already.
set -eu
cd "$(dirname "$0")/.."
extra=$1

# What .venv must match: the folder it is in, what is asked for and which versions answer it.
wanted=$({ pwd; cat pyproject.toml constraints.txt; } | cksum)

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

have_uv() {
    command -v uv >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON-}" ]; then set -- "$PYTHON"; else set -- python3.13 python3.12 python3.11 python3 python; fi
    for candidate; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    echo "billing needs Python 3.11 or newer and found none as: $*" >&2
    echo "Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv), or name one: make run PYTHON=/path/to/python" >&2
    return 1
}

make_venv() {
    python=$(find_python)
    if have_uv; then
        uv venv --quiet --clear --python "$python" .venv
    elif "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv --clear .venv
    else
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "$python cannot make a virtual environment. Please run: sudo apt-get install python$version-venv" >&2
        return 1
    fi
}

install() {
    if have_uv; then
        uv pip install --quiet --python .venv/bin/python --constraint constraints.txt --editable ".[$extra]"
    else
        .venv/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable ".[$extra]"
    fi
}

if new_enough .venv/bin/python; then
    # bench and mutation hold all that dev does, and dev all that server does.
    case $extra in
        server) holders="server dev bench mutation" ;;
        dev) holders="dev bench mutation" ;;
        *) holders=$extra ;;
    esac
    for holder in $holders; do
        if [ "$(cat ".venv/.stamp-$holder" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
    done
fi
echo "Setting up .venv for '$extra' (once, under a minute) ..." >&2
# A half-made environment, or one of a tool that is gone, is made again.
if ! new_enough .venv/bin/python || { ! have_uv && ! .venv/bin/python -c 'import pip' 2>/dev/null; }; then
    make_venv
fi
install
echo "$wanted" >".venv/.stamp-$extra"
