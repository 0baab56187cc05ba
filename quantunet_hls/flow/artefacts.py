"""What the steps of a flow leave for one another: files, in sets that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quantunet_hls.core.files import read_json
from quantunet_hls.folding.written import StreamFolding, read_folding
from quantunet_hls.rtl.folder import RtlFolder

__all__ = ["Artefacts", "CppProject", "Exported", "Folded", "Ingested"]


@dataclass(frozen=True)
class Exported:
    """The network as it was given, in QONNX.

    Attributes:
        network: QONNX file.
    """

    network: Path


@dataclass(frozen=True)
class Ingested:
    """The legal, channels-last graph.

    Attributes:
        hardware: QONNX file.
        precision: the type of every tensor, in JSON.
    """

    hardware: Path
    precision: Path


@dataclass(frozen=True)
class Folded:
    """How parallel each layer is, and what it is called.

    Attributes:
        folding: reuse factors, lanes and depths, in JSON.
        layers: of the hls4ml project, what each computes, in JSON.
    """

    folding: Path
    layers: Path

    @property
    def files(self) -> tuple[Path, Path]:
        """Both."""
        return self.folding, self.layers

    def streaming(self) -> StreamFolding:
        """The part of the folding that is the streaming RTL's."""
        streaming = read_folding(self.folding).streaming
        assert streaming is not None
        return streaming

    def tensors(self) -> Mapping[str, str]:
        """For each layer of the hls4ml project the tensor of the hardware graph that it computes."""
        tensors: Mapping[str, str] = read_json(self.layers)["tensors"]
        return tensors

    def sizes(self) -> Mapping[str, int]:
        """For each of them how many values that are."""
        sizes: Mapping[str, int] = read_json(self.layers)["sizes"]
        return sizes


@dataclass(frozen=True)
class CppProject:
    """The hls4ml project.

    Attributes:
        folder: of the project.
        name: of its top function.
        estimate: what Vitis HLS is likely to make of it, in JSON; nobody writes it for other tools.
    """

    folder: Path
    name: str
    estimate: Path

    @property
    def sources(self) -> tuple[Path, Path]:
        """What the C-simulation is compiled from: the firmware's folder and the test bench."""
        return self.folder / "firmware", self.folder / f"{self.name}_test.cpp"


@dataclass(frozen=True)
class Artefacts:
    """Where everything of one design lies.

    Attributes:
        folder: that holds all of it but the report.
        name: of the design.
        report: of the whole flow.
    """

    folder: Path
    name: str
    report: Path

    @property
    def ledger(self) -> Path:
        """What was made from what."""
        return self.folder / "steps.json"

    @property
    def exported(self) -> Exported:
        """What the step ``export`` leaves."""
        return Exported(self.folder / "network.onnx")

    @property
    def ingested(self) -> Ingested:
        """What the step ``ingest`` leaves."""
        return Ingested(self.folder / "hardware.onnx", self.folder / "precision.json")

    @property
    def folded(self) -> Folded:
        """What the step ``project`` leaves beside the project."""
        return Folded(self.folder / "folding.json", self.folder / "layers.json")

    @property
    def project(self) -> CppProject:
        """The project itself."""
        return CppProject(self.folder / "project", self.name, self.folder / "hls_estimate.json")

    @property
    def rtl(self) -> RtlFolder:
        """What the open tool chain's steps leave."""
        return RtlFolder(self.folder / "rtl")

    def part(self, step: str) -> Path:
        """A step's part of the report."""
        return self.folder / f"{step}.json"

    def within(self, path: Path) -> str:
        """A path as reports tell it."""
        return str(path.relative_to(self.folder))
