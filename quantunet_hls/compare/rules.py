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

import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from quantunet_hls.compare.cells import Cell, Mark, Row
from quantunet_hls.compare.comparison import Comparison, Design
from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.reports.amounts import amount, bare_amount
from quantunet_hls.reports.names import RATIO, aliases, kind_of
from quantunet_hls.reports.schema import Figure, Source, Subject

__all__ = ["Rule", "Verdict", "judge", "parse_rule"]

_OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}

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


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one design, or of one of its layers.

    Attributes:
        rule: the rule.
        design: label of the design.
        layer: name of the layer, None for the design as a whole.
        violated: whether to fail.
        sentence: what was found, for a person.
        notes: what makes the comparison less than plain, such as another tool.
    """

    rule: Rule
    design: str
    layer: str | None
    violated: bool
    sentence: str
    notes: tuple[str, ...] = ()


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


def judge(rule: Rule, comparison: Comparison) -> tuple[Verdict, ...]:
    """What a rule says of every design but the baseline; of the baseline where it is alone.

    Raises:
        UnknownNameError: no report has such a figure, or such a layer.
        ConfigurationError: a figure that a design lacks, that comes from another source than the
            baseline's, or a change where there is nothing to compare with.
    """
    alone = len(comparison.designs) == 1
    if alone and rule.change:
        raise ConfigurationError(
            f"The rule {rule.text!r} is about a change, and there is one report only; name a baseline in front of it.")
    _check_known(rule, comparison)
    base = comparison.designs[comparison.baseline]
    verdicts = []
    for i, design in enumerate(comparison.designs):
        if i == comparison.baseline and not alone:
            continue
        # Each on its own with the baseline: what a third one has is no reason to compare something else of these two.
        # A limit of the figure itself asks for no baseline.
        pair = Comparison((base, design)) if rule.change else Comparison((design,))
        for row in _rows(rule, pair):
            cell = row.cells[-1]
            if rule.layer == "*" and (cell.figure is None or (cell.baseline is None and rule.change)):
                continue
            verdicts.append(_verdict(rule, row, cell, design, base))
    if not verdicts:
        raise ConfigurationError(
            f"The rule {rule.text!r} is about layers, and the designs have none in common with that figure; "
            "name a layer that both have.")
    return tuple(verdicts)


def _check_known(rule: Rule, comparison: Comparison) -> None:
    reports = [design.report for design in comparison.designs]
    if rule.layer is None:
        known = {figure.name for report in reports for figure in report.figures}
        if rule.figure not in known:
            raise UnknownNameError("figure in these reports", rule.figure, known, "quantunet-hls compare --all")
        return
    layers = [layer for report in reports for layer in report.layers]
    if rule.layer not in ("*", *(layer.name for layer in layers)):
        raise UnknownNameError("layer in these reports", rule.layer, {layer.name for layer in layers})
    known = {figure.name for layer in layers for figure in layer.figures}
    if rule.figure not in known:
        raise UnknownNameError("figure of a layer in these reports", rule.figure, known)


def _rows(rule: Rule, comparison: Comparison) -> Iterator[Row]:
    if rule.layer is None:
        yield comparison.row(rule.figure, rule.source, rule.subject)
        return
    found = False
    for row in comparison.layer_rows(rule.figure, rule.source, rule.subject):
        if rule.layer in ("*", row.layer):
            found = True
            yield row
    if not found and rule.layer != "*":
        yield Row(rule.figure, (Cell(None),) * len(comparison.designs), rule.layer)


def _verdict(rule: Rule, row: Row, cell: Cell, design: Design, base: Design) -> Verdict:
    figure, reference = cell.figure, cell.baseline
    what = rule.figure if row.layer is None else f"{rule.figure} of layer {row.layer}"
    if figure is None or rule.source not in (None, figure.source) or rule.subject not in (None, figure.subject):
        where = f" of the {rule.subject}" if rule.subject else ""
        where += f" from {rule.source}" if rule.source else ""
        raise ConfigurationError(
            f"The rule {rule.text!r} can't be judged: {design.label} has no {what}{where}; "
            "run the stage that finds it, or drop the rule.")
    notes = []
    if reference is not None and cell.mark is not Mark.NONE:
        notes.append(f"{what} is of different origin: {figure.provenance} in {design.label}, "
                     f"{reference.provenance} in {base.label}.")
    if not rule.change:
        limit = _absolute(rule, figure)
        violated = _OPERATORS[rule.operator](_exact(figure.value), limit)
        return Verdict(rule, design.label, row.layer, violated, f"{_told(design, figure, row.layer)}.", tuple(notes))
    if reference is None or cell.apart:
        reason = (f"{base.label} has no {what}" if reference is None else
                  f"{figure.provenance} in {design.label} and {reference.provenance} in {base.label} are not "
                  "comparable")
        raise ConfigurationError(
            f"The rule {rule.text!r} can't be judged: {reason}; run the same stage for both, "
            "or name a design and a source that both have, as in lut@cpp@estimate.")
    value, before = _exact(figure.value), _exact(reference.value)
    limit = abs(before) * rule.limit / 100 if rule.percent else rule.limit
    if not rule.percent and figure.unit == RATIO:
        limit = rule.limit / 100
    violated = _OPERATORS[rule.operator](value - before, limit)
    return Verdict(rule, design.label, row.layer, violated,
                   f"{_told(design, figure, row.layer)}, {_moved(value, before, figure)} "
                   f"{base.label}'s {bare_amount(reference.value, figure.unit)}.", tuple(notes))


def _absolute(rule: Rule, figure: Figure) -> Fraction:
    ratio = figure.unit == RATIO
    if rule.percent and not ratio:
        raise ConfigurationError(
            f"The rule {rule.text!r} has a percentage without a sign, and {rule.figure} counts {figure.unit}; "
            f"write +{float(rule.limit):g}% for a change, or a number.")
    if ratio and not rule.percent and rule.limit > 1:
        raise ConfigurationError(
            f"The rule {rule.text!r} can't be met or broken: {rule.figure} is a ratio from 0 to 1; "
            f"write {float(rule.limit) / 100:g} or {float(rule.limit):g}%.")
    return rule.limit / 100 if rule.percent else rule.limit


def _exact(value: float) -> Fraction:
    """The number as a report writes it, without what binary fractions add."""
    return Fraction(str(value))


def _told(design: Design, figure: Figure, layer: str | None) -> str:
    ratio = f"{kind_of(figure.name).title} " if figure.unit == RATIO else ""
    place = f" in layer {layer}" if layer is not None else ""
    return f"{design.label} has {ratio}{amount(figure.value, figure.unit)}{place} ({figure.provenance})"


def _moved(value: Fraction, before: Fraction, figure: Figure) -> str:
    if value == before:
        return "as many as" if isinstance(figure.value, int) else "the same as"
    size, way = abs(value - before), "more than" if value > before else "less than"
    if figure.unit == RATIO:
        return f"{float(size * 100):.3g} points {way}"
    if before:
        return f"{float(size / abs(before)):.3g} times {way}" if size >= 10 * abs(before) else \
            f"{float(100 * size / abs(before)):.3g} % {way}"
    return f"{float(size):g} {way}"

