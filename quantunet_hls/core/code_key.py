"""What of this package's code a result depends on: the modules that make it, and all that these import.

Code counts by what it does: comments, docstrings and layout do not. Imports are read from the source, those within
functions too. Of a package's ``__init__`` that only passes a name on, what counts is the module that the name comes
from. What is looked up by name is seen where it is ``facet(kind, "unit")``, ``import_module("a.module")`` or the
table of ``core.lazy``; other modules can be named beside the makers.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["code_key", "modules_behind"]

_NAME = __name__.partition(".")[0]
_FOLDER = Path(__file__).parents[1]

#: Folders of files that people choose from; what was chosen is an input, and the others matter to nobody.
_CATALOGUES = ("boards", "recipes")
#: Functions of ``ops.table`` that find a module by name, and where.
_FACETS = {"facet": f"{_NAME}.ops.*.", "stage_facet": f"{_NAME}.ops.stages.*."}


def code_key(*makers: str) -> str:
    """SHA-256 over the modules of some names, all modules of this package behind them, and the files beside these.

    Args:
        makers: full names of modules; ``*`` stands for any name at its place, as in ``quantunet_hls.ops.*.unit``.

    Raises:
        ValueError: a name without a module.
    """
    return _key(_FOLDER, tuple(sorted(set(makers))))


def modules_behind(*makers: str) -> frozenset[str]:
    """Names of the modules that :func:`code_key` looks at; arguments and errors are the same."""
    return _closure(_FOLDER, tuple(sorted(set(makers))))


@cache
def _key(root: Path, makers: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    paths = {name: _path(root, name) for name in sorted(_closure(root, makers))}
    for name, path in paths.items():
        digest.update(f"{name}\0{_read(path).digest}\0".encode())
    for folder in sorted({path.parent for path in paths.values() if path}):
        digest.update(f"{folder.relative_to(root)}\0{_files_in(folder)}\0".encode())
    return digest.hexdigest()


@cache
def _closure(root: Path, makers: tuple[str, ...]) -> frozenset[str]:
    waiting = [found for maker in makers for found in _matching(root, maker)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _behind(root, name)
    return frozenset(seen)


def _matching(root: Path, pattern: str) -> list[str]:
    if "*" not in pattern:
        if _path(root, pattern) is None:
            raise ValueError(f"there is no module {pattern!r} whose code could be looked at")
        return [pattern]
    place = "/".join(pattern.split(".")[1:])
    modules = [path.with_suffix("") for path in root.glob(f"{place}.py") if path.name != "__init__.py"]
    packages = [path.parent for path in root.glob(f"{place}/__init__.py")]
    return [".".join((_NAME, *path.relative_to(root).parts)) for path in sorted([*modules, *packages])]


def _path(root: Path, name: str) -> Path | None:
    """The file of a module; None where there is none."""
    first, *parts = name.split(".")
    if first != _NAME:
        return None
    place = root.joinpath(*parts)
    if (place / "__init__.py").is_file():
        return place / "__init__.py"
    return place.with_suffix(".py") if parts and place.with_suffix(".py").is_file() else None


@dataclass(frozen=True)
class _Import:
    """``from module import name as bound``; without a name, the module itself."""

    module: str
    name: str = ""
    bound: str = ""


@dataclass(frozen=True)
class _Source:
    """A module's file: the digest of its code, what it imports, and its table of ``core.lazy``."""

    digest: str
    imports: tuple[_Import, ...]
    homes: tuple[tuple[str, str], ...]
    beside: tuple[str, ...]
    facets: tuple[str, ...]


@cache
def _read(path: Path) -> _Source:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                setattr(node, field, [one for one in body if not _is_text(one)])
    nodes = list(_running(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return _Source(
        hashlib.sha256(ast.dump(tree).encode()).hexdigest(),
        tuple(_imports(nodes, calls)),
        tuple(home for call in calls if _called(call) == "lazily" for home in _homes(call)),
        # Modules that are read or run as files.
        tuple(sorted({node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
                      and node.value.endswith(".py") and "/" not in node.value})),
        tuple(_FACETS[_called(call)] + (_text(call, 1) or "*") for call in calls if _called(call) in _FACETS),
    )


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring or another text that nothing is done with."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _imports(nodes: Iterable[ast.AST], calls: Iterable[ast.Call]) -> Iterator[_Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (_Import(one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("a relative import, whose code can't be looked at; name the module in full")
            yield from (_Import(str(node.module), one.name, one.asname or one.name) for one in node.names)
    for call in calls:
        if _called(call) == "import_module" and _text(call, 0):
            yield _Import(str(_text(call, 0)))


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def _text(call: ast.Call, place: int) -> str | None:
    """A literal argument of a call."""
    argument = call.args[place] if len(call.args) > place else None
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def _homes(call: ast.Call) -> Iterator[tuple[str, str]]:
    for argument in call.args:
        if isinstance(argument, ast.Dict):
            for name, home in ast.literal_eval(argument).items():
                yield str(name), str(home)


def _behind(root: Path, name: str) -> Iterator[str]:
    """Modules of this package that the code of a module can reach at once."""
    path = _path(root, name)
    if path is None:
        return
    source = _read(path)
    for one in source.imports:
        yield from _from(root, one.module, one.name)
    for _, home in source.homes:
        yield f"{name}.{home}"
    for pattern in source.facets:
        yield from _matching(root, pattern)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for file in source.beside:
        if (path.parent / file).is_file() and file != "__init__.py":
            yield f"{package}.{file.removesuffix('.py')}"


def _from(root: Path, module: str, name: str) -> Iterator[str]:
    """The module that a name imported from another one is made in."""
    path = _path(root, module)
    if path is None:
        return
    if name and _path(root, f"{module}.{name}") is not None:
        yield f"{module}.{name}"
        return
    source = _read(path)
    if name and path.name == "__init__.py":
        homes = [home for bound, home in source.homes if bound == name]
        passed_on = [one for one in source.imports if one.bound == name and one.module.startswith(f"{_NAME}.")]
        if homes or passed_on:
            for home in homes:
                yield from _from(root, f"{module}.{home}", name)
            for one in passed_on:
                yield from _from(root, one.module, one.name)
            return
    yield module


@cache
def _files_in(folder: Path) -> str:
    """SHA-256 over the files beside a module that are none, such as C++ and Verilog, and those in plain folders."""
    digest = hashlib.sha256()
    if folder.name not in _CATALOGUES:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.name.startswith((".", "__")) and not (path / "__init__.py").exists():
                digest.update(f"{path.name}\0{_files_in(path)}\0".encode())
            elif path.is_file() and not path.name.startswith(".") and not path.name.endswith((".py", ".typed", "~")):
                digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()
