"""Reads a YAML file into a msgspec Struct; every error names file, line and field, and a misspelt key the nearest right one."""

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from records.errors import HilferufError

T = TypeVar("T")
MAX_BYTES = 20_000_000


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
        return ConfigError(message, self.file, self.line(path), _dotted(path) or None, hint)

    def _explain(self, text: str, type_: type) -> ConfigError:
        match = re.search(r" - at `\$\.?(.*)`$", text)
        path = _parse_path(match[1]) if match else ()
        path = _resolve(self.value, path)
        message = text[: match.start()] if match else text
        unknown = re.search(r"unknown field `(.*)`", message)
        if unknown:
            known = _fields_at(type_, path)
            near = difflib.get_close_matches(unknown[1], known, n=1, cutoff=0.5)
            hint = (
                f"did you mean `{near[0]}`?" if near else (f"known keys: {', '.join(sorted(known))}" if known else None)
            )
            return self.error(f"unknown key `{unknown[1]}`", (*path, unknown[1]), hint)
        return self.error(message[:1].lower() + message[1:], path)


def read_yaml(path: Path) -> Document:
    """Reads and parses a file. Raises ConfigError for a missing, too large, wrongly encoded or malformed file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"is larger than {MAX_BYTES} bytes", str(path), hint="split it into several files")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError("is not UTF-8", str(path), line, hint="save the file in UTF-8") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str = "<text>") -> Document:
    """Parses YAML text; `file` is the name used in errors. Raises ConfigError, also for a key given twice."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: dict[tuple[str | int, ...], int] = {}
        value = _plain(loader, node, (), lines, file) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = "indent with spaces, never tabs" if "'\\t'" in str(error.problem) else None
        raise ConfigError(
            str(error.problem or error.context), file, mark.line + 1 if mark else None, hint=hint
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(str(error), file) from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", file) from error
    return Document(value, lines, file)


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _plain(loader: Any, node: yaml.Node, path: tuple[str | int, ...], lines: dict[Any, int], file: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError("a key must be plain text", file, line)
            if key in result:
                raise ConfigError(f"key `{key}` is given twice", file, line, _dotted((*path, key)))
            lines[(*path, key)] = line
            result[key] = _plain(loader, value_node, (*path, key), lines, file)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, item, (*path, index), lines, file) for index, item in enumerate(node.value)]
    if node.tag == "tag:yaml.org,2002:timestamp":
        return node.value  # times stay text: our own parser reads them, with its own message
    return loader.construct_object(node)


def _parse_path(text: str) -> tuple[str | int, ...]:
    parts: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]", text):
        if name:
            parts.append(name)
        else:
            parts.append(int(index) if index.isdigit() else "...")
    return tuple(parts)


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


def _fields_at(type_: Any, path: tuple[str | int, ...]) -> list[str]:
    """Names of the fields that `type_` allows at a path; all alternatives of a union."""
    found: list[str] = []
    _walk(msgspec.inspect.type_info(type_), path, found)
    return found


def _walk(info: Any, path: tuple[str | int, ...], found: list[str]) -> None:
    if isinstance(info, msgspec.inspect.UnionType):
        for option in info.types:
            _walk(option, path, found)
    elif isinstance(info, msgspec.inspect.Metadata):
        _walk(info.type, path, found)
    elif isinstance(info, msgspec.inspect.StructType):
        if not path:
            found.extend(field.encode_name for field in info.fields)
        for field in info.fields:
            if path and field.encode_name == path[0]:
                _walk(field.type, path[1:], found)
    elif isinstance(info, msgspec.inspect.DictType) and path:
        _walk(info.value_type, path[1:], found)
    elif hasattr(info, "item_type") and path:
        _walk(info.item_type, path[1:], found)


def _dotted(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text
