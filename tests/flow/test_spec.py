import inspect
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from quantunet_hls import generate_accelerator
from quantunet_hls.cli.csim import csim
from quantunet_hls.cli.generate import generate
from quantunet_hls.cli.sweep import sweep
from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.flow.options import Option, check_choices, spec_fields, taking
from quantunet_hls.flow.spec import ARITHMETICS, OUTPUTS, DesignSpec
from quantunet_hls.ingest import OUTPUTS as INGESTED
from quantunet_hls.rtl.fold.multipliers import KINDS


@dataclass(frozen=True)
class Spec:
    """A value as any other."""

    what: Annotated[str, Option("what it is")]
    size: Annotated[tuple[int, int] | None, Option("its size", "the usual one", flag="extent")] = None
    colours: Annotated[Sequence[str], Option("what it looks like", choices=("red", "blue"), noun="colour")] = ("red",)
    place: Annotated[str | Path | None, Option("where it is")] = None


def test_a_field_says_how_it_is_written():
    what, size, colours, place = spec_fields(Spec)
    assert (what.kind, what.count, what.repeated, what.default, what.flag) == (str, 1, False, None, "what")
    assert (size.kind, size.count, size.flag, size.setting) == (int, 2, "extent", "extent")
    assert (colours.kind, colours.repeated, colours.default, colours.setting) == (str, True, ("red",), "colours")
    assert place.kind is Path


def test_a_function_of_a_value_is_called_with_its_fields():
    @taking(Spec)
    def made(spec: Spec) -> Spec:
        """Make it.

        Args:
            {options}
        """
        return spec

    assert made("it", colours=["blue"]) == Spec("it", colours=["blue"])
    assert inspect.signature(made).parameters["size"].default is None
    assert inspect.signature(made).parameters["colours"].annotation == Sequence[str]
    assert "    size: its size; by default the usual one.\n" in made.__doc__
    assert "    colours: what it looks like; one of red, blue.\n" in made.__doc__
    with pytest.raises(TypeError, match="unexpected keyword argument 'color'"):
        made("it", color="red")


def test_a_choice_that_there_is_not_is_refused():
    check_choices(Spec("it"))
    with pytest.raises(UnknownNameError, match="no colour named 'green'; the names are: blue, red"):
        check_choices(Spec("it", colours=["red", "green"]))


def test_the_call_and_the_command_have_every_option():
    names = [field.name for field in fields(DesignSpec)]
    parameters = list(inspect.signature(generate_accelerator).parameters)
    assert parameters == [*names, "started", "finished", "progress"]
    assert [parameter.name for parameter in generate.params] == names
    assert {parameter.name for parameter in csim.params} < {*names, "layers"}
    for name in names:
        assert f"\n    {name}: " in generate_accelerator.__doc__


def test_a_sweep_has_every_axis_and_every_setting():
    offered = {parameter.name for parameter in sweep.params}
    for field in spec_fields(DesignSpec):
        assert not field.option.axis or field.option.axis in offered
        assert not field.option.shared or field.setting in offered


def test_choices_are_those_of_the_rooms_that_take_them():
    assert ARITHMETICS == KINDS
    assert OUTPUTS == INGESTED


@pytest.mark.parametrize(("changes", "message"), [
    ({"arithmetic": "best"}, "no arithmetic named 'best'"),
    ({"output": "masks"}, "no output named 'masks'; the nearest names are: mask"),
    ({"stages": ("csim", "fly")}, "no stage named 'fly'"),
    ({"last": "fly"}, "no step named 'fly'"),
    ({"board": None}, "a board of the catalogue or a part"),
    ({"clock_ns": 0.4}, "clock period of 0.4 ns"),
    ({"target_fps": 1.0, "target_share": 0.5}, "frames_per_s and share at once"),
])
def test_what_needs_no_look_at_a_file_is_refused_when_it_is_asked_for(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        replace(DesignSpec("net", "zcu104"), **changes)


def test_what_is_asked_for_is_told_without_what_a_report_says_anyway():
    assert DesignSpec("net", "zcu104", name="design", last="csim", projects="there").asked() == {}
    spec = DesignSpec("net", part="xc7z020clg400-1", target_fps=30.0, stages=["csynth"], folds=(1, 2),
                      data="/somewhere/images", precision=Path("a/b.json"))
    assert spec.asked() == {"target_fps": 30.0, "data": "images", "precision": "b.json", "folds": [1, 2]}
    assert DesignSpec("net", "zcu104", data=np.zeros((1, 1, 2, 2))).asked() == {"data": "an array"}


def test_how_far_a_flow_goes():
    assert DesignSpec("net", "zcu104").reaches("report")
    assert DesignSpec("net", "zcu104", last="csim").reaches("csim")
    assert not DesignSpec("net", "zcu104", last="csim").reaches("rtl")
