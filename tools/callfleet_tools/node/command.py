"""The command line of a cluster on this machine: up, down, and what it takes of memory."""

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from callfleet_tools import ToolError, cache
from callfleet_tools.evaluation import furnish
from callfleet_tools.evaluation.telling import next_steps
from callfleet_tools.find import look
from callfleet_tools.node.bringing import Cluster, Wish, bring_up, find_up, take_down
from callfleet_tools.node.errors import NodeError
from callfleet_tools.node.memory import by_program
from callfleet_tools.programs import named

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

Folder = Annotated[
    Path | None, typer.Option(help="Where what belongs to it is kept (else in the cache).")
]


@app.command()
def up(
    folder: Folder = None,
    nodes: Annotated[int, typer.Option(help="How many nodes it has.")] = 1,
    internet: Annotated[
        bool, typer.Option("--internet", help="Have pods reach what this machine reaches.")
    ] = False,
    policies: Annotated[
        bool, typer.Option("--policies", help="Have NetworkPolicies enforced.")
    ] = False,
    bare: Annotated[
        bool, typer.Option("--bare", help="Load no images and install no charts.")
    ] = False,
) -> None:
    """Bring a cluster up with a fleet that takes calls, and leave it up. Says what each part took.

    Where one is up, it is brought what has changed since: images and charts.
    """
    console = Console(stderr=True, highlight=False)
    started = time.monotonic()

    def tell(what: str, seconds: float) -> None:
        console.print(f"  {what:<20} {seconds:6.1f} s")

    place = folder or default_folder()
    wish = Wish(place, nodes, owned=False, internet=internet, policies=policies)
    cluster = (None if bare else find_up(place)) or bring_up(wish, tell)
    evaluation = None if bare else furnish(cluster, tell, fleet=True)
    tell("all", time.monotonic() - started)
    _give_to_user(cluster.kubeconfig)
    if evaluation is not None:
        console.print(next_steps(evaluation), soft_wrap=True, markup=False)
    console.print("\nWhat follows puts kubectl and helm on your PATH, and has them speak with it:")
    print(_exports(cluster))


@app.command()
def down(
    folder: Folder = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Remove images and logs too.")
    ] = False,
) -> None:
    """End a cluster and remove what it left; images and logs are kept."""
    started = time.monotonic()
    was_up = take_down(folder or default_folder(), everything=everything)
    print(f"down after {time.monotonic() - started:.1f} s" if was_up else "none was up")


@app.command()
def status(folder: Folder = None) -> None:
    """Say what each program of the cluster takes of memory; exit code 1 where none is up."""
    place = folder or default_folder()
    cluster = find_up(place)
    if cluster is None:
        print(f"no cluster is up in {place}")
        raise typer.Exit(1)
    table = Table("program", "processes", "MB")
    for name, (count, size_bytes) in by_program(place).items():
        table.add_row(name, str(count), f"{size_bytes / 1e6:.0f}")
    Console().print(table)
    print(_exports(cluster))


def _exports(cluster: Cluster) -> str:
    """Say by what a shell knows the cluster and has its programs, as a line for `eval`."""
    programs = [cluster.layout.programs["kubectl"], look(named("helm")).path]
    folders = ":".join(shlex.quote(str(each.parent)) for each in programs if each.exists())
    return f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))} PATH={folders}:$PATH"


def _give_to_user(file: Path) -> None:
    """Give a file to whoever asked sudo for this."""
    user, group = (os.environ.get(name) for name in ("SUDO_UID", "SUDO_GID"))
    if user and group:
        os.chown(file, int(user), int(group))


def default_folder() -> Path:
    """Where the cluster of `make cluster` is."""
    return cache.root() / "cluster"


def main() -> None:
    """Run the command; what cannot be had is one sentence and exit code 1."""
    try:
        app()
    except NodeError as error:
        sys.exit(f"cluster: {error}")
    except ToolError as error:
        sys.exit(f"callfleet_tools: {error}")
