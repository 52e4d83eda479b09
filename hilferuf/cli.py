"""The command line. Each command lives in its own module under `hilferuf.commands` and is imported when it runs, so that
`hilferuf --help` stays fast."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import hilferuf.lexicon_change_cli  # noqa: F401 - adds its commands to `lexicon_app`
from hilferuf import __version__
from hilferuf.lexicon_cli import lexicon_app
from hilferuf.model_cli import model_app
from hilferuf.options import AsJson, Config, RulesConfig

app = typer.Typer(
    name="hilferuf",
    help="Hears calls for help on social channels and puts them, ranked and explained, into your helpdesk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
config_app = typer.Typer(
    help="Settings: check them, write a first file, print their JSON Schema.", no_args_is_help=True
)
dlq_app = typer.Typer(help="Dead letters: what could not be read, with its reason.", no_args_is_help=True)
topics_app = typer.Typer(help="Topics on Kafka: what there must be, from the settings.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(lexicon_app, name="lexicon")
app.add_typer(model_app, name="model")
app.add_typer(topics_app, name="topics")
app.add_typer(dlq_app, name="dlq")

Drain = Annotated[bool, typer.Option("--drain", help="Stop when nothing is left to do.")]
HealthPort = Annotated[
    int | None,
    typer.Option(help="Port of metrics and health; default: server.port.", min=0, max=65535, show_default=False),
]
Instance = Annotated[
    str | None,
    typer.Option(
        envvar="HILFERUF_INSTANCE",
        help="A name that outlives the process (Kafka): its partitions wait for its restart.",
        show_default=False,
    ),
]


def main() -> None:
    """Entry point: errors of ours become one line and exit code 1 (2 for a wrong configuration), never a traceback."""
    import sqlite3

    from config.yaml_file import ConfigError
    from records.errors import HilferufError

    # A supervisor may start us with these closed; then they are empty, as with /dev/null.
    sys.stdin = sys.stdin or Path(os.devnull).open()  # noqa: SIM115 - as long as the process lives
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    try:
        app()
    except ConfigError as error:
        print(f"hilferuf: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except HilferufError as error:
        print(f"hilferuf: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader (`| head`) has gone: nothing is wrong
        sys.exit(0)
    except OSError as error:  # a full disk under the output, a folder without rights, ...
        place = f"{error.filename}: " if error.filename else ""
        print(f"hilferuf: {place}{error.strerror or error}", file=sys.stderr)  # noqa: T201
        _end_broken()
    except sqlite3.OperationalError as error:
        print(f"hilferuf: the data folder's files cannot be used now: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _end_broken() -> None:
    """Exit code 1, without the interpreter's own complaint about an output that cannot be flushed."""
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(1)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"hilferuf {__version__}")
        raise typer.Exit


@app.command()
def demo(
    seconds: Annotated[float, typer.Option(help="How long the story's day takes.", min=1)] = 25.0,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines, as without a terminal.")] = False,
) -> None:
    """Play a bundled story of an invented brand through the whole product, on this machine alone."""
    from hilferuf.commands.demo import demo as command

    raise typer.Exit(command(seconds, plain))


@app.command()
def run(
    config: Config = None,
    drain: Drain = False,
    listening: Annotated[
        bool, typer.Option("--listen/--no-listen", help="Or by `hilferuf listen`, beside this.")
    ] = True,
    delivering: Annotated[
        bool, typer.Option("--deliver/--no-deliver", help="Or by `hilferuf deliver`, beside.")
    ] = True,
    health_port: HealthPort = None,
) -> None:
    """Listen, rank and deliver in one process on the embedded engine."""
    from hilferuf.commands.service import service

    roles = {"stages"} | ({"listen"} if listening else set()) | ({"deliver"} if delivering else set())
    raise typer.Exit(service(config, roles, drain=drain, health_port=health_port))


@app.command()
def listen(config: Config = None, health_port: HealthPort = None) -> None:
    """Only listen: to Kafka, or into the embedded engine's log beside `run --no-listen`."""
    from hilferuf.commands.service import service

    raise typer.Exit(service(config, {"listen"}, health_port=health_port))


@app.command()
def deliver(
    config: Config = None,
    drain: Drain = False,
    sink: Annotated[str | None, typer.Option(help="Only to this sink (Kafka).", show_default=False)] = None,
    instance: Instance = None,
    health_port: HealthPort = None,
) -> None:
    """Only deliver: from Kafka, or beside `run --no-deliver`."""
    from hilferuf.commands.service import service

    raise typer.Exit(service(config, {"deliver"}, drain=drain, health_port=health_port, sink=sink, instance=instance))


@app.command()
def work(config: Config = None, instance: Instance = None, health_port: HealthPort = None) -> None:
    """Judge and rank, on Kafka: as many of these processes as wanted share the partitions."""
    from hilferuf.commands.service import service

    raise typer.Exit(service(config, {"work"}, health_port=health_port, instance=instance))


@app.command()
def screen(config: RulesConfig = None) -> None:
    """Judge mentions: NDJSON on standard input, one verdict a line on standard output, in the same order."""
    from hilferuf.commands.judge import screen as command

    raise typer.Exit(command(config))


