"""Modules of one job are short, and so are functions."""

import ast
from pathlib import Path

import quantunet_hls

FILES = sorted(Path(quantunet_hls.__file__).parent.rglob("*.py"))
FILE_LINES, FUNCTION_LINES = 400, 60


def test_no_module_and_no_function_is_long():
    long = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > FILE_LINES:
            long.append(path.name)
        long += [f"{path.name}: {node.name}" for node in ast.walk(ast.parse(text))
                 if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= FUNCTION_LINES]
    assert FILES
    assert not long
