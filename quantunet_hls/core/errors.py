"""Errors that a user can act on.

Every one of them carries one sentence: what is wrong, where, and the remedy.
The command line prints that sentence and exits with 2; anything that is not a
:class:`QuantUNetError` is a fault of the package itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from quantunet_hls.core.printable import cut, printable

__all__ = [
    "BoardError",
    "CheckpointError",
    "ConfigurationError",
    "DataError",
    "FloatNetworkError",
    "IllegalGraphError",
    "IllegalNetworkError",
    "MismatchError",
    "OverTimeError",
    "QuantUNetError",
    "StepError",
    "ToolFailedError",
    "ToolNotFoundError",
    "UnknownNameError",
    "shown",
    "together",
]

#: How much of a name or a value a person reads in a sentence, and how many names.
_LONGEST_SHOWN = 80
_FEW = 5


def shown(value: object) -> str:
    """A value as it stands in a message: its ``repr``, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


#: Letters of a node's name in a sentence.
_LONGEST_NODE = 120


class QuantUNetError(Exception):
    """Base of all errors that are the user's to mend; their text is one of sane length that can be printed."""

    def __str__(self) -> str:
        return printable(cut(super().__str__()), keep="\n")


class ConfigurationError(QuantUNetError):
    """An argument or a setting that can't be used as it stands."""


def _near(name: str, known: Sequence[str]) -> list[str]:
    """Names that are spelled nearly so, best first, and those that the name is a part of."""
    lower = name[:_LONGEST_SHOWN].lower()
    plain = {one.lower(): one for one in known}
    near = [plain[found] for found in get_close_matches(lower, plain, n=_FEW)]
    parts = [one for one in known if one not in near and len(lower) > 2 and lower in one.lower()]
    return [*near, *parts][:_FEW]


class UnknownNameError(ConfigurationError):
    """A board, zoo entry, recipe or step that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str], listing: str = ""):
        """Say what is called nearly so, all names where they are few, or what lists them."""
        known = sorted(known)
        near = _near(name, known)
        if near:
            remedy = f"the nearest names are: {', '.join(near)}"
        elif len(known) <= _FEW:
            remedy = f"the names are: {', '.join(known) or 'none'}"
        else:
            remedy = f"none of the {len(known)} is called nearly so{f', and {listing} lists them' if listing else ''}"
        super().__init__(f"There is no {kind} named {shown(name)}; {remedy}.")


class BoardError(ConfigurationError):
    """A board or part that can't take what was asked of it."""


class CheckpointError(QuantUNetError):
    """A checkpoint that is damaged, altered, or not a weights file."""


class DataError(QuantUNetError):
    """Images, masks or data folders that can't be used."""


class IllegalGraphError(QuantUNetError):
    """A network that can't be built exactly: names the node, the rule and the remedy.

    Attributes:
        node: name of the graph's node.
        rule: what the hardware flow demands of it.
        remedy: what the user can do.
    """

    def __init__(self, node: str, rule: str, remedy: str):
        self.node, self.rule, self.remedy = node, rule, remedy
        super().__init__(f"Node {cut(node, _LONGEST_NODE)!r}: {rule}; {remedy}.")

    @property
    def violations(self) -> tuple[IllegalGraphError, ...]:
        """Every rule that the network breaks, in graph order."""
        return (self,)


class FloatNetworkError(IllegalGraphError):
    """A network without any quantizer."""

    def __init__(self, name: str):
        rule = "is a float network, which has no exact hardware"
        super().__init__(name, rule, "quantize it with images of yours: quantunet-hls quantize MODEL --data DIR")

    def __str__(self) -> str:
        return printable(f"{cut(self.node, _LONGEST_NODE)} {self.rule}; {self.remedy}.")


class IllegalNetworkError(IllegalGraphError):
    """A network that breaks several rules; node, rule and remedy are those of the first.

    Its text has a line for each, and one for all that differ in nothing but names and numbers.
    """

    def __init__(self, violations: Iterable[IllegalGraphError]):
        self._violations = tuple(violations)
        first = self._violations[0]
        super().__init__(first.node, first.rule, first.remedy)

    @property
    def violations(self) -> tuple[IllegalGraphError, ...]:
        """Every rule that the network breaks, in graph order."""
        return self._violations

    def __str__(self) -> str:
        groups: dict[str, list[IllegalGraphError]] = {}
        for error in self._violations:
            groups.setdefault(_without_names_and_numbers(error), []).append(error)
        shown_groups = list(groups.values())[:_MOST_REASONS]
        lines = [f"The network can't be built, for {len(groups)} {'reasons' if len(groups) > 1 else 'reason'}:"]
        lines += [f"- {group[0]}{_more_like_it(group[1:])}" for group in shown_groups]
        if len(groups) > _MOST_REASONS:
            lines.append(f"- and {len(groups) - _MOST_REASONS} more reasons.")
        if len(groups) < len(self._violations) or len(groups) > _MOST_REASONS:
            lines.append("quantunet-hls check MODEL lists them all, node by node.")
        return "\n".join(lines)


def together(violations: Sequence[IllegalGraphError]) -> IllegalGraphError:
    """One error for all of them; there is one at least."""
    return violations[0] if len(violations) == 1 else IllegalNetworkError(violations)


#: Reasons in one message, and names of nodes that share one.
_MOST_REASONS, _MOST_NAMES = 20, 3

_NAMES_AND_NUMBERS = re.compile(r"'[^']*'|\[[^\]]*\]|[-+]?\d+(\.\d+)?(e[-+]?\d+)?")


def _without_names_and_numbers(error: IllegalGraphError) -> str:
    """What is said of a node, without what differs from node to node; a list of numbers counts as one."""
    text = _NAMES_AND_NUMBERS.sub("#", f"{error.rule}; {error.remedy}")
    return re.sub(r"#(?:, #)*(?:, \.\.\.)?", "#", text)


def _more_like_it(others: Sequence[IllegalGraphError]) -> str:
    if not others:
        return ""
    names = ", ".join(repr(printable(cut(error.node, _LONGEST_SHOWN))) for error in others[:_MOST_NAMES])
    return f" (And {len(others)} more like it: {names}{', ...' if len(others) > _MOST_NAMES else '.'})"


class MismatchError(QuantUNetError):
    """Two executors that must give the same integers do not."""


class StepError(QuantUNetError):
    """A step of the flow that can't run, because of what lies (or does not lie) on disk."""


class ToolNotFoundError(QuantUNetError):
    """An external tool that a step needs is not installed."""

    def __init__(self, tool: str, needed_for: str, remedy: str):
        self.tool = tool
        super().__init__(f"{tool} was not found, and {needed_for} needs it; {remedy}.")


class ToolFailedError(QuantUNetError):
    """An external tool ended with an error or ran past its time limit; names its log file."""


class OverTimeError(ToolFailedError):
    """An external tool ran past its time limit and was stopped."""
