"""Names of designs and of their layers, made of whatever a file or a network calls them.

Nothing is refused for its name. A name that C++, Verilog, VHDL, Tcl, make and every file system take as it is stays
as it is. Of another one what a person knows it by is kept: letters, digits and underscores, the end of a path or the
begin of a title, and behind what was cut off a hash of the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

from quantunet_hls.core.reserved_words import taken_by_cpp, taken_by_tools

__all__ = ["LONGEST", "Names", "design_name", "identifier"]

#: Characters that every name here has at most; see :func:`quantunet_hls.core.files.check_name`.
LONGEST = 63

#: Of a design's name, so that ``_probed`` and ``_axi`` fit behind it.
_LONGEST_DESIGN = LONGEST - len("_probed")

#: Hex digits of SHA-256 that stand for what was cut off.
_HASH_DIGITS = 8


def identifier(text: str, longest: int = LONGEST, *, kind: str = "net", whole: str | None = None,
               keep_end: bool = False, taken: Callable[[str], bool] = taken_by_tools) -> str:
    """A name that all tools take, the same for the same text; what is such a name already stays as it is.

    Args:
        text: any.
        longest: characters that it may have, twice those of ``kind`` and 16 or more.
        kind: of thing, an identifier; stands around the text where that alone would be no name.
        whole: what the hash is of, where the text is only a part of that.
        keep_end: whether a person knows it by its end, as a path, and not by its begin.
        taken: what means something else; nothing of the form ``<kind>_..._<kind>`` may.
    """
    name = re.sub(r"_{2,}", "_", re.sub(r"\W", "_", text, flags=re.ASCII)).strip("_")
    made = ""
    for before, behind in (("", ""), (f"{kind}_", ""), (f"{kind}_", f"_{kind}")):
        short = _shortened(name, longest - len(before) - len(behind), text if whole is None else whole, keep_end)
        made = f"{before}{short}".rstrip("_") + behind
        if made[:1].isalpha() and not taken(made):
            break
    return made


def _shortened(name: str, longest: int, whole: str, keep_end: bool) -> str:
    """Its begin or its end, and behind that the hash of the whole, where it is too long."""
    if len(name) <= longest:
        return name
    digest = f"_{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:_HASH_DIGITS]}"
    room = longest - len(digest)
    if not keep_end:
        return name[:room].rstrip("_") + digest
    end = name[-room:]
    if name[-room - 1] != "_":
        # Half of a path's part tells less than nothing, unless there is no other.
        end = end.partition("_")[2] or end
    # Nor does a number whose part is cut off.
    return (end.lstrip("_0123456789") or end).strip("_") + digest


def design_name(text: str) -> str:
    """A name for a project, its files, its C++ function and its Verilog modules; a name of that form stays."""
    return identifier(text, _LONGEST_DESIGN, taken=lambda name: taken_by_tools(name) or taken_by_cpp(name))


class Names:
    """Gives out names, each once, also where case counts for nothing, as in many file systems.

    Args:
        longest: characters that a name may have.
        reserved: names that are not given out, in small letters.
        forms: the same by their form, in small letters.
    """

    def __init__(self, longest: int = LONGEST, reserved: Iterable[str] = (), forms: str = r"(?!)"):
        self._longest = longest
        self._reserved = frozenset(reserved)
        self._forms = re.compile(forms)
        #: From which number on to look for one that is free, by name in small letters.
        self._next: dict[str, int] = {}

    def take(self, text: str, kind: str = "net", whole: str | None = None) -> str:
        """A name for a text of which the end tells most; see :func:`identifier`."""
        wanted = identifier(text, self._longest, kind=kind, whole=whole, keep_end=True, taken=self._means_something)
        name, count = wanted, self._next.get(wanted.lower(), 1)
        while name.lower() in self._next:
            behind = f"_{count}"
            name, count = wanted[:self._longest - len(behind)].rstrip("_") + behind, count + 1
        if name != wanted:
            self._next[wanted.lower()] = count
        self._next[name.lower()] = 1
        return name

    def _means_something(self, name: str) -> bool:
        lower = name.lower()
        return taken_by_tools(name) or lower in self._reserved or self._forms.match(lower) is not None
