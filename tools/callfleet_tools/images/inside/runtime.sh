#!/bin/sh
# Make a base what all roles stand on: no installer, a compiled standard library, a user.
set -eu

# A public Python image has these; Debian's own Python has not.
rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip
rm -f /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/2to3* /usr/local/bin/pydoc*

stdlib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
PYTHONHASHSEED=0 python3 -m compileall -qq -f --invalidation-mode unchecked-hash \
    -x '/(test|tests|idlelib|lib2to3|turtledemo|dist-packages|site-packages)/' "$stdlib"

# With an entry of its own: who asks for the name of a user that has none is answered with an error.
echo 'callfleet:x:65532:65532:callfleet:/tmp:/usr/sbin/nologin' >>/etc/passwd
echo 'callfleet:x:65532:' >>/etc/group
mkdir -p /var/lib/callfleet
chown 65532:65532 /var/lib/callfleet
chmod 0700 /var/lib/callfleet
