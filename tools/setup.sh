#!/bin/sh
# Make the virtual environment $1 with every pinned dependency. Needs Python 3.11 or newer with its
# venv module; everything else comes from the Python package index that pip is set to use.
set -eu

folder=$1
uv_version=0.13.9
cache=${CALLFLEET_TOOLS_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:?set HOME or CALLFLEET_TOOLS_CACHE_DIR}/.cache}/callfleet}

stop() {
    echo "setup: $*" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || stop "PYTHON is '$PYTHON', which is no Python 3.11 or newer; name one that is."
        echo "$PYTHON"
        return
    fi
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if new_enough "$name"; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    stop "no Python 3.11 or newer is on PATH; install one, or name it: make setup PYTHON=/path/to/python3."
}

provide_uv() {
    [ -x "$1/bin/uv" ] && return
    making=$(mktemp -d "$cache/.making-uv-XXXXXX")
    trap 'rm -rf "$making"' EXIT
    "$2" -m venv "$making/uv" >"$making/log" 2>&1 ||
        stop "'$2 -m venv' does not work; on Debian and Ubuntu: apt install python3-venv. It said: $(tail -n 3 "$making/log")"
    # A folder of its own per attempt and a rename at the end: two set-ups at once do not meet.
    "$making/uv/bin/python" -m pip install --quiet --target "$making/place" "uv==$uv_version" >"$making/log" 2>&1 ||
        stop "uv $uv_version cannot be installed from the package index that pip is set to use: $(tail -n 2 "$making/log")"
    mv -T "$making/place" "$1" 2>/dev/null || [ -x "$1/bin/uv" ] ||
        stop "cannot write to the cache at '$cache'; set CALLFLEET_TOOLS_CACHE_DIR to a folder of yours."
    rm -rf "$making"
    trap - EXIT
}

# uv reads no pip settings, so what pip was told about its index is handed on.
hand_on_index() {
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
        index=${PIP_INDEX_URL:-$("$1" -m pip config get global.index-url 2>/dev/null || true)}
        [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    fi
    [ -n "${SSL_CERT_FILE:-}" ] || [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="$PIP_CERT"
}

python=$(find_python)
mkdir -p "$cache" 2>/dev/null ||
    stop "cannot write to the cache at '$cache'; set CALLFLEET_TOOLS_CACHE_DIR to a folder of yours."
uv_folder=$cache/uv-$uv_version
provide_uv "$uv_folder" "$python"
hand_on_index "$python"
uv=$uv_folder/bin/uv
export UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV="$folder"

new_enough "$folder/bin/python" || "$uv" venv --quiet --clear --no-project --python "$python" "$folder"
"$uv" pip sync --require-hashes requirements.lock
"$uv" pip install --quiet --no-deps --editable .
