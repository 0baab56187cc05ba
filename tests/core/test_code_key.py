import re
import shutil
from pathlib import Path

import pytest

import quantunet_hls
from quantunet_hls.core import code_key as module
from quantunet_hls.core.code_key import code_key, modules_behind

PACKAGE = Path(quantunet_hls.__file__).parent


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of a few modules in place of this one."""
    files = {
        "__init__.py": "from quantunet_hls.lazy import lazily\n__getattr__ = lazily(__name__, {'far': 'house.far'})\n",
        "lazy.py": "def lazily(package, homes): ...\n",
        "house/__init__.py": "from quantunet_hls.house.near import near as close\n"
                             "from quantunet_hls.house.far import far\n",
        "house/near.py": "near = 1\n",
        "house/far.py": "far = 2\n",
        "house/thing.cpp": "int main() {}\n",
        "house/parts/cell.v": "module cell; endmodule\n",
        "boards/__init__.py": "",
        "boards/load.py": "def load(): ...\n",
        "boards/one.json": "{}",
        "maker.py": "import json\n\n\ndef make(text):\n    \"\"\"Make it.\"\"\"\n    return json.loads(text)\n",
        "other.py": "other = 1\n",
        "ops/__init__.py": "", "ops/add/__init__.py": "",
        "ops/stages/__init__.py": "", "ops/stages/relu/__init__.py": "", "ops/stages/relu/unit.py": "three = 3\n",
        "ops/add/unit.py": "one = 1\n", "ops/add/onnx.py": "two = 2\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget():
    for cached in (module._key, module._closure, module._read, module._files_in):
        cached.cache_clear()


def key_after(package, changes, *makers):
    before = code_key(*makers)
    for name, text in changes.items():
        (package / name).write_text(text)
    forget()
    return code_key(*makers) != before


MAKE = 'import json\n\n\ndef make(text):\n    """Make it."""\n    return json.loads(text)\n'


@pytest.mark.parametrize("text", [
    f"# A comment.\n{MAKE}", MAKE.replace("Make it.", "Makes it."),
    MAKE.replace("    return", "    # Here.\n    return"),
    MAKE.replace('    """Make it."""\n', ""), MAKE.replace("json.loads(text)", "json.loads(\n        text,\n    )"),
])
def test_comments_docstrings_and_layout_are_nothing(package, text):
    assert not key_after(package, {"maker.py": text}, "quantunet_hls.maker")


@pytest.mark.parametrize("text", [MAKE.replace("loads(text)", "loads(text + ' ')"), MAKE + "made = 1\n"])
def test_code_is_something(package, text):
    assert key_after(package, {"maker.py": text}, "quantunet_hls.maker")


def test_an_unrelated_module_is_nothing(package):
    assert not key_after(package, {"other.py": "other = 2\n"}, "quantunet_hls.maker")


@pytest.mark.parametrize("line", [
    "import quantunet_hls.other", "from quantunet_hls import other", "from quantunet_hls.other import other",
    "def late():\n    from quantunet_hls.other import other", "if True:\n    import quantunet_hls.other as o",
    "from importlib import import_module\nimport_module('quantunet_hls.other')",
    "from pathlib import Path\nPath(__file__).with_name('other.py')",
])
def test_what_is_imported_counts(package, line):
    (package / "maker.py").write_text(f"{line}\n")
    forget()
    assert modules_behind("quantunet_hls.maker") == {"quantunet_hls.maker", "quantunet_hls.other"}
    assert key_after(package, {"other.py": "other = 2\n"}, "quantunet_hls.maker")


def test_what_only_a_type_checker_sees_does_not_count(package):
    (package / "maker.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
                                      "    from quantunet_hls.other import other\nelse:\n"
                                      "    from quantunet_hls.house.near import near\n")
    forget()
    assert modules_behind("quantunet_hls.maker") == {"quantunet_hls.maker", "quantunet_hls.house.near"}


@pytest.mark.parametrize(("line", "behind"), [
    ("from quantunet_hls.house import close", {"house.near"}),
    ("from quantunet_hls.house import far", {"house.far"}),
    ("from quantunet_hls import far", {"house.far"}),
    ("from quantunet_hls import house", {"house", "house.near", "house.far"}),
    ("from quantunet_hls.house import *", {"house", "house.near", "house.far"}),
    ("facet(kind, 'unit')", {"ops.add.unit"}),
    ("stage_facet(kind, 'unit')", {"ops.stages.relu.unit"}),
    ("table.facet(kind, name)", {"ops.add.unit", "ops.add.onnx", "ops.stages.relu"}),
])
def test_of_a_package_what_is_asked_for_counts(package, line, behind):
    (package / "maker.py").write_text(f"{line}\n")
    forget()
    assert modules_behind("quantunet_hls.maker") - {"quantunet_hls.maker"} == {f"quantunet_hls.{one}" for one in behind}


@pytest.mark.parametrize("name", ["house/thing.cpp", "house/parts/cell.v"])
def test_files_beside_a_module_count(package, name):
    assert key_after(package, {name: "// another"}, "quantunet_hls.house.near")


def test_files_elsewhere_and_those_to_choose_from_do_not(package):
    assert not key_after(package, {"house/thing.cpp": "// another"}, "quantunet_hls.maker")
    assert not key_after(package, {"boards/one.json": "[]", "boards/two.json": "{}"}, "quantunet_hls.boards.load")


def test_makers_may_be_named_by_a_pattern(package):
    assert modules_behind("quantunet_hls.ops.*.unit") == {"quantunet_hls.ops.add.unit"}
    assert key_after(package, {"ops/add/unit.py": "one = 2\n"}, "quantunet_hls.ops.*.unit")


def test_a_maker_that_is_not_there_is_a_mistake():
    with pytest.raises(ValueError, match=r"no module 'quantunet_hls\.nowhere'"):
        code_key("quantunet_hls.nowhere")


def test_of_this_package_a_module_that_makes_one_thing_has_little_behind_it():
    behind = modules_behind("quantunet_hls.types.fixed")
    assert "quantunet_hls.types.fixed" in behind
    assert not {name for name in behind if ".flow" in name or ".rtl" in name}


def test_every_module_of_this_package_can_be_looked_at():
    names = [".".join(("quantunet_hls", *path.relative_to(PACKAGE).with_suffix("").parts))
             for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert modules_behind(*names) >= set(names)


def test_modules_that_are_looked_up_by_name_are_those_that_are_seen():
    """Another way to import a module by name would leave its code out of the keys."""
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")
             if re.search(r"import_module\(|__import__\(", path.read_text())}
    assert found <= {"core/lazy.py", "ops/table.py", "cli/__init__.py", "rtl/integrate/host.py", "core/code_key.py"}


def test_the_same_code_elsewhere_has_the_same_key(tmp_path, monkeypatch):
    here = code_key("quantunet_hls.rtl.generate.stitch")
    shutil.copytree(PACKAGE, tmp_path / "quantunet_hls", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "_FOLDER", tmp_path / "quantunet_hls")
    assert code_key("quantunet_hls.rtl.generate.stitch") == here
