#!/bin/sh
# Without arguments: build the wheel of this project. With: put those of its rooms into /code, laid out
# as below /opt/callfleet, and compile them.
set -eu

if [ $# -eq 0 ]; then
    cd /build
    VIRTUAL_ENV=/opt/tools SOURCE_DATE_EPOCH=315532800 /opt/tools/bin/uv build --quiet --no-cache --wheel \
        --no-build-isolation --python /opt/tools/bin/python --out-dir dist .
    exit
fi

python=/opt/callfleet/bin/python
/opt/tools/bin/uv pip install --quiet --no-cache --no-deps --offline --python $python --prefix /code /build/dist/*.whl
cd /code/lib/python3*/site-packages
for room in callfleet*; do
    case " $* $(echo callfleet-*.dist-info) " in
    *" $room "*) ;;
    *) rm -rf "$room" ;;
    esac
done
# These tell of files that are not there, and of folders of this build.
rm -f callfleet-*.dist-info/RECORD callfleet-*.dist-info/REQUESTED callfleet-*.dist-info/*.json
$python -m compileall -qq --invalidation-mode unchecked-hash -s /code -p /opt/callfleet /code/lib
