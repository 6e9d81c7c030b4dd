"""An image to try a node with: a shell, a web server and what asks for names, and nothing else."""

from callfleet_tools import debian
from callfleet_tools.node.images import Image

REFERENCE = "callfleet.invalid/trial:1"
PAGE = "a page of the trial pod\n"
_APPLETS = ("cat", "echo", "httpd", "id", "nslookup", "sh", "sleep", "wget")
_SERVE = """
trap 'echo told to end; sleep 1; echo ended in peace; exit 0' TERM
echo serving
httpd -f -p 8080 -h /pages &
while true; do wait; sleep 1; done
"""


def trial_image() -> Image:
    """Give the image, made of this machine's busybox, which is installed where it is missing."""
    if debian.path_of("busybox") is None:
        debian.install(["busybox-static"])
    busybox = debian.path_of("busybox")
    assert busybox is not None
    return Image(
        REFERENCE,
        ("sh", "/serve.sh"),
        programs={"bin/busybox": busybox},
        files={
            "etc/passwd": "trial:x:65535:65535::/:/bin/sh\n",
            "pages/index.html": PAGE,
            "serve.sh": _SERVE,
        },
        links={f"bin/{name}": "busybox" for name in _APPLETS},
    )
