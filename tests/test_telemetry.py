"""onnxruntime reports on its use to its maker where nobody says no; what it keeps for that shows whether it does."""

import os
import subprocess
import sys

import pytest

#: What the reports of one process are known by, among the temporary files.
_SESSION = ".ses"


#: All that a process needs to start. onnxruntime is silent wherever a variable says that it runs in a CI job (CI,
#: GITHUB_ACTIONS, BUILDKITE and others), which would make these tests say nothing there.
_TO_START = ("PATH", "HOME", "LD_LIBRARY_PATH")


def _left_by(statements, tmp_path, **variables):
    environment = {key: os.environ[key] for key in _TO_START if key in os.environ}
    subprocess.run([sys.executable, "-c", statements], check=True,
                   env=environment | {"TMPDIR": str(tmp_path)} | variables)
    return [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("first", ["quantunet_hls", "quantunet_hls.ingest", "quantunet_hls.cli"])
def test_nothing_is_reported(first, tmp_path):
    assert _SESSION not in _left_by(f"import {first}, onnxruntime", tmp_path)


def test_whoever_wants_it_may_have_it(tmp_path):
    """When this fails without a change of ours, the setting is no longer needed."""
    assert _SESSION in _left_by("import quantunet_hls, onnxruntime", tmp_path, ORT_DISABLE_TELEMETRY="0")
