"""pydantic's errors, said in one line: the key, the value, and what is allowed."""

import types
import typing
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """The first error of a model as 'key: what is wrong; allowed: ...' on one line."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        allowed = sorted(_fields_at(model, first["loc"][:-1]))
        close = get_close_matches(str(first["loc"][-1]), allowed, n=1)
        hint = f" (did you mean '{close[0]}'?)" if close else ""
        return f"{key}: unknown key{hint}; allowed: {', '.join(allowed)}"
    if first["type"] == "missing":
        return f"{key}: is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key} = {first['input']!r}: {message[0].lower() + message[1:]}"


def _fields_at(model: type[BaseModel], path: tuple) -> list[str]:
    """The keys that are allowed at a place in a tree of models."""
    current: typing.Any = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = _model_in(current.model_fields[part].annotation)
    return list(current.model_fields)


def _model_in(annotation: typing.Any) -> typing.Any:
    """The model inside an annotation such as `X`, `X | None`, `dict[str, X]` or `list[X]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (dict, list, typing.Union, types.UnionType):
        for inner in typing.get_args(annotation):
            if (found := _model_in(inner)) is not None:
                return found
    return None
