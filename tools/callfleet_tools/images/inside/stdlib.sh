#!/bin/sh
# Compile the standard library where it is: nothing could keep what it compiles on a read-only root.
set -eu

stdlib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
PYTHONHASHSEED=0 python3 -m compileall -qq -f --invalidation-mode unchecked-hash \
    -x '/(test|tests|idlelib|lib2to3|turtledemo|dist-packages|site-packages)/' "$stdlib"
