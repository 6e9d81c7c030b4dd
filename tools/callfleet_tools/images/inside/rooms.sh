#!/bin/sh
# Build a wheel of the rooms of this project that are in /build, put it into /code, laid out as below
# /opt/callfleet, and compile it.
set -eu

cd /build
# No image starts a local stack, which is what a wheel has Prometheus' rules for.
mkdir -p dashboards/rules
VIRTUAL_ENV=/opt/tools SOURCE_DATE_EPOCH=315532800 /opt/tools/bin/uv build --quiet --no-cache --wheel \
    --no-build-isolation --python /opt/tools/bin/python --out-dir dist .

python=/opt/callfleet/bin/python
/opt/tools/bin/uv pip install --quiet --no-cache --no-deps --offline --python $python --prefix /code dist/*.whl
cd /code/lib/python3*/site-packages
# These tell of files that are not there, and of folders of this build.
rm -f callfleet-*.dist-info/RECORD callfleet-*.dist-info/REQUESTED callfleet-*.dist-info/*.json
$python -m compileall -qq --invalidation-mode unchecked-hash -s /code -p /opt/callfleet /code/lib
