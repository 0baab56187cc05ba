"""Text that came from elsewhere, made fit to be shown: on a terminal, in Markdown, in a spreadsheet's cell.

Names of designs, layers, tools and files come out of files that anybody may
have written. A terminal obeys escape sequences in them, a spreadsheet computes
what begins like a formula, and Markdown makes links of them.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["csv_cell", "cut", "markdown_text", "printable"]

#: Characters of a message that a person still reads; what a library quotes in its own may be as long as the file.
LONGEST_MESSAGE = 1200

# What spreadsheets take for the begin of a formula, in both widths.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def printable(text: str, *, keep: str = "") -> str:
    """The text with every character that is not seen (controls, formats, halves of characters) as its escape.

    Args:
        text: any.
        keep: characters to leave as they are, such as a newline.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep or unicodedata.category(char) == "Zs" else _escape(char)
                   for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode()


def cut(text: str, most: int = LONGEST_MESSAGE) -> str:
    """The text, or its begin and its end where it is too long: what to do stands at the end of a message."""
    if len(text) <= most:
        return text
    end = most // 4
    left = len(text) - most
    return f"{text[:most - end]} … ({left:,} characters left out) … {text[-end:]}"


def csv_cell(value: object) -> object:
    """The value for a cell: text that a spreadsheet would compute has an apostrophe before it, numbers are as they are.

    See https://owasp.org/www-community/attacks/CSV_Injection.
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line, without links or mentions."""
    shown = re.sub(r"([\\`*_{}\[\]<>#|~@&])", r"\\\1", printable(" ".join(text.split())))
    return re.sub(r"(?i)\b(https?|ftp|mailto|xmpp|www)(?=[:.])", r"\1\\", shown)
