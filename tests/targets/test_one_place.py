"""What a family is stands in its room alone: no name of one elsewhere, and no default that hides a forgotten one."""

import ast
from itertools import zip_longest
from pathlib import Path

import pytest

import quantunet_hls
from quantunet_hls.targets import FAMILIES, part_named

_PACKAGE = Path(quantunet_hls.__file__).parent
_OUTSIDE = [path for path in sorted(_PACKAGE.rglob("*.py")) if "targets" not in path.relative_to(_PACKAGE).parts]
_FAMILIES = {family.name for family in FAMILIES}
_BOARDS = {path.stem for path in (_PACKAGE / "boards").glob("*.json")}


def nodes(path):
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_no_module_outside_knows_a_family_by_name():
    found = [(path.name, node.value) for path in _OUTSIDE for node in nodes(path)
             if isinstance(node, ast.Constant) and node.value in _FAMILIES]
    assert found == []


def test_no_module_asks_which_board_it_is():
    found = [(path.name, part.value) for path in _OUTSIDE for node in nodes(path) if isinstance(node, ast.Compare)
             for part in ast.walk(node) if isinstance(part, ast.Constant) and part.value in _BOARDS]
    assert found == []


def test_a_family_is_never_a_default():
    found = []
    for path in sorted(_PACKAGE.rglob("*.py")):
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef) and path.name != "table.py":
                arguments = [*node.args.posonlyargs, *node.args.args]
                defaults = zip_longest(reversed(arguments), reversed(node.args.defaults))
                pairs = [*defaults, *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
                found += [(path.name, node.name) for argument, default in pairs
                          if argument.arg == "family" and default is not None]
    assert found == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_whole(family):
    assert family.series
    assert set(family.toolchains) <= {"vitis", "vivado", "open"}
    assert (family.synthesis is None) == ("open" not in family.toolchains)
    # What is mapped is counted and simulated; what is placed has pins and a clock.
    assert (family.synthesis is None) == (family.models is None)
    for path in (*(family.models.own if family.models else ()), *([family.delays.file] if family.delays else [])):
        assert path.is_file()
    assert all(path.suffix in (".v", ".vh") for path in (family.models.own if family.models else ()))
    assert family.multiplier.wide >= family.multiplier.narrow > 0


def test_names_of_families_are_their_own():
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize(("part", "family"), [("xcku115-flvb2104-2-e", "xcu"), ("xcku5p-ffva676-1-e", "xcup")])
def test_of_two_families_that_know_a_part_the_first_of_the_table_has_it(part, family):
    assert part_named(part).family.name == family
