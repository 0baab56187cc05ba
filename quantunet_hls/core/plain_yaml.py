"""YAML files that people write: plain values, no aliases, of a known size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import yaml

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.core.files import read_bytes

__all__ = ["read_yaml"]

_MOST_BYTES = 256 << 10
_MOST_NODES, _DEEPEST = 20_000, 50
_LONGEST_NUMBER = 64
_LONGEST_REASON = 200
_NUMBERS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp"))


class _Loader(yaml.SafeLoader):
    """Plain values. An alias would let a file of a few hundred bytes stand for gigabytes."""

    nodes, depth = 0, 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """A node of the document, refused where it is an alias or one too many."""
        mark = self.peek_event().start_mark
        if self.check_event(yaml.AliasEvent):
            _refuse("aliases are not taken: write the value out", mark)
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            _refuse(f"it has more than {_MOST_NODES:,} values", mark)
        if self.depth >= _DEEPEST:
            _refuse(f"its values lie more than {_DEEPEST} deep in one another", mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
            _refuse(f"a number has more than {_LONGEST_NUMBER} digits", mark)
        return node


def _refuse(reason: str, mark: Any) -> NoReturn:
    raise yaml.MarkedYAMLError(problem=f"{reason}, in line {mark.line + 1}")


def read_yaml(path: Path, what: str, *, error: type[QuantUNetError] = ConfigurationError) -> Any:
    """The plain values of a YAML file.

    Args:
        path: of the file.
        what: it is read as, such as "a recipe", for the message.
        error: to raise; a class that takes one sentence.

    Raises:
        QuantUNetError: as ``error``, where the file is absent, unreadable, no regular file, too large, or no YAML of
            plain values without aliases.
    """
    content = read_bytes(path, _MOST_BYTES, what=what, error=error)
    try:
        return yaml.load(content.decode("utf-8-sig"), _Loader)  # noqa: S506 (a SafeLoader that refuses more)
    except Exception as failure:  # PyYAML's constructors raise whatever a wrong value leads to
        reason = " ".join(str(getattr(failure, "problem", None) or failure or type(failure).__name__).split())
        mark = getattr(failure, "problem_mark", None)
        place = f", in line {mark.line + 1}" if mark is not None else ""
        raise error(f"{path} can't be read as {what} ({reason[:_LONGEST_REASON]}{place}); mend the file.") from failure
