"""Reads a YAML file into a msgspec Struct; every error names file, line and field, and a misspelt key the nearest right one."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from records import paths
from records.errors import HilferufError

T = TypeVar("T")
MAX_BYTES = 20_000_000
MAX_REPEATED = 10_000  # values that aliases (`*name`) may repeat; ten nested lines can otherwise stand for billions

_ENUM = re.compile(r"nvalid enum value '?([^']*)'?")
_UNKNOWN = re.compile(r"unknown field `(.*)`", re.DOTALL)


class ConfigError(HilferufError):
    """A file that cannot be used. `file`, `line` (from 1) and `field` say where; `hint` what to do."""

    def __init__(
        self, message: str, file: str, line: int | None = None, field: str | None = None, hint: str | None = None
    ) -> None:
        self.message, self.file, self.line, self.field, self.hint = message, file, line, field, hint
        place = file + (f":{line}" if line else "") + (f": {field}" if field else "")
        super().__init__(f"{place}: {message}" + (f" ({hint})" if hint else ""))


class Document:
    """A parsed YAML file: `value` in plain Python, and the line of every path in it."""

    def __init__(self, value: Any, lines: dict[tuple[str | int, ...], int], file: str) -> None:
        self.value, self.file, self._lines = value, file, lines

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """Line of a path such as ("triggers", 3, "weight"), or of its nearest parent."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def convert(self, type_: type[T]) -> T:
        """The document as `type_`. Raises ConfigError."""
        try:
            return msgspec.convert(self.value, type_)
        except msgspec.ValidationError as error:
            raise self._explain(str(error), type_) from error

    def error(self, message: str, path: tuple[str | int, ...] = (), hint: str | None = None) -> ConfigError:
        """A ConfigError at this path, for rules that types cannot say."""
        return ConfigError(message, self.file, self.line(path), paths.dotted(path) or None, hint)

    def _explain(self, text: str, type_: type) -> ConfigError:
        message, path = paths.split_error(text)
        path = _resolve(self.value, path)
        unknown = _UNKNOWN.search(message)
        if unknown:
            known = paths.fields_at(type_, path)
            near = paths.nearest(unknown[1], known)
            hint = f"did you mean `{near}`?" if near else f"known keys: {', '.join(sorted(known))}" if known else None
            return self.error(f"unknown key `{unknown[1]}`", (*path, unknown[1]), hint)
        hint = None
        if (wrong := _ENUM.search(message)) and (allowed := paths.values_at(type_, path)):
            near = paths.nearest(wrong[1], allowed)
            hint = f"did you mean `{near}`?" if near else f"one of: {', '.join(allowed)}"
        return self.error(message[:1].lower() + message[1:], path, hint)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, at most one more than may be read. Raises OSError."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


_reading: ContextVar[Callable[[Path], bytes]] = ContextVar("reading", default=read_bytes)


@contextmanager
def reading_by(read: Callable[[Path], bytes]) -> Iterator[None]:
    """Within it `read_yaml` gets the bytes of a file from `read` (which raises OSError): files that travel in a record, or are
    noted as they are read, whatever files they name in turn."""
    token = _reading.set(read)
    try:
        yield
    finally:
        _reading.reset(token)


def read_yaml(path: Path) -> Document:
    """Reads and parses a file. Raises ConfigError for a missing, too large, wrongly encoded or malformed file."""
    try:
        data = _reading.get()(path)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", str(path)) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"is larger than {MAX_BYTES} bytes", str(path), hint="split it into several files")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError("is not UTF-8", str(path), line, hint="save the file in UTF-8") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str = "<text>") -> Document:
    """Parses YAML text; `file` is the name used in errors. Raises ConfigError, also for a key given twice and for aliases
    that contain themselves or repeat more than MAX_REPEATED values."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        builder = _Builder(loader, file, aliases="*" in text)
        value = builder.build(node, ()) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        hint = "indent with spaces, never tabs" if line and _tab_indented(text, line) else None
        raise ConfigError(str(error.problem or error.context), file, line, hint=hint) from error
    except yaml.reader.ReaderError as error:
        # The C parser counts bytes of UTF-8, and says the character as a number.
        line = text.encode("utf-8", "replace").count(b"\n", 0, error.position) + 1
        raise ConfigError("holds a control character, which YAML forbids", file, line) from error
    except yaml.YAMLError as error:
        raise ConfigError(str(error), file) from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", file) from error
    return Document(value, builder.lines, file)


def _tab_indented(text: str, line: int) -> bool:
    lines = text.split("\n")[line - 1 : line]
    return bool(lines) and "\t" in lines[0][: len(lines[0]) - len(lines[0].lstrip())]


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Builder:
    """Plain values from YAML's nodes, and the line of each. Where a text has aliases, the same node may come again."""

    def __init__(self, loader: Any, file: str, *, aliases: bool) -> None:
        self.lines: dict[tuple[str | int, ...], int] = {}
        self._loader, self._file, self._aliases = loader, file, aliases
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._repeated = 0

    def build(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        """The value of a node at a path."""
        self.lines.setdefault(path, node.start_mark.line + 1)
        if self._aliases:
            self._count(node, path)
        if isinstance(node, yaml.MappingNode):
            self._open.add(id(node))
            mapping = self._mapping(node, path)
            self._open.discard(id(node))
            return mapping
        if isinstance(node, yaml.SequenceNode):
            self._open.add(id(node))
            sequence = [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            self._open.discard(id(node))
            return sequence
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value  # times stay text: our own parser reads them, with its own message
        try:
            return self._loader.construct_object(node)
        except (ValueError, KeyError) as error:
            raise self._error("is no value that YAML can read", node, path, "put it in quotes") from error

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error("a key must be plain text", key_node, path)
            key = str(key_node.value)
            place = (*path, key)
            if key == "<<" and key_node.tag == "tag:yaml.org,2002:merge":
                raise self._error("merge keys are not supported", key_node, path, "write the keys out")
            if key in result:
                raise self._error(f"key `{key}` is given twice", key_node, place)
            self.lines[place] = key_node.start_mark.line + 1
            result[key] = self.build(value_node, place)
        return result

    def _count(self, node: yaml.Node, path: tuple[str | int, ...]) -> None:
        if id(node) not in self._seen:
            self._seen.add(id(node))
            return
        if id(node) in self._open:
            raise self._error("an alias stands inside the value that it repeats", node, path)
        self._repeated += 1
        if self._repeated > MAX_REPEATED:
            raise self._error(f"aliases repeat more than {MAX_REPEATED} values", node, path, "write the values out")

    def _error(
        self, message: str, node: yaml.Node, path: tuple[str | int, ...], hint: str | None = None
    ) -> ConfigError:
        return ConfigError(message, self._file, node.start_mark.line + 1, paths.dotted(path)[:200] or None, hint)


def _resolve(value: Any, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """msgspec writes `[...]` where it does not say which key of a mapping; with only one key we know it."""
    resolved: list[str | int] = []
    for part in path:
        key = part
        if part == "..." and isinstance(value, dict) and len(value) == 1:
            key = next(iter(value))
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            break
        resolved.append(key)
    return tuple(resolved)
