"""The options of a command, from what is said of the fields that it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from quantunet_hls.flow.options import SpecField, spec_fields
from quantunet_hls.flow.spec import DesignSpec

__all__ = ["List", "axis_options", "field_options", "flow_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

#: More choices than that are told in the help text.
_FEW = 6


class List(click.ParamType):
    """Values with commas between them."""

    name = "list"

    def __init__(self, item: type):
        self.item = item

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> list[Any]:
        """The values, each of the item's type."""
        try:
            return [self.item(part.strip()) for part in str(value).split(",") if part.strip()]
        except ValueError:
            self.fail(f"{value!r} is no list of {self.item.__name__} with commas between them.", parameter, context)


def flow_options(*, whole: bool) -> Callable[[Command], Command]:
    """MODEL and an option for each field of a :class:`DesignSpec`, under the fields' names.

    Args:
        whole: with those, too, that mean nothing to a flow that ends behind the C-simulation.
    """
    model, *others = spec_fields(DesignSpec)

    def decorate(command: Command) -> Command:
        for field in reversed(others):
            if whole or not field.option.whole:
                command = _option(field, field.name, field.default, field.default)(command)
        return click.argument(model.name)(command)

    return decorate


def field_options(*names: str) -> Callable[[Command], Command]:
    """An option for each of these fields of a :class:`DesignSpec`, for a command of its own, under their names."""
    fields = {field.name: field for field in spec_fields(DesignSpec)}

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = _option(fields[name], name, fields[name].default, fields[name].default)(command)
        return command

    return decorate


def axis_options(defaults: Mapping[str, Any]) -> Callable[[Command], Command]:
    """An option for each axis that a sweep can have, and for each setting that all its designs share.

    Args:
        defaults: where a sweep's are not those of a single design, to be told.
    """

    def decorate(command: Command) -> Command:
        for field in reversed(spec_fields(DesignSpec)):
            if field.option.axis:
                flag = field.option.axis.replace("_", "-")
                command = click.option(f"--{flag}", field.option.axis, type=List(field.kind), metavar="A,B",
                                       help=_help(field))(command)
            elif field.option.shared:
                command = _option(field, field.setting, None, defaults.get(field.name, field.default))(command)
        return command

    return decorate


def _option(field: SpecField, name: str, default: Any, told: Any) -> Callable[[Command], Command]:
    """The option of a field.

    Args:
        field: that it fills.
        name: under which its value is handed over.
        default: that is handed over where it is not given.
        told: the default that the help text shows.
    """
    if field.kind is bool:
        return click.option(f"--{field.flag}", name, is_flag=True, default=default, help=_help(field))
    return click.option(
        f"--{field.flag}", name, type=click.Path(path_type=Path) if field.kind is Path else field.kind,
        nargs=field.count, multiple=field.repeated, default=default, help=_help(field, told),
        metavar=field.option.metavar or _choices(field))


def _choices(field: SpecField) -> str | None:
    # What is none of them, the flow refuses, with the same words whoever asks.
    return f"[{'|'.join(field.option.choices)}]" if 0 < len(field.option.choices) <= _FEW else None


def _help(field: SpecField, told: Any = None) -> str:
    says, absent = field.option.says, field.option.absent
    if told not in (None, ()):
        absent = ", ".join(map(str, told)) if field.repeated else str(told)
    repeated = "; may be repeated" if field.repeated else ""
    return f"{says[0].upper()}{says[1:]}{repeated}." + (f"  [default: {absent}]" if absent else "")
