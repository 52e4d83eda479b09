"""What every section of the settings is made of: closed structs, and secrets that lie elsewhere."""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from config.yaml_file import ConfigError

Positive = Annotated[float, msgspec.Meta(gt=0, le=100_000)]  # an infinite time is no number of milliseconds
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/]+(/\S*)?$")]


ONE_SOURCE = "a secret is either {env: NAME} or {file: PATH}"


UNPLACED = "<settings>"  # the file of an error that does not know its place; whoever knows it names it (`placed`)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the sections: frozen, closed."""


class Secret(Section, frozen=True, kw_only=True):
    """Where a secret lies: `{env: NAME}` or `{file: PATH}`. It never stands in the file itself, in an error or in a log."""

    env: str | None = None
    file: str | None = None

    def reveal(self) -> str:
        """The secret, without spaces and line ends around it. Raises ConfigError naming the variable or file that is missing,
        empty or broken, never its content."""
        if (self.env is None) == (self.file is None):
            raise ConfigError(ONE_SOURCE, UNPLACED)
        if self.env is not None:
            value = os.environ.get(self.env, "").strip()
            if not value:
                raise ConfigError(
                    f"the environment variable {self.env} is not set", UNPLACED, hint=f"export {self.env}=…"
                )
            return _one_line(value, f"the environment variable {self.env}", UNPLACED)
        try:
            value = Path(self.file or "").read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("the secret's file cannot be read", str(self.file)) from error
        if not value:
            raise ConfigError("the secret's file is empty", str(self.file))
        return _one_line(value, "the secret's file", str(self.file))

    def __repr__(self) -> str:
        return f"Secret(env={self.env!r}, file={self.file!r})"


def _one_line(value: str, what: str, file: str) -> str:
    """Two lines are two secrets, or one and a remark; in an HTTP header neither can be sent."""
    if not value.isprintable():
        raise ConfigError(f"{what} holds a line end or a control character", file, hint="give the secret alone")
    return value
