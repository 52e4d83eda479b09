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


Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILES]", help="Lexicon files or packaged names; default: all of the settings.", show_default=False
    ),
]
NearConfig = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="HILFERUF_CONFIG",
        help="Settings file; default ./hilferuf.yaml, or packaged defaults where there is none.",
        show_default=False,
    ),
]


@lexicon_app.command("lint")
def lexicon_lint(
    files: Files = None,
    over: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="NDJSON of recorded mentions that shows what is too broad; default: packaged posts. May be repeated.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings end with exit code 1 too.")] = False,
    config: NearConfig = None,
    json: AsJson = False,
) -> None:
    """Tell what has no effect, contradicts itself, is never tested, or finds too much or too little."""
    from hilferuf.commands.lexicon_lint import lint_files

    raise typer.Exit(lint_files(files or [], config, over or [], strict, json))


@lexicon_app.command("test")
def lexicon_test(files: Files = None, config: NearConfig = None, json: AsJson = False) -> None:
    """Run the examples in lexicons; of a failing one, tell what matched instead. Exit code 1: one fails."""
    from hilferuf.commands.lexicon_test import test_examples

    raise typer.Exit(test_examples(files or [], config, json))


@lexicon_app.command("try")
def lexicon_try(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]",
            help="A post's text, or a mention as JSON; default: standard input, one a line.",
            show_default=False,
        ),
    ] = None,
    config: NearConfig = None,
    json: AsJson = False,
) -> None:
    """Judge a text, and show what was heard in it and what did not count, with why."""
    from hilferuf.commands.lexicon_try import try_texts

    raise typer.Exit(try_texts(text, config, json))


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


@lexicon_app.command("suggest")
def lexicon_suggest(
    outcomes: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="NDJSON of what people did with posts; may be repeated. Default: what the helpdesks told.",
            show_default=False,
        ),
    ] = None,
    over: Over = None,
    language: Annotated[
        str | None, typer.Option(help="Of the posts; default: the one with most outcomes.", show_default=False)
    ] = None,
    posts: Annotated[int, typer.Option(help="A term must stand in so many posts …", min=2)] = 5,
    authors: Annotated[int, typer.Option(help="… of so many authors.", min=2)] = 3,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Propose phrases, exceptions and weights from what people did with posts, with evidence, as a lexicon file."""
    from hilferuf.commands.lexicon_suggest import propose
    from lexicons.suggest import Limits

    limits = Limits(posts=posts, authors=authors)
    raise typer.Exit(propose(config, outcomes or [], over or [], language, limits, json))
