"""What is quick must stay quick: the heavy packages are imported only where a network is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import quantunet_hls
import quantunet_hls.types

_REFERENCE = Path(__file__).parents[1] / "reports" / "reference"
_REPORTS = sorted(map(str, _REFERENCE.glob("brain_tumor_w4a6_b8d3_*.json")))
_HEAVY = ("torch", "brevitas", "onnx", "onnxruntime", "qonnx", "hls4ml", "matplotlib", "amaranth")


def loaded(code: str, *arguments: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has after it ran this code."""
    report = f"import json\nsys.stderr.write(json.dumps([name for name in {_HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}\n{report}", *arguments],
                          capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("module", ["quantunet_hls", "quantunet_hls.types.fixed", "quantunet_hls.boards",
                                    "quantunet_hls.targets", "quantunet_hls.zoo.folders",
                                    "quantunet_hls.reports.schema"])
def test_a_module_that_needs_no_network_loads_none_of_the_heavy_packages(module):
    assert loaded(f"import {module}") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["boards"], ["doctor", "--json"], ["compare", *_REPORTS],
                                       *[[command, "--help"] for command in ("generate", "csim", "train", "zoo")]],
                         ids=lambda arguments: " ".join(arguments[:2])[:20])
def test_a_command_that_needs_no_network_loads_none_of_the_heavy_packages(arguments):
    code = ("from quantunet_hls.cli import main\n"
            "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code")
    assert loaded(code, *arguments) == set()


@pytest.mark.parametrize("package", [quantunet_hls, quantunet_hls.types])
def test_what_is_imported_late_is_all_there(package):
    assert all(getattr(package, name).__name__ == name for name in package.__all__)
    assert not hasattr(package, "nonsense")


def test_data_goes_one_way_through_the_rooms():
    """``make lint`` says the same, with the imports that break a contract of ``.importlinter``.

    In a process of its own: import-linter configures logging, which mutes the loggers that there are for other tests.
    """
    code = "from importlinter.cli import lint_imports_command as run; run()"
    settings = str(Path(__file__).parents[1] / ".importlinter")
    done = subprocess.run([sys.executable, "-c", code, "--config", settings, "--no-cache"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