@app.command()
def replay(
    mentions: Annotated[
        list[str], typer.Argument(help="NDJSON files of mentions; - = standard input.", show_default=False)
    ],
    facts: Annotated[list[str] | None, typer.Option(help="NDJSON file of customer facts; may be repeated.")] = None,
    until: Annotated[str | None, typer.Option(help="The time it is (UTC, RFC 3339); default: now.")] = None,
    config: RulesConfig = None,
    json: AsJson = False,
) -> None:
    """Run the whole pipeline in memory with event time as the clock, and print the ranked queue."""
    from hilferuf.commands.judge import replay as command

    raise typer.Exit(command(config, mentions, facts or [], until, json))


@app.command()
def queue(
    config: Config = None,
    limit: Annotated[int, typer.Option(help="How many tickets.", min=1)] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Answered and solved tickets too.")] = False,
    solve: Annotated[
        str | None, typer.Option(metavar="TICKET", help="Mark a ticket of the local queue as solved.")
    ] = None,
    answer: Annotated[str | None, typer.Option(metavar="TICKET", help="Mark it as answered.")] = None,
    reopen: Annotated[str | None, typer.Option(metavar="TICKET", help="Open it again.")] = None,
    json: AsJson = False,
) -> None:
    """Show the ranked queue, and where each ticket was delivered; or say what you did with a ticket of the local queue."""
    from hilferuf.commands.look import act
    from hilferuf.commands.look import queue as command

    done = {"solve": solve, "answer": answer, "reopen": reopen}
    if any(done.values()):
        raise typer.Exit(act(config, done))
    raise typer.Exit(command(config, limit, everything, json))


@app.command()
def explain(
    what: Annotated[str, typer.Argument(metavar="MENTION|TICKET", help="An id such as x:1 or hf-0123456789abcdef.")],
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Say why a ticket stands where it stands, or why a mention was dropped."""
    from hilferuf.commands.look import explain as command

    raise typer.Exit(command(config, what, json))


@app.command()
def reprocess(
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="RFC 3339, or 30m, 2h, 3d ago.")],
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Posts before it; default: now.")] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="Records a second; default: no limit.", min=0.1)
    ] = None,
    config: Config = None,
) -> None:
    """Put what the log still holds through the running pipeline again, after a change of the rules; no second ticket."""
    from hilferuf.commands.reprocess import reprocess as command

    raise typer.Exit(command(config, since, until, rate))


@dlq_app.command("list")
def dlq_list(config: Config = None, json: AsJson = False) -> None:
    """List dead letters."""
    from hilferuf.commands.dlq import list_letters

    raise typer.Exit(list_letters(config, json))


@dlq_app.command("show")
def dlq_show(letter: Annotated[str, typer.Argument(help="Id of the dead letter.")], config: Config = None) -> None:
    """Show one dead letter with its original bytes."""
    from hilferuf.commands.dlq import show

    raise typer.Exit(show(config, letter))


@dlq_app.command("redrive")
def dlq_redrive(
    letters: Annotated[list[str] | None, typer.Argument(help="Ids; none = all.", show_default=False)] = None,
    config: Config = None,
) -> None:
    """Put dead letters through the door again, after the fault was mended."""
    from hilferuf.commands.dlq import redrive

    raise typer.Exit(redrive(config, letters or []))


@dlq_app.command("drop")
def dlq_drop(
    letters: Annotated[list[str], typer.Argument(help="Ids, or `all`.", show_default=False)], config: Config = None
) -> None:
    """Delete dead letters for good."""
    from hilferuf.commands.dlq import drop

    raise typer.Exit(drop(config, letters))


@topics_app.command("plan")
def topics_plan(config: Config = None) -> None:
    """Show what apply would create or change, and what it cannot."""
    from hilferuf.commands.topics import plan

    raise typer.Exit(plan(config))


@topics_app.command("apply")
def topics_apply(config: Config = None) -> None:
    """Create and change topics; nothing is ever deleted. May run again, and twice at once."""
    from hilferuf.commands.topics import apply

    raise typer.Exit(apply(config))


@topics_app.command("check")
def topics_check(config: Config = None) -> None:
    """One line for each topic that is not as it must be; exit code 1 when there is one."""
    from hilferuf.commands.topics import check

    raise typer.Exit(check(config))


@app.command()
def lag(config: Config = None, json: AsJson = False) -> None:
    """Show how far workers and deliverers are behind, by consumer group and topic (Kafka)."""
    from hilferuf.commands.lag import lag as command

    raise typer.Exit(command(config, json))


@config_app.command("check")
def config_check(config: Config = None) -> None:
    """Read settings, lexicons and strategy whole; say what is wrong, with file, line and field."""
    from hilferuf.commands.settings import check

    raise typer.Exit(check(config))


@config_app.command("init")
def config_init(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    brand: Annotated[str, typer.Option(help="Your brand's name.")] = "Acme",
) -> None:
    """Write a first hilferuf.yaml and a brand lexicon, with comments."""
    from hilferuf.commands.settings import init

    raise typer.Exit(init(folder, brand))


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of hilferuf.yaml, for editors."""
    from hilferuf.commands.settings import schema

    raise typer.Exit(schema())


@app.command()
def doctor(config: Config = None) -> None:
    """Check files, credentials, helpdesks and ports: one line each, with what to do."""
    from hilferuf.commands.doctor import doctor as command

    raise typer.Exit(command(config))
