"""Give pods another time than the machine has, and move it while they run.

A container has no clock of its own, and the machine's is everybody's. So whoever asks for the time
is led past it: by a library that is loaded before all others, and a file that says how far ahead it
is. Only the wall clock is moved, as by a time service: what passes goes on passing.
"""

import base64
from pathlib import Path
from typing import Any

from callfleet_tools import debian
from callfleet_tools.node import parts

Object = dict[str, Any]

NAME = "other-clock"
"""Of the ConfigMap that has the library."""
AHEAD_FILE = "/tmp/ahead"  # noqa: S108 - in a pod, where it is a volume of the pod's own
_FOLDER = "/etc/other-clock"
_LIBRARY = "clock.so"
ENVIRONMENT: Object = {"name": "LD_PRELOAD", "value": f"{_FOLDER}/{_LIBRARY}"}
VOLUME: Object = {"name": NAME, "configMap": {"name": NAME}}
MOUNT: Object = {"name": NAME, "mountPath": _FOLDER, "readOnly": True}
_SOURCE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
  char text[24];
  int kept = errno, file = open(AHEAD_FILE, O_RDONLY | O_CLOEXEC);
  long length = file < 0 ? 0 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  errno = kept;
  if (length <= 0) return 0;
  text[length] = 0;
  return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  int failed = syscall(SYS_clock_gettime, clock, at);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += ahead();
  return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  int failed = syscall(SYS_gettimeofday, at, zone);
  if (!failed && at) at->tv_sec += ahead();
  return failed;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
"""


def worn(template: Object) -> Object:
    """Have the pods of a fleet's template load the library."""
    return {
        **template,
        "env": [*template.get("env", ()), ENVIRONMENT],
        "volumes": [*template.get("volumes", ()), VOLUME],
        "volumeMounts": [*template.get("volumeMounts", ()), MOUNT],
    }


def set_ahead(seconds: int) -> list[str]:
    """Give the command that moves the clock of the pod in which it is run."""
    return ["sh", "-c", f"echo {seconds} > {AHEAD_FILE}"]


def library(folder: Path) -> Object:
    """Build the library, and give the ConfigMap that has it."""
    if debian.path_of("cc") is None:
        debian.install(["gcc", "libc6-dev"])
    source, built = folder / "clock.c", folder / _LIBRARY
    source.write_text(_SOURCE, encoding="utf-8")
    told = ["-shared", "-fPIC", "-O2", f'-DAHEAD_FILE="{AHEAD_FILE}"', "-o", built]
    parts.run(["cc", *told, source], "building another clock")
    content = base64.b64encode(built.read_bytes()).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME},
        "binaryData": {_LIBRARY: content},
    }
