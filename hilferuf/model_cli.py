"""The command line's group `hilferuf model`."""

from pathlib import Path
from typing import Annotated

import typer

from hilferuf.options import AsJson

model_app = typer.Typer(help="The model of need: train one, measure it.", no_args_is_help=True)
Shared = Annotated[
    Path | None,
    typer.Option(
        "--shared", help="Folder with the public corpora (mobasa, need, germeval2017, airline).", show_default=False
    ),
]


@model_app.command("train")
def train(
    posts: Annotated[
        list[Path] | None,
        typer.Argument(help="Your own labelled posts, NDJSON as in lexicons/posts/README.md.", show_default=False),
    ] = None,
    shared: Shared = None,
    out: Annotated[Path, typer.Option(help="File to write; name it as `model:` in the settings.")] = Path("need.model"),
) -> None:
    """Train the model of need on the packaged posts and yours."""
    from hilferuf.commands.model import train as command

    raise typer.Exit(command(posts or [], shared, out))


@model_app.command("eval")
def evaluate(
    shared: Annotated[Path, typer.Option("--shared", help="Folder with the public corpora.")],
    locked: Annotated[bool, typer.Option("--locked", help="Also the locked posts: once a release.")] = False,
    json: AsJson = False,
) -> None:
    """Measure the packaged model."""
    from hilferuf.commands.model import evaluate as command

    raise typer.Exit(command(shared, locked=locked, as_json=json))
