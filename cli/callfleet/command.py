"""``callfleet VERB``: hand over to the room that does it, and import no other."""

import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import typer

_OURS = (
    "callfleet",
    "callfleet_service",
    "callfleet_contract",
    "callfleet_operator",
    "callfleet_rehearsal",
    "callfleet_tools",
    "callfleet_worker",
)
_USAGE = 2


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: the module with a function of its name, and the extra that its imports are in."""

    name: str
    module: str
    extra: str
    help: str

    @property
    def room(self) -> str:
        """The package that does it: images have that of their own role alone."""
        return self.module.partition(".")[0]

    @property
    def image(self) -> str:
        """The image that has the room."""
        return self.room.replace("_", "-")


VERBS: tuple[Verb, ...] = (
    Verb(
        "rehearse",
        "callfleet_rehearsal.command.rehearse",
        "rehearsal,worker",
        "Place simultaneous calls through a real LiveKit server and give a verdict.",
    ),
    Verb(
        "bench",
        "callfleet_rehearsal.command.bench",
        "rehearsal,worker",
        "Measure this worker against plain livekit-agents, side by side.",
    ),
    Verb(
        "capacity",
        "callfleet_rehearsal.command.capacity",
        "rehearsal,worker",
        "Find how many calls this machine carries within the objectives.",
    ),
    Verb(
        "faults",
        "callfleet_rehearsal.command.faults",
        "rehearsal,worker",
        "Strike one call with a fault, and say what its neighbours feel.",
    ),
    Verb(
        "profile",
        "callfleet_rehearsal.command.profile",
        "rehearsal,worker",
        "Say where the CPU time of a call goes: flame graph, threads, parts of the tree.",
    ),
    Verb(
        "up",
        "callfleet_rehearsal.command.up",
        "rehearsal,worker",
        "Start the local stack, and keep it up until Ctrl-C.",
    ),
    Verb(
        "emulate",
        "callfleet_rehearsal.emulator.command",
        "rehearsal",
        "Run the Gemini Live emulator alone.",
    ),
    Verb(
        "worker",
        "callfleet_worker.command",
        "worker",
        "Run one worker: take calls from LiveKit and bridge them to the model.",
    ),
    Verb(
        "operator",
        "callfleet_operator.command",
        "operator",
        "Look after voice fleets in Kubernetes: how many workers, which one may go.",
    ),
    Verb(
        "fleet",
        "callfleet_operator.fleetctl.command",
        "operator",
        "See fleets in Kubernetes, and say what is wanted of their pods and rollouts.",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give the exit code; 2 where there is no such verb."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    first = given[0] if given else "--help"
    if first in {"-h", "--help", "help"}:
        return _say(_help())
    if first in {"version", "--version"}:
        return _say(f"callfleet {importlib.metadata.version('callfleet')}")
    for verb in VERBS:
        if verb.name == first:
            return _run(verb, given[1:])
    print(f"callfleet: there is no verb {first!r}\n\n{_help()}", file=sys.stderr)
    return _USAGE


def _run(verb: Verb, arguments: list[str]) -> int:
    try:
        app = _app(verb)
        result = app(args=arguments, prog_name=f"callfleet {verb.name}")
    except ModuleNotFoundError as error:
        told = _told(verb, (error.name or "").partition(".")[0])
        if told is None:
            raise
        print(f"callfleet {verb.name} {told}", file=sys.stderr)
        return _USAGE
    return result if isinstance(result, int) else os.EX_OK


def _told(verb: Verb, missing: str) -> str | None:
    """Say what a verb lacks here, with the cure; None where what is missing is a fault of ours."""
    install = f"pip install 'callfleet[{verb.extra}]'"
    if missing == verb.room and importlib.util.find_spec(missing) is None:
        return f"is not in this image: take the image {verb.image}, or {install}"
    if not missing or missing in _OURS:
        return None
    return f"needs {missing}, which is not installed: {install}"


def _app(verb: Verb) -> typer.Typer:
    """Take the function of the verb's name, or the commands below it."""
    found = getattr(importlib.import_module(verb.module), verb.name)
    if isinstance(found, typer.Typer):
        return found
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=inspect.getdoc(found))(found)
    return app


def _help() -> str:
    lines = [f"  {verb.name:<10} {verb.help}" for verb in VERBS]
    return "\n".join(
        [
            "Voice agents on LiveKit and Gemini Live, and ten calls to prove them.",
            "",
            "callfleet VERB [OPTIONS]",
            *lines,
            "  version    Print the version.",
            "",
            "callfleet VERB --help says more of each.",
        ]
    )


def _say(text: str) -> int:
    print(text)
    return os.EX_OK
