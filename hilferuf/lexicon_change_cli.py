"""`hilferuf lexicon plan | apply | rollback`: what changes the lexicons of a running service, and what shows it before."""

from pathlib import Path
from typing import Annotated

import typer

from hilferuf.lexicon_cli import AsJson, Config, lexicon_app
from hilferuf.lexicon_cli import Over as Recorded

New = Annotated[
    Path | None,
    typer.Argument(
        metavar="[NEW]",
        help="A lexicon file, in the place of the one of its name in the settings; default: all files as they lie.",
        show_default=False,
    ),
]


@lexicon_app.command("plan")
def lexicon_plan(
    new: New = None,
    over: Recorded = None,
    facts: Annotated[list[str] | None, typer.Option(help="NDJSON file of customer facts; may be repeated.")] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time of mentions that name none (UTC); default: when LOG was written."),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", help="Tickets shown of each kind.", min=0)] = 10,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Show what a lexicon would change in the queue: tickets gained, lost, moved. Exit code 2: something changes."""
    from hilferuf.commands.lexicon_plan import Over, plan

    raise typer.Exit(plan(config, new, Over(over or [], facts or [], until), samples, json))


@lexicon_app.command("apply")
def lexicon_apply(new: New = None, config: Config = None, json: AsJson = False) -> None:
    """Put lexicons into force, after reading all of them; a running service follows without a restart."""
    from hilferuf.commands.lexicon_apply import apply

    raise typer.Exit(apply(config, new, json))


@lexicon_app.command("rollback")
def lexicon_rollback(config: Config = None, json: AsJson = False) -> None:
    """Go back to the lexicons that were in force before; again: one further back."""
    from hilferuf.commands.lexicon_apply import rollback

    raise typer.Exit(rollback(config, json))
