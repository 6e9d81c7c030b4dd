#!/bin/sh
# Make a base what all roles stand on: no installer, no way to more rights, a user.
set -eu

# A public Python image has these; Debian's own Python has not.
rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip
rm -f /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/2to3* /usr/local/bin/pydoc*

# Programs like su and mount run as root, whoever starts them.
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +

# With an entry of its own: who asks for the name of a user that has none is answered with an error.
echo 'callfleet:x:65532:65532:callfleet:/tmp:/usr/sbin/nologin' >>/etc/passwd
echo 'callfleet:x:65532:' >>/etc/group
mkdir -p /var/lib/callfleet
chown 65532:65532 /var/lib/callfleet
chmod 0700 /var/lib/callfleet
