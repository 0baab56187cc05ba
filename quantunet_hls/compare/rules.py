"""Rules that a design must keep: ``lut>+5%``, ``dsp>+0``, ``dice<-0.5``, ``lut>20000``, ``layer:enc0a.lut>+5%``.

A rule says when to fail::

    rule   = [ "layer:" layer "." ] figure [ "@" design ] [ "@" source ] ( ">" | ">=" | "<" | "<=" ) limit
    limit  = [ "+" | "-" ] number [ "%" ]
    design = "rtl" | "cpp" | "network"
    source = "estimate" | "csim" | "csynth" | "cosim" | "rtl_sim" | "mapped" | "routed" | "measured"

A limit with a sign is a change from the baseline: with ``%`` a share of the
baseline's figure, without it in the figure's unit, or for ratios such as Dice
in points (hundredths). A limit without a sign is the figure itself. ``layer:*``
holds every layer that both designs have to the rule.

A change is judged between figures of the same design, the C++ or the RTL, and
from the same source: where the rule names neither, of those that both reports
have the most binding one, and of two from the same source the RTL's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.reports.figure import Source, Subject
from quantunet_hls.reports.names import aliases

__all__ = ["Rule", "parse_rule"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ORIGIN = re.compile(r"[A-Za-z_]+")
_SUBJECTS = {"rtl": Subject.RTL, "cpp": Subject.CPP, "network": Subject.NETWORK}
_SOURCES = {name.lower(): source for name, source in Source.__members__.items()}
_OPERATOR = re.compile(r"[<>]=?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+")

_EXAMPLE = "write it as in 'lut>+5%', 'dice<-0.5' or 'lut>20000'"


@dataclass(frozen=True)
class Rule:
    """When to fail.

    Attributes:
        text: as it was written.
        figure: name of the figure.
        operator: ">", ">=", "<" or "<=".
        limit: exact; of a percentage, the number in front of the sign.
        change: whether the limit is a change from the baseline.
        percent: whether it is a percentage.
        layer: name of the layer, "*" for all, None for the design as a whole.
        source: that the figure must come from, None for the most binding one that both designs have.
        subject: what it must be of, None for the one that the most binding figure is of.
    """

    text: str
    figure: str
    operator: str
    limit: Fraction
    change: bool
    percent: bool
    layer: str | None = None
    source: Source | None = None
    subject: Subject | None = None


def parse_rule(text: str) -> Rule:
    """Read a rule; the grammar is that of this module.

    Raises:
        ConfigurationError: for anything else, with the place of the fault.
    """
    place = 0
    layer: str | None = None
    source: Source | None = None
    subject: Subject | None = None

    def refuse(wanted: str) -> ConfigurationError:
        found = f"not {text[place]!r}" if place < len(text) else "and the rule ends"
        return ConfigurationError(
            f"In the rule {text!r}, {wanted} must stand at character {place + 1}, {found}; {_EXAMPLE}.")

    def take(pattern: re.Pattern[str]) -> str:
        nonlocal place
        while place < len(text) and text[place].isspace():
            place += 1
        found = pattern.match(text, place)
        place = found.end() if found else place
        return found.group() if found else ""

    if text.strip().startswith("layer:"):
        # A layer's name may have dots of its own: the figure's name stands behind the last one.
        begin = text.index("layer:") + len("layer:")
        end = _OPERATOR.search(text, begin)
        dot = text.rfind(".", begin, end.start() if end else len(text))
        layer = text[begin:dot].strip() if dot > 0 else ""
        if not layer:
            place = begin
            raise refuse("a layer's name, a dot and a figure's name")
        place = dot + 1
    figure = take(_NAME)
    if not figure:
        raise refuse("a figure's name")
    while take(re.compile("@")):
        named = take(_ORIGIN)
        open_ = {} if subject else _SUBJECTS, {} if source else _SOURCES
        if not any(named.lower() in known for known in open_):
            place -= len(named)
            raise refuse(f"a design or a source ({', '.join((*open_[0], *open_[1]))})" if any(open_) else "a limit")
        subject, source = open_[0].get(named.lower(), subject), open_[1].get(named.lower(), source)
    sign_of_rule = take(_OPERATOR)
    if not sign_of_rule:
        raise refuse("one of > >= < <=")
    sign = take(re.compile(r"[+-]"))
    number = take(_NUMBER)
    if not number:
        raise refuse("a number")
    percent = bool(take(re.compile("%")))
    take(re.compile(""))  # the space behind it
    if place < len(text):
        raise refuse("the end")
    if len(number) > 40 or abs(float(number)) > 1e30:
        raise ConfigurationError(f"In the rule {text!r}, {number[:20]} is no number for a limit; {_EXAMPLE}.")
    limit = Fraction(number) * (-1 if sign == "-" else 1)
    return Rule(text, aliases().get(figure, figure), sign_of_rule, limit, bool(sign), percent, layer, source, subject)
