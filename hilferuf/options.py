"""Options that several commands share, so that each means and is called the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="HILFERUF_CONFIG", help="Settings file; default ./hilferuf.yaml.", show_default=False
    ),
]
RulesConfig = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="HILFERUF_CONFIG",
        help="Settings file; default: packaged defaults, no brand.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
