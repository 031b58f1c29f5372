"""pydantic's errors, said in one line: the key, the value, and what is allowed."""

import types
import typing
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """The first error of a model as 'key: what is wrong; allowed: ...' on one line."""
    # An unknown key first: a missing one is often the same key, misspelt.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        allowed = _keys_at(model, first["loc"][:-1])
        close = get_close_matches(str(first["loc"][-1]), allowed, n=1)
        hint = f" (did you mean '{close[0]}'?)" if close else ""
        return f"{key}: unknown key{hint}; allowed: {', '.join(allowed)}"
    if first["type"] == "missing":
        return f"{key}: is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key} = {first['input']!r}: {message[0].lower() + message[1:]}"


def _keys_at(model: type[BaseModel], path: tuple) -> list[str]:
    """The keys that are allowed at a place in a tree of models."""
    annotation: Any = model
    for part in path:
        annotation = _step(annotation, part)
    return sorted(annotation.model_fields)


def _step(annotation: Any, part: str | int) -> Any:
    """The type at key, index or union tag `part` of a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _plain(annotation.model_fields[part].annotation)
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (dict, list):
        return _plain(arguments[-1])
    # A union told apart by the value of one field, as pydantic names it in an error's path.
    return next(m for m in arguments if any(f.annotation == typing.Literal[part] for f in m.model_fields.values()))


def _plain(annotation: Any) -> Any:
    """X for `X | None` and for `Annotated[X, ...]`."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        some = [a for a in typing.get_args(annotation) if a is not type(None)]
        return _plain(some[0]) if len(some) == 1 else annotation
    return annotation
