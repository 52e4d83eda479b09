"""`hilferuf lexicon`: what a support lead does with a lexicon before and after it goes live. As in `hilferuf.cli`, each command
lives in a module of its own and is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

lexicon_app = typer.Typer(help="Lexicons: check them, test them, try a text.", no_args_is_help=True)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="HILFERUF_CONFIG",
        help="Settings file; default ./hilferuf.yaml.",
        show_default=False,
    ),
]
Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="LOG",
        help="NDJSON of recorded mentions, - = standard input; may be repeated. Default: the running log.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@lexicon_app.command("schema")
def lexicon_schema() -> None:
    """Print the JSON Schema of lexicon files, for editors."""
    from hilferuf.commands.lexicon_schema import schema

    raise typer.Exit(schema())


@lexicon_app.command("health")
def lexicon_health(
    over: Over = None,
    counts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Days counted by earlier runs: read, and written with this run's.", show_default=False
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The time it is (UTC, RFC 3339); default: now, with --over its last day."),
    ] = None,
    dead_days: Annotated[
        int, typer.Option(help="Days without a hit from which a trigger may be dead.", min=1, max=27)
    ] = 7,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Tell triggers that stopped hitting or hit far more than usual, and silent lexicons. Exit code 1: there are some."""
    from hilferuf.commands.lexicon_health import health

    raise typer.Exit(health(config, over or [], counts, until, dead_days, json))
