"""The command line of the tools: build programs and images, say where they are, list them."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from callfleet_tools.errors import ToolError
from callfleet_tools.find import find_all, look
from callfleet_tools.images.command import images
from callfleet_tools.programs import PROGRAMS, Purpose, named

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.command()(images)

Name = Annotated[str, typer.Argument(help="Name of a program, as `list` shows it.")]


@app.command()
def build(
    names: Annotated[list[str] | None, typer.Argument(help="All where none is named.")] = None,
    purposes: Annotated[
        list[Purpose] | None, typer.Option("--for", help="Those that are needed for this.")
    ] = None,
) -> None:
    """Find or build programs, so that they are there when something needs them."""
    chosen = names or [
        program.name for program in PROGRAMS if not purposes or program.purpose in purposes
    ]
    for path in find_all(chosen).values():
        print(path)


@app.command()
def path(name: Name) -> None:
    """Print where a program is, without building it; exit code 1 where it is not there yet."""
    place = look(named(name))
    print(place.path)
    if not place.path.exists():
        raise typer.Exit(1)


@app.command("list")
def list_programs() -> None:
    """List the programs, their versions, where each is, and the variable that overrides it."""
    table = Table("program", "version", "for", "origin", "path", "variable")
    for program in PROGRAMS:
        place = look(program)
        table.add_row(
            program.name,
            program.version,
            program.purpose,
            place.origin,
            str(place.path),
            program.variable,
        )
    Console().print(table)


def main() -> None:
    """Run the command; a program that cannot be had is one sentence and exit code 1."""
    try:
        app()
    except ToolError as error:
        sys.exit(f"callfleet_tools: {error}")
