#!/bin/sh
# Install what /build/wanted/pyproject.toml requires into /opt/callfleet, each package as requirements.lock has it,
# hash by hash; take out what nothing runs; compile what is left.
set -eu

if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi
if [ -n "${INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX="$INDEX_URL"; fi

VIRTUAL_ENV=/opt/callfleet /opt/tools/bin/uv pip install --quiet --only-binary :all: --require-hashes \
    -c /build/requirements.lock -r /build/wanted/pyproject.toml
# For whoever asks what is inside: the same names and versions as in each package's own metadata.
VIRTUAL_ENV=/opt/callfleet /opt/tools/bin/uv pip freeze --quiet >/opt/callfleet/requirements.txt
# Commands and headers of other packages are of no use here.
rm -rf /opt/callfleet/include /opt/callfleet/share
find /opt/callfleet/bin -type f ! -name 'python*' -delete
/opt/callfleet/bin/python -I /build/thin.py /opt/callfleet
# Compiled ahead, as the root is read-only; checked against nothing, as no file changes; by one
# process, so that two builds give the same bytes. What hardly anybody imports stays as it is.
/opt/callfleet/bin/python -m compileall -qq --invalidation-mode unchecked-hash \
    -x '/(speech_v1p1beta1/|texttospeech_v1beta1/|pygments/(lexers|styles)/[a-z]|sqlalchemy/dialects/(mssql|mysql|oracle)/|numpy/(_core/tests|testing)/)' \
    /opt/callfleet/lib
