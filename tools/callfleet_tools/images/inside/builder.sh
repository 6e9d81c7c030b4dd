#!/bin/sh
# Set up what builds: uv and hatchling in /opt/tools, both as requirements.lock has them, and an empty
# virtual environment at /opt/callfleet.
set -eu

if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca SSL_CERT_FILE=/run/secrets/ca; fi
if [ -n "${INDEX_URL:-}" ]; then export PIP_INDEX_URL="$INDEX_URL" UV_DEFAULT_INDEX="$INDEX_URL"; fi
cd /build

python3 -m venv /opt/tools
awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' requirements.lock >uv.lock
/opt/tools/bin/pip install --quiet --no-cache-dir --require-hashes -r uv.lock
mkdir -p tools
printf '[project]\nname = "tools"\nversion = "0"\ndependencies = ["hatchling"]\n' >tools/pyproject.toml
VIRTUAL_ENV=/opt/tools /opt/tools/bin/uv pip install --quiet --require-hashes -c requirements.lock -r tools/pyproject.toml
rm -r tools

/opt/tools/bin/uv venv --quiet --no-project --python "$(python3 -c 'import sys; print(sys.executable)')" /opt/callfleet
# The image's PATH has its bin folder; what would activate it in a shell has this build's paths.
find /opt/callfleet/bin -name '*activate*' -delete
rm -f /opt/callfleet/.gitignore /opt/callfleet/.lock /opt/callfleet/CACHEDIR.TAG
