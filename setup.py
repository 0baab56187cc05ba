"""What setup.cfg has no word for: model_zoo/ at the repository's top lies inside the package once that is installed."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["quantunet_hls", "quantunet_hls.*"]), "quantunet_hls.model_zoo"],
    package_dir={"quantunet_hls.model_zoo": "model_zoo"},
)
