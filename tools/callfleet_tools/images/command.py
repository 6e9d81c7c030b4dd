"""``python -m callfleet_tools images``: make images, and say what they are made of."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from callfleet_tools.images import plan
from callfleet_tools.images.buildah import Buildah
from callfleet_tools.images.make import Made, Wish, make, parts
from callfleet_tools.images.makeup import megabytes

_SHOWN_PARTS = 12


def images(
    roles: Annotated[
        list[plan.Role] | None, typer.Argument(help="All where none is named.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for archives and images.json.")] = None,
    base: Annotated[str | None, typer.Option(help="An image in the store; else made here.")] = None,
    tag: Annotated[str | None, typer.Option(help="Tag; else it follows from the content.")] = None,
    makeup: Annotated[bool, typer.Option(help="Say what each image is made of.")] = False,
) -> None:
    """Make the images of callfleet with buildah, and archives that `ctr images import` takes."""
    buildah = Buildah()
    made = make(Wish(roles=roles or tuple(plan.Role), out=out, base=base, tag=tag), buildah)
    console = Console()
    console.print(_table(made))
    if makeup:
        for one in made:
            table = Table(f"part of {one.role}", "size")
            for part in parts(one, buildah, _SHOWN_PARTS):
                table.add_row(part.name, megabytes(part.size))
            console.print(table)


def _table(made: list[Made]) -> Table:
    table = Table("image", "size", "seconds", "archive")
    for one in made:
        table.add_row(one.reference, megabytes(one.size), str(one.seconds), one.archive or "")
    return table
