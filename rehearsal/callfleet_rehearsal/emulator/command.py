"""``callfleet emulate``: run the Gemini Live emulator until it is stopped."""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop
from rich.console import Console

from callfleet_rehearsal.emulator.brain import Script
from callfleet_rehearsal.emulator.certificates import BadCertificatesError
from callfleet_rehearsal.emulator.configuration import EmulatorConfig
from callfleet_rehearsal.emulator.profiles import PROFILE_NAMES
from callfleet_rehearsal.emulator.scripts import BadScriptError, read_script
from callfleet_rehearsal.emulator.server import CannotListenError, Emulator
from callfleet_rehearsal.emulator.timing import COMPLETE_SILENCE_SECONDS, TimingName
from callfleet_rehearsal.precedence import precedence

EXIT_CANNOT_START = 2
_DEFAULTS = EmulatorConfig()
_COMPLETE_SILENCE_MS = round(COMPLETE_SILENCE_SECONDS * 1000)

Port = Annotated[int, typer.Option(help="Port of the Live API. 0 takes a free one.")]
ControlPort = Annotated[int, typer.Option(help="Port of the plain HTTP control port.")]
ReadyFile = Annotated[
    Path | None, typer.Option(help="Write url, ca_file, control_url and pid here once ready.")
]
Log = Annotated[Path | None, typer.Option(help="Append every event here as a JSON line.")]
Profile = Annotated[
    str, typer.Option(help=f"Behave like: {', '.join(PROFILE_NAMES)} (auto goes by the model).")
]
Timing = Annotated[
    TimingName, typer.Option(help="ideal: 300 ms to the first audio; measured: published figures.")
]
Key = Annotated[
    list[str] | None, typer.Option(help="A good API key; repeat it. None: any key is good.")
]
Seed = Annotated[int, typer.Option(help="Seeds every random time, so that a run repeats.")]
ScriptFile = Annotated[Path | None, typer.Option(help="YAML or JSON of turns by number.")]
Host = Annotated[str, typer.Option(help="Address to listen on, and the certificate's name.")]
Listen = Annotated[
    str | None, typer.Option(help="Listen here, where --host is a name by which others find it.")
]
TlsFolder = Annotated[
    Path | None, typer.Option("--tls", help="Show tls.crt, tls.key of this folder; ca.crt too.")
]
Folder = Annotated[Path | None, typer.Option(help="Keep the certificates here.")]
Silence = Annotated[int, typer.Option(help="Silence after a sentence that sounds complete, in ms.")]
Lifetime = Annotated[float, typer.Option(help="Life of one connection, goAway included, in s.")]

First = Annotated[
    bool, typer.Option("--precedence", help="Go before ordinary threads, where the system allows.")
]
MostSessions = Annotated[int, typer.Option(help="Refuse sessions beyond so many; 0: never.")]


def emulate(  # noqa: PLR0913, PLR0917 - the options of a command line are what they are
    port: Port = 8443,
    control_port: ControlPort = 0,
    ready_file: ReadyFile = None,
    log: Log = None,
    profile: Profile = "auto",
    timing: Timing = TimingName.IDEAL,
    key: Key = None,
    seed: Seed = 0,
    script: ScriptFile = None,
    host: Host = _DEFAULTS.host,
    listen: Listen = None,
    tls: TlsFolder = None,
    certificates: Folder = None,
    complete_silence_ms: Silence = _COMPLETE_SILENCE_MS,
    connection_seconds: Lifetime = _DEFAULTS.connection_seconds,
    most_sessions: MostSessions = _DEFAULTS.most_sessions,
    first: First = False,
) -> None:
    """Be a Gemini Live API on this machine: TLS, hears, takes turns, speaks, fails on demand."""
    console = Console(stderr=True)
    if profile not in PROFILE_NAMES:
        console.print(f"--profile {profile} is none of: {', '.join(PROFILE_NAMES)}", style="red")
        raise typer.Exit(EXIT_CANNOT_START)
    try:
        config = EmulatorConfig(
            host=host,
            port=port,
            control_port=control_port,
            keys=tuple(key or ()),
            profile=profile,
            timing=timing,
            seed=seed,
            complete_silence_seconds=complete_silence_ms / 1000,
            connection_seconds=connection_seconds,
            most_sessions=most_sessions,
            log_file=log,
            certificate_folder=certificates,
            listen=listen,
            tls_folder=tls,
            script=Script() if script is None else read_script(script),
        )
        with precedence() if first else contextlib.nullcontext():
            uvloop.run(_serve(config, ready_file, console))
    except (OSError, BadScriptError, BadCertificatesError) as error:
        console.print(_told(error), style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_CANNOT_START) from error


def _told(error: OSError | BadScriptError | BadCertificatesError) -> str:
    if isinstance(error, OSError) and not isinstance(error, CannotListenError):
        return f"cannot use {error.filename}: {error.strerror}; give another path"
    return str(error)


async def _serve(config: EmulatorConfig, ready_file: Path | None, console: Console) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Emulator(config) as emulator:
        # What start-up made lives for ever: no collection need stop the clock to look at it again.
        gc.collect()
        gc.freeze()
        with _announced(emulator, ready_file):
            console.print(_welcome(emulator), highlight=False, soft_wrap=True)
            await stopped.wait()


@contextlib.contextmanager
def _announced(emulator: Emulator, ready_file: Path | None) -> Iterator[None]:
    if ready_file is None:
        yield
        return
    half = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
    half.write_bytes(orjson.dumps(_facts(emulator)))
    half.replace(ready_file)
    try:
        yield
    finally:
        ready_file.unlink(missing_ok=True)


def _facts(emulator: Emulator) -> dict[str, object]:
    return {
        "url": emulator.url,
        "ca_file": str(emulator.ca_file),
        "control_url": emulator.control_url,
        "pid": os.getpid(),
    }


def _welcome(emulator: Emulator) -> str:
    config = emulator.config
    keys = f"{len(config.keys)} good" if config.keys else "any is good"
    how = f"timing {config.timing.value}, profile {config.profile}, API keys: {keys}"
    lines = (
        f"Gemini Live emulator: {emulator.url}  ({how})",
        "Point a client at it:",
        f"  export GOOGLE_GEMINI_BASE_URL={emulator.url}",
        f"  export SSL_CERT_FILE={emulator.ca_file}",
        f"  export GOOGLE_API_KEY={config.keys[0] if config.keys else 'any'}",
        f"Watch and disturb it: {emulator.control_url}  (GET /events, GET /faults)",
        "Stop it with Ctrl-C.",
    )
    return "\n".join(lines)
