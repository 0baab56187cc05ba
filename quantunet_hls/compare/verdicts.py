"""What rules say of designs: a figure that passes its limit is a violation, one that can't be compared an error."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from quantunet_hls.compare.cells import Cell, Mark, Row
from quantunet_hls.compare.comparison import Comparison, Design
from quantunet_hls.compare.rules import Rule
from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.reports.amounts import amount, bare_amount
from quantunet_hls.reports.figure import Figure
from quantunet_hls.reports.names import RATIO, kind_of

__all__ = ["Verdict", "judge", "notes_of"]

_OPERATORS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


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


def notes_of(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """The notes of all verdicts, each once."""
    return tuple(dict.fromkeys(note for verdict in verdicts for note in verdict.notes))


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
            "run the step that finds it, or drop the rule.")
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
            f"The rule {rule.text!r} can't be judged: {reason}; run the same step for both, "
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

