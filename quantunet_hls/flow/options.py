"""What there is to say of a dataclass's fields, said once: for a signature, a docstring, a command line, a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from inspect import Parameter, cleandoc, signature
from pathlib import Path
from textwrap import fill
from types import NoneType, UnionType
from typing import Annotated, Any, ForwardRef, ParamSpec, TypeVar, get_args, get_origin

from quantunet_hls.core.errors import UnknownNameError

__all__ = ["Option", "SpecField", "check_choices", "spec_fields", "taking"]

P = ParamSpec("P")
Spec = TypeVar("Spec")
Made = TypeVar("Made")

_WIDTH = 116


@dataclass(frozen=True)
class Option:
    """What there is to say of a field, which its ``Annotated`` type carries.

    Attributes:
        says: what it is, in words that a full stop can follow.
        absent: what is taken where it is None or empty.
        choices: what it must be one of; of a sequence, each of it.
        noun: what one of the choices is called.
        flag: what it is called on the command line where that is not the field's name.
        metavar: what stands for its value there.
        written: what a person writes for it where the field takes more than that.
        axis: its name in a sweep whose designs differ in it.
        label: what a value of it adds to their names, such as "m{}".
        shared: whether all designs of a sweep can be given it.
        reported: whether a report says it of a design.
        whole: whether it means nothing to a flow that ends behind the C-simulation.
    """

    says: str
    absent: str = ""
    choices: tuple[str, ...] = ()
    noun: str = ""
    flag: str = ""
    metavar: str = ""
    written: type | None = None
    axis: str = ""
    label: str = "{}"
    shared: bool = False
    reported: bool = True
    whole: bool = False


@dataclass(frozen=True)
class SpecField:
    """A field with an :class:`Option`, for whoever reads its value from words.

    Attributes:
        name: of the field.
        option: what there is to say of it.
        kind: what a person writes: str, int, float or Path; of several values, each of them.
        count: how many values belong together.
        repeated: whether it is any number of such values.
        default: where it is not given; None where it must be.
    """

    name: str
    option: Option
    kind: type
    count: int
    repeated: bool
    default: Any

    @property
    def flag(self) -> str:
        """What it is called on the command line, without hyphens before it."""
        return self.option.flag or self.name.replace("_", "-")

    @property
    def setting(self) -> str:
        """What it is called in a file, where several values are a list."""
        return self.name if self.repeated else self.flag.replace("-", "_")


def spec_fields(spec: type) -> tuple[SpecField, ...]:
    """The fields of a dataclass in order; its annotations must be values, not text."""
    return tuple(_spec_field(field.name, field.type, field.default) for field in fields(spec))


def check_choices(spec: object) -> None:
    """Refuse what is none of a field's choices.

    Raises:
        UnknownNameError: says what there is.
    """
    for field in spec_fields(type(spec)):
        value, choices = getattr(spec, field.name), field.option.choices
        for one in value if field.repeated else () if value is None else (value,):
            if choices and one not in choices:
                raise UnknownNameError(field.option.noun, str(one), choices)


def _spec_field(name: str, annotation: Any, default: Any) -> SpecField:
    form, option = get_args(annotation)
    members = [one for one in (get_args(form) if isinstance(form, UnionType) else (form,)) if one is not NoneType]
    kind = option.written or (Path if Path in members else members[0])
    count, repeated = 1, False
    if get_origin(kind) is tuple:
        count, kind = len(get_args(kind)), get_args(kind)[0]
    elif get_origin(kind) is Sequence:
        repeated, (kind,) = True, get_args(kind)
    return SpecField(name, option, kind, count, repeated, None if default is MISSING else default)


def taking(spec: Callable[P, Spec]) -> Callable[[Callable[[Spec], Made]], Callable[P, Made]]:
    """Have a function of one dataclass called with the dataclass's fields.

    Its signature is that of the dataclass, and ``{options}`` in its docstring becomes what :class:`Option` says of
    each.
    """

    def spread(function: Callable[[Spec], Made]) -> Callable[P, Made]:
        @wraps(function)
        def call(*args: P.args, **options: P.kwargs) -> Made:
            return function(spec(*args, **options))

        of_fields, returns = signature(spec), signature(function).return_annotation
        parameters = list(of_fields.parameters.values())
        plain = [parameter.replace(annotation=_bare(parameter.annotation)) for parameter in parameters]
        vars(call)["__signature__"] = of_fields.replace(parameters=plain, return_annotation=returns)
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in plain} | {"return": returns}
        call.__doc__ = cleandoc(function.__doc__ or "").replace("{options}", "\n".join(map(_told, parameters)).lstrip())
        return call

    return spread


def _bare(annotation: Any) -> Any:
    """A type without what is said of it."""
    form = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return form.__forward_arg__ if isinstance(form, ForwardRef) else form


def _told(parameter: Parameter) -> str:
    """A line of the section ``Args`` of a docstring."""
    option: Option = get_args(parameter.annotation)[1]
    choices = f"; one of {', '.join(option.choices)}" if option.choices and not option.metavar else ""
    absent = f"; by default {option.absent}" if option.absent else ""
    return fill(f"{parameter.name}: {option.says}{choices}{absent}.", _WIDTH, initial_indent=" " * 4,
                subsequent_indent=" " * 8)
