"""Kinds of layers and stages are told apart in their rooms only: nobody else asks."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import quantunet_hls
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.table import OPERATORS, STAGES

PACKAGE = Path(quantunet_hls.__file__).parent
BASES = (Layer, StreamLayer, Stage)


def in_a_room(kind: type) -> bool:
    """Whether it is defined in the room of an operator or of a stage."""
    return any(kind.__module__.startswith(f"quantunet_hls.ops.{room}.")
               for room in (*OPERATORS, *(f"stages.{stage}" for stage in STAGES)))


def kinds_of(tree: ast.Module) -> set[str]:
    """Names in a module that stand for a kind of layer or stage: classes that are defined in a room.

    What several kinds have in common (weights, a window, stages) is no kind: a new one may have it as well.
    """
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("quantunet_hls.ops"):
            module = import_module(node.module)
            for alias in node.names:
                value = getattr(module, alias.name, None)
                if isinstance(value, type) and issubclass(value, BASES) and in_a_room(value):
                    names.add(alias.asname or alias.name)
    return names


def questions(source: str) -> list[int]:
    """Lines that ask for the kind of a layer or a stage: isinstance, match, type(x) is, x.kind == "a room"."""
    tree = ast.parse(source)
    kinds, rooms = kinds_of(tree), {*OPERATORS, *STAGES}

    def names(node: ast.AST) -> set[str]:
        return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} | {
            each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            asked = bool(names(node.args[1]) & kinds)
        elif isinstance(node, ast.MatchClass):
            asked = bool(names(node.cls) & kinds)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            of_kind = any(isinstance(side, ast.Attribute) and side.attr == "kind" for side in sides)
            constants = {each.value for side in sides for each in ast.walk(side) if isinstance(each, ast.Constant)}
            typed = any(isinstance(side, ast.Call) and getattr(side.func, "id", "") == "type" for side in sides)
            asked = (of_kind and bool(constants & rooms)) or (typed and any(names(side) & kinds for side in sides))
        else:
            continue
        if asked:
            found.append(node.lineno)
    return found


def test_no_kind_is_asked_for_outside_of_its_room():
    asked = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if lines := questions(path.read_text()):
            asked[name] = lines
    assert not asked, f"these ask for the kind of a layer or a stage: {asked}; ask the layer or its room instead"


@pytest.mark.parametrize(("code", "count"), [
    ("from quantunet_hls.ops.pooling.layer import Pooling\nisinstance(x, Pooling)", 1),
    ("from quantunet_hls.ops.argmax.stream import ArgMax as A\nisinstance(x, int | A)\nissubclass(y, A)", 2),
    ("from quantunet_hls.ops.stages.cast.stage import Cast\nmatch x:\n    case Cast():\n        pass", 1),
    ("from quantunet_hls.ops.stages.cast.stage import Cast\ntype(x) is Cast", 1),
    ("x.kind == 'pooling'", 1),
    ("x.kind in ('relu', 'cast')", 1),
    ("x.kind == 'dsp'", 0),
    ("from quantunet_hls.ops.network import Layer\nisinstance(x, Layer)", 0),
    ("isinstance(x, Pooling)", 0),
])
def test_the_count_sees_every_way_of_asking(code, count):
    assert len(questions(code)) == count
