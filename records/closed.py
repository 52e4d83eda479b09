"""The closed form of a record type, for the door, where an unknown key is a typo that would lose data without a word.

On topics and in states the same types are open: there an unknown key is a field of a newer version of this program, which
runs beside this one while an upgrade rolls (docs/decisions/0009).
"""

from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from records.mention import Change

_LEFT_OPEN = (Change,)  # by the contract of a mention


@lru_cache(maxsize=256)
def closed(type_: Any) -> Any:
    """The type, with each struct in it replaced by one of the same name and fields that refuses an unknown key.

    What is read with it is there to be checked, not to be used: it is no instance of the type.
    """
    origin, args = get_origin(type_), get_args(type_)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return type_ if type_ in _LEFT_OPEN else _closed(type_)
    if origin is Annotated:
        return Annotated[(closed(args[0]), *type_.__metadata__)]
    if origin in (Union, UnionType):
        return Union[tuple(closed(arg) for arg in args)]  # noqa: UP007 - of a tuple of types
    if args and origin is not Literal:
        return origin[tuple(arg if arg is Ellipsis else closed(arg) for arg in args)]
    return type_


def _closed(type_: type[msgspec.Struct]) -> Any:
    fields: list[Any] = []
    made: Any = msgspec.field  # its overloads know no field that may have a default or not
    for field in msgspec.structs.fields(type_):
        how = made(name=field.encode_name, default=field.default, default_factory=field.default_factory)
        fields.append((field.name, closed(field.type), how))
    config = type_.__struct_config__
    return msgspec.defstruct(
        type_.__name__,
        fields,
        namespace={"__doc__": type_.__doc__},
        module=type_.__module__,
        frozen=True,
        kw_only=True,
        omit_defaults=config.omit_defaults,
        forbid_unknown_fields=True,
        tag_field=config.tag_field,
        tag=config.tag,
    )
