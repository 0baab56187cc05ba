import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.reports import Check, Figure, LayerReport, Network, Report, Source, Subject, Target, names, schema
from tests.reports.examples import EXAMPLE

FINITE = st.integers(-(10**12), 10**12) | st.floats(1e-30, 1e30) | st.floats(-1e30, -1e-30) | st.just(0.0)
TEXT = st.text(max_size=12)
FIGURES = st.lists(
    st.builds(
        Figure,
        name=st.sampled_from(sorted(names.FIGURES)),
        value=FINITE,
        source=st.sampled_from(Source),
        subject=st.sampled_from(Subject),
        tool=TEXT,
        tool_version=TEXT,
        available=st.none() | FINITE,
    ),
    max_size=4,
    unique_by=lambda figure: figure.key,
).map(tuple)
COUNT = st.integers(0, 10**9)
REPORTS = st.builds(
    Report,
    name=TEXT,
    created=st.datetimes().map(lambda time: time.isoformat() + "+00:00"),
    network=st.builds(
        Network,
        name=TEXT,
        sha256=TEXT,
        input_shape=st.lists(st.integers(1, 4096), max_size=3).map(tuple),
        macs=st.none() | COUNT,
        parameters=st.none() | COUNT,
        average_weight_bits=st.none() | st.floats(0, 64),
        average_activation_bits=st.none() | st.floats(0, 64),
    ),
    target=st.builds(Target, board=st.none() | TEXT, part=TEXT, clock_ns=st.floats(0.1, 1000)),
    checks=st.lists(
        st.tuples(COUNT, COUNT, TEXT, TEXT, st.none() | TEXT).map(
            lambda made: Check(made[2], made[3], made[4], max(made[:2]), min(made[:2]))
        ),
        max_size=2,
    ).map(tuple),
    layers=st.lists(st.builds(LayerReport, name=TEXT, kind=TEXT, figures=FIGURES), max_size=2).map(tuple),
    figures=FIGURES,
    tools=st.dictionaries(TEXT, TEXT, max_size=2),
    files=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(REPORTS)
def test_a_report_is_the_same_after_a_journey_through_json(report):
    assert Report.from_dict(json.loads(json.dumps(report.to_dict(), allow_nan=False))) == report


def test_a_report_is_the_same_after_a_journey_through_a_file(tmp_path):
    EXAMPLE.save(tmp_path / "a folder" / "unet.json")
    assert Report.load(tmp_path / "a folder" / "unet.json") == EXAMPLE


def test_every_figure_says_its_unit_and_its_source():
    for figure in EXAMPLE.to_dict()["figures"]:
        assert figure["unit"] == names.FIGURES[figure["name"]].unit
        assert figure["source"] in set(Source)


def test_equality_needs_checks_that_compared_something():
    assert EXAMPLE.equal
    assert not replace(EXAMPLE, checks=()).equal
    assert not replace(EXAMPLE, checks=(*EXAMPLE.checks, Check("a", "b", None, 10, 1))).equal
    assert not Check("a", "b", None, 0, 0).equal


def test_the_same_figure_from_the_same_tool_twice_is_refused():
    twins = (Figure(names.LUT, 1, Source.MAPPED, "Yosys"), Figure(names.LUT, 2, Source.MAPPED, "Yosys", "0.70"))
    with pytest.raises(ValueError, match="twice"):
        replace(EXAMPLE, figures=twins)
    two_tools = (twins[0], replace(twins[1], tool="Vivado"))
    assert replace(EXAMPLE, figures=two_tools).figures == two_tools


@pytest.mark.parametrize("path", sorted(Path("reports/reference").glob("*_*.json")), ids=lambda path: path.stem)
def test_the_committed_reports_say_of_every_figure_which_design_it_is_of(path):
    value = json.loads(path.read_text())
    if not isinstance(value, dict) or value.get("schema") != schema.SCHEMA:
        return
    report = Report.load(path)
    assert value["version"] == schema.VERSION
    assert not [figure for group in (report.figures, *(layer.figures for layer in report.layers)) for figure in group
                if figure.subject is Subject.UNSTATED]


def test_more_can_not_differ_than_was_compared():
    with pytest.raises(ValueError, match="differ"):
        Check("a", "b", None, 1, 2)


@pytest.mark.parametrize("created", ["yesterday", "2026-01-31T12:00:00", "2026-01-31T12:00:00+01:00"])
def test_a_report_was_made_at_a_time_in_utc(created):
    with pytest.raises(ValueError, match=r"UTC|isoformat"):
        replace(EXAMPLE, created=created)


@pytest.mark.parametrize("value", [None, [], 3, "text", {}, {"schema": "another/report", "version": 1}, {"lut": 3}])
def test_a_foreign_json_is_refused(value):
    with pytest.raises(ConfigurationError, match="no report of this package"):
        Report.from_dict(value)


@pytest.mark.parametrize("version", [0, 3, "1", "2", None, True, 1.5])
def test_an_unknown_version_is_refused(version):
    with pytest.raises(ConfigurationError, match="version"):
        Report.from_dict({**EXAMPLE.to_dict(), "version": version})


def places(value, path=()):
    """The path of everything inside a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


def changed(path, change):
    value = json.loads(json.dumps(EXAMPLE.to_dict()))
    place = value
    for key in path[:-1]:
        place = place[key]
    change(place, path[-1])
    return value


# What may be anything of its type, so that taking one away is a change of content and no damage.
FREE = ("tools", "files", "asked", "names")
# What earlier reports don't say.
ADDED = ("asked", "names")


@pytest.mark.parametrize("member", ADDED)
def test_a_report_from_before_a_member_was_added_is_read_all_the_same(member):
    value = EXAMPLE.to_dict()
    del value[member]
    assert Report.from_dict(value) == replace(EXAMPLE, **{member: {}})


@pytest.mark.parametrize("path", [path for path in places(json.loads(json.dumps(EXAMPLE.to_dict())))
                                  if path[0] not in FREE or len(path) == 1])
def test_every_member_is_missed_and_every_type_is_checked(path):
    def remove(place, key):
        del place[key]

    def retype(place, key):
        place[key] = {"another": "type"} if not isinstance(place[key], dict) else [1]

    if not isinstance(path[-1], int) and path[0] not in ADDED:
        with pytest.raises(ConfigurationError):
            Report.from_dict(changed(path, remove))
    with pytest.raises(ConfigurationError):
        Report.from_dict(changed(path, retype))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("figures", 0, "value"), True),
        (("figures", 0, "value"), math.nan),
        (("figures", 0, "value"), "31000"),
        (("figures", 0, "value"), 10**400),
        (("figures", 0, "value"), 1e31),
        (("figures", 0, "available"), 1e-31),
        (("figures", 0, "available"), -(10**400)),
        (("figures", 0, "tool"), "half a character: \ud800"),
        (("network", "macs"), 10**400),
        (("network", "input_shape"), [10**400]),
        (("tools", "\udfff"), "1"),
        (("tools", "g++"), "\udfff"),
        (("figures", 0, "source"), "guess"),
        (("figures", 0, "subject"), "guess"),
        (("figures", 0, "unit"), "slices"),
        (("figures", 0, "name"), "LUT; drop"),
        (("figures", 1, "source"), "estimate"),
        (("network", "input_shape"), [128, 0, 1]),
        (("network", "input_shape"), [128, True, 1]),
        (("network", "macs"), -1),
        (("network", "macs"), 1.5),
        (("checks", 0, "differing"), 49_153),
        (("tools", "Vitis HLS"), 2024.2),
        (("created",), "2026"),
        (("surprise",), 1),
        (("layers", 0, "surprise"), 1),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(path, value):
    def put(place, key):
        place[key] = value

    damaged = changed(path, put)
    if path == ("figures", 1, "source"):
        damaged["figures"][1]["tool"] = "quantunet-hls"
    with pytest.raises(ConfigurationError) as caught:
        Report.from_dict(damaged, "unet.json")
    assert str(caught.value).startswith("unet.json")
    assert "\n" not in str(caught.value)


def test_an_error_names_the_place():
    def put(place, key):
        place[key] = None

    with pytest.raises(ConfigurationError, match=r"layers\[0\]\.figures\[0\]\.value must be a number, not null"):
        Report.from_dict(changed(("layers", 0, "figures", 0, "value"), put))


@given(st.data())
def test_a_truncated_file_is_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("report") / "unet.json"
    EXAMPLE.save(path)
    content = path.read_bytes().rstrip()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ConfigurationError):
        Report.load(path)


@pytest.mark.parametrize("content", ["[" * 100_000, "1" * 10_000])
def test_what_json_takes_and_python_does_not_is_one_sentence(tmp_path, content):
    (tmp_path / "unet.json").write_text(content)
    with pytest.raises(ConfigurationError):
        Report.load(tmp_path / "unet.json")


def test_only_a_regular_file_of_a_report_s_size_is_read(tmp_path):
    os.mkfifo(tmp_path / "fifo.json")
    with (tmp_path / "huge.json").open("wb") as stream:
        stream.truncate(200_000_000)
    for path, match in ((tmp_path / "fifo.json", "a named pipe"), (Path("/dev/zero"), "a device"),
                        (tmp_path, "a folder"), (tmp_path / "huge.json", "100,000,000 are the limit"),
                        (tmp_path / "absent.json", "can't be read"), (Path("a\0b.json"), "can't be read")):
        with pytest.raises(ConfigurationError, match=match):
            Report.load(path)
