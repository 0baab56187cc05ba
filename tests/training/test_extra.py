import importlib
import importlib.util

import pytest

import quantunet_hls.training
from quantunet_hls.core.errors import ToolNotFoundError


def test_without_monai_the_remedy_is_named(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "monai" else find(name, *rest))
    with pytest.raises(ToolNotFoundError, match=r"quantunet-hls\[train\]"):
        importlib.reload(quantunet_hls.training)
