"""Training: augmentation, loss, loop, scores, and the way from a float network to a quantized one."""

from importlib.util import find_spec

from quantunet_hls.core.errors import ToolNotFoundError

if find_spec("monai") is None:
    raise ToolNotFoundError("MONAI", "training", "install it with: pip install 'quantunet-hls[train]'")

from quantunet_hls.data.scores import Scores, evaluate
from quantunet_hls.training import recipes
from quantunet_hls.training.loop import EpochResult, train
from quantunet_hls.training.prepare import quantize
from quantunet_hls.training.recipes import Recipe
from quantunet_hls.training.session import Plan, run
from quantunet_hls.training.settings import Augmentation, Settings, WidthLearning

__all__ = [
    "Augmentation", "EpochResult", "Plan", "Recipe", "Scores", "Settings", "WidthLearning", "evaluate", "quantize",
    "recipes", "run", "train",
]
