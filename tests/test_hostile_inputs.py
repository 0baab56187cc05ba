"""Files and numbers made to hurt: each is answered in a sentence, in time, in little memory, and not obeyed."""

import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from itertools import pairwise

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from quantunet_hls.training.recipes import _FOLDER as RECIPES
from quantunet_hls.zoo import checkpoints as zoo
from tests.hostile import MOST_BYTES, MOST_SECONDS, Answerer
from tests.zoo.test_checkpoints import quantized

RAN = "payload_ran"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def answerer(folder):
    made = Answerer(folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def checkpoint(folder):
    zoo.save(quantized(), "tiny", height=8, width=12, folder=folder)
    return folder / "tiny.pt"


def check(answerer, folder, *arguments, code=2):
    found = answerer.answer(*map(str, arguments))
    assert found["code"] in ((0, 2) if code is None else (code,)), found
    assert "Traceback" not in found["output"], found
    assert len(found["output"]) < 4000, found["output"]
    # By the processor's clock: others may be at work on the same machine.
    assert found["cpu"] < MOST_SECONDS, found
    assert found["bytes"] < MOST_BYTES, found
    assert not (folder / RAN).exists()
    return found["output"]


def generate(model, *more):
    """As far as the first step; the last can't be done without it."""
    return ("generate", model, "--board", "zcu104", "--from", "report", *more)


# Checkpoints


def put(folder, content, **card):
    """A checkpoint and a card that goes with it."""
    values = json.loads((folder / "tiny.json").read_text()) | card
    (folder / "bad.pt").write_bytes(content)
    (folder / "bad.json").write_text(json.dumps(values | {"sha256": hashlib.sha256(content).hexdigest()}))
    return folder / "bad.pt"


def saved(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def zipped(records, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, record in records.items():
            archive.writestr(f"archive/{name}", record)
    return stream.getvalue()


def records_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


class Payload:
    def __reduce__(self):
        return (os.system, (f"touch {RAN}",))


def with_pickle(state, change):
    """A saved state whose pickle is changed."""
    records = records_of(saved(state))
    return zipped(records | {"data.pkl": change(records["data.pkl"])})


def nested():
    return torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])


ODD_STATES = {
    "code": lambda: saved({"weights": Payload()}),
    "sparse": lambda: saved({"weights": torch.eye(3).to_sparse()}),
    "sparse rows": lambda: saved({"weights": torch.eye(3).to_sparse_csr()}),
    "nested": lambda: saved({"weights": nested()}),
    "meta": lambda: saved({"weights": torch.zeros(1 << 34, device="meta")}),
    "fp8": lambda: saved({"weights": torch.zeros(3).to(torch.float8_e4m3fn)}),
    "quantized": lambda: saved({"weights": torch.quantize_per_tensor(torch.zeros(3), 1.0, 0, torch.qint8)}),
    "complex": lambda: saved({"weights": torch.zeros(3, dtype=torch.complex64)}),
    "expanded": lambda: saved({"weights": torch.zeros(1).expand(1 << 34)}),
    "parameter": lambda: saved({"weights": torch.nn.Parameter(torch.zeros(2))}),
    "bomb": lambda: zipped({"data.pkl": records_of(saved({}))["data.pkl"], "data/0": bytes(1 << 28)},
                           zipfile.ZIP_DEFLATED),
    "long": lambda: saved({"weights": torch.zeros(1 << 21)}),
    "huge storage": lambda: with_pickle({"a": torch.zeros(3)}, lambda data: data.replace(
        b"K\x03tq", b"\x8a\x05" + (1 << 33).to_bytes(5, "little") + b"tq", 1)),
    "grown": lambda: with_pickle({"a": torch.zeros(3)}, lambda data: data.replace(
        b"K\x03\x85", b"\x8a\x05" + (1 << 32).to_bytes(5, "little") + b"\x85", 1)),
    "many": lambda: saved({str(number): torch.zeros(1) for number in range(20_000)}),
    "deep pickle": lambda: with_pickle({}, lambda data: b"\x80\x02" + b")" + b"\x85" * 500_000 + b"."),
    "hash": lambda: with_pickle({}, lambda data: b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"K\x01s."),
    "memo": lambda: with_pickle({}, lambda data: b"\x80\x02}r\xff\xff\xff\xff."),
    "no mark": lambda: with_pickle({}, lambda data: b"\x80\x02}u."),
    "legacy": lambda: pickle.dumps(Payload()),
    "two lists": lambda: zipped(records_of(saved({}))) + zipped(records_of(saved({"weights": Payload()}))),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ODD_STATES)
def test_an_odd_state_is_refused_in_our_words(answerer, folder, checkpoint, name):
    output = check(answerer, folder, *generate(put(folder, ODD_STATES[name]())))
    assert "bad.pt" in output
    assert "weights_only" not in output
    assert "torch.load" not in output


# Cards

NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1, 7, 8192, 65536, 10**9, 10**400, 1e308, 1.5, True]), st.integers(), st.floats(width=32),
)
PLAIN = st.recursive(
    st.none() | NUMBERS | st.text(max_size=9) | st.just("x" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5,
)


def changed(draw, value, replacement, depth=0):
    """A value with something in it replaced."""
    if isinstance(value, dict | list) and value and (depth == 0 or draw(st.booleans())):
        places = list(value) if isinstance(value, dict) else list(range(len(value)))
        place = draw(st.sampled_from(places))
        copy = dict(value) if isinstance(value, dict) else list(value)
        copy[place] = changed(draw, copy[place], replacement, depth + 1)
        return copy
    return draw(replacement)


@st.composite
def mutated(draw, content):
    """Bytes with some of them replaced, left out or repeated."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["set", "cut", "insert", "end"])):
            case "set":
                data[place:place + 1] = draw(st.binary(min_size=1, max_size=4))
            case "cut":
                del data[place:place + draw(st.integers(1, 40))]
            case "insert":
                data[place:place] = draw(st.sampled_from([b"\x00", b"\xff" * 8, b"{" * 2000, b"[" * 2000, b"9" * 5000]))
            case "end":
                del data[place:]
    return bytes(data)


@pytest.mark.parametrize("values", [
    {"height": 8192, "width": 65536}, {"height": 65536}, {"height": 10**9}, {"height": 10**400}, {"height": True},
    {"footprint": {}}, {"scores": {"dice": "x" * 10_000}}, {"name": "\x1b[31m" * 100},
])
def test_a_card_of_the_impossible_is_one_sentence(answerer, folder, checkpoint, values):
    path = put(folder, checkpoint.read_bytes(), **values)
    check(answerer, folder, *generate(path, "--data", folder / "nowhere"))


def card(draw, folder):
    values = json.loads((folder / "tiny.json").read_text())
    path = put(folder, (folder / "tiny.pt").read_bytes())
    if draw(st.booleans()):
        path.with_suffix(".json").write_text(json.dumps(changed(draw, values, PLAIN)))
    else:
        path.with_suffix(".json").write_bytes(draw(mutated(json.dumps(values).encode())))
    return generate(path, "--data", folder / "nowhere")


def state(draw, folder):
    content = (folder / "tiny.pt").read_bytes()
    if draw(st.booleans()):
        records = records_of(content)
        name = draw(st.sampled_from(sorted(records)))
        content = zipped(records | {name: draw(mutated(records[name]))},
                         draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])))
    else:
        content = draw(mutated(content))
    return generate(put(folder, content), "--data", folder / "nowhere")


# YAML

ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{later}: &{later} [{', '.join([f'*{earlier}'] * 10)}]\n" for earlier, later in pairwise("abcdefgh"))
YAMLS = [ALIASES, "models: &a [*a]\nboards: [zcu104]", "x: !!timestamp nonsense", "x: !!int ''", "x: !!bool 7",
         "? [a]\n: b", "[" * 5000, "x: " + "9" * 100_000, "x: " + "1:" * 50_000 + "1", "- a\n" * 60_000,
         f"!!python/object/apply:os.system ['touch {RAN}']", "\0", "x: \ud800".encode("utf-8", "surrogatepass").decode(
             "latin-1"), "a" * 200_000, "x: 2001-99-99", "<<: {a: 1}", "!!binary '%'", "!!set [a]", "%YAML 9.9\n---\na"]
GRID = {"models": ["brain_tumor_w4a6_b8d3", {"unet": {"depth": 1, "base_channels": 2, "size": [1, 8, 8], "seed": 1}}],
        "boards": ["zcu104"], "multipliers": [None], "fps": [100.5, None], "clock_ns": [5.0], "images": 2,
        "arithmetic": ["auto"], "stages": ["csynth"], "toolchain": "auto", "to": None}


def recipe_call(folder, content):
    (folder / "bad.yaml").write_bytes(content)
    return ("train", "--recipe", folder / "bad.yaml", "--data", folder / "nowhere", "--name", "x")


def grid_call(folder, content):
    (folder / "bad.yml").write_bytes(content)
    return ("sweep", folder / "bad.yml", "--store", folder / "sweep.db")


@pytest.mark.parametrize("call", [recipe_call, grid_call])
@pytest.mark.parametrize("number", range(len(YAMLS)))
def test_odd_yaml_is_one_sentence(answerer, folder, call, number):
    check(answerer, folder, *call(folder, YAMLS[number].encode()))


@pytest.mark.parametrize("values", [
    {"fps": [float("nan")]}, {"clock_ns": [float("inf")]}, {"multipliers": [10**400]}, {"images": 10**9},
    {"models": [{"unet": {"depth": 1, "size": [1, 10**9, 8]}}]},
    {"models": [{"unet": {"depth": 1, "size": [1, 8, 10**400]}}]},
    {"models": [{"unet": {"depth": 8, "base_channels": 2048, "size": [1, 256, 256]}}]}, {"boards": ["x" * 100_000]},
])
def test_a_grid_of_the_impossible_is_one_sentence(answerer, folder, values):
    check(answerer, folder, *grid_call(folder, yaml.safe_dump(GRID | values).encode()))


def recipe(draw, folder):
    text = (RECIPES / draw(st.sampled_from(["uniform.yaml", "quantunet.yaml", "float.yaml"]))).read_text()
    if draw(st.booleans()):
        return recipe_call(folder, draw(mutated(text.encode())))
    return recipe_call(folder, yaml.safe_dump(changed(draw, yaml.safe_load(text), PLAIN)).encode())


def grid(draw, folder):
    if draw(st.booleans()):
        return grid_call(folder, draw(mutated(yaml.safe_dump(GRID).encode())))
    return grid_call(folder, yaml.safe_dump(changed(draw, GRID, PLAIN)).encode())


# Data folders


def data_call(folder, name, content, *more):
    """The tiny network's images, one of them so."""
    data = folder / "images only"
    data.mkdir(exist_ok=True)
    for file in data.iterdir():
        file.unlink()
    (data / name).write_bytes(content)
    return generate(folder / "tiny.pt", "--data", data, *more)


def png(height, width, *, rows=b""):
    """A PNG that says its size, whatever lies in it."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def nifti(shape, place=352.0):
    header = bytearray(348)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<hh", header, 70, 64, 64)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<f", header, 108, place)
    header[344:348] = b"n+1\0"
    return bytes(header) + bytes(4)


def tiff(shape, **options):
    tifffile = pytest.importorskip("tifffile", reason="TIFF files take the train extra")
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros(shape, np.uint8), **options)
    return stream.getvalue()


def test_an_image_is_not_decoded_before_its_size_is_looked_at(answerer, folder, checkpoint):
    whole = png(13_000, 13_000, rows=bytes(13_001) * 13_000)
    assert len(whole) < 200_000
    output = check(answerer, folder, *data_call(folder, "large.png", whole))
    assert "13000" in output


@pytest.mark.parametrize("shape", [(30_000, 30_000), (32_767, 32_767, 32_767)])
def test_nor_is_a_volume(answerer, folder, checkpoint, shape):
    pytest.importorskip("nibabel", reason="NIfTI files take the train extra")
    check(answerer, folder, *data_call(folder, "large.nii", nifti(shape)))
    check(answerer, folder, *data_call(folder, "far.nii", nifti((8, 12), place=1e9)))


def one_strip(height, width, strip):
    """A TIFF of one deflated strip."""
    entries = [(256, width), (257, height), (258, 8), (259, 8), (262, 1), (273, 8), (277, 1), (278, height),
               (279, len(strip))]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, 4, 1, value)
                                                          for tag, value in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory


def test_nor_is_a_tiff(answerer, folder, checkpoint):
    pytest.importorskip("tifffile", reason="TIFF files take the train extra")
    check(answerer, folder, *data_call(folder, "large.tif", one_strip(60_000, 60_000, zlib.compress(b""))))
    # A strip that is much longer than the image that it is of; read to its end it is 3 GB.
    block = zlib.compressobj()
    start, more = block.compress(bytes(1 << 20)) + block.flush(zlib.Z_FULL_FLUSH), b""
    more = block.compress(bytes(1 << 20)) + block.flush(zlib.Z_FULL_FLUSH)
    output = check(answerer, folder, *data_call(folder, "bomb.tif", one_strip(512, 512, start + more * 3000)))
    assert "holds more than" in output
    sound = one_strip(8, 12, zlib.compress(bytes(96)))
    assert "can't start at 'report'" in check(answerer, folder, *data_call(folder, "sound.tif", sound))


@pytest.mark.parametrize("make", [
    lambda data: os.mkfifo(data / "a.png"), lambda data: (data / "a.png").symlink_to("/dev/zero"),
    lambda data: (data / "a.png").mkdir(), lambda data: (data / "a.png").symlink_to("a.png"),
])
def test_what_is_no_file_among_the_images_is_one_sentence(answerer, folder, checkpoint, tmp_path, make):
    make(tmp_path)
    check(answerer, folder, *generate(checkpoint, "--data", tmp_path))


def image(draw, folder):
    name, content = draw(st.sampled_from(SOUND_IMAGES))
    return data_call(folder, name, draw(mutated(content)))


def _sound():
    picture, array = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 12)).save(picture, "PNG")
    np.save(array, np.zeros((1, 1, 8, 12)))
    return [("a.png", picture.getvalue()), ("a.nii", nifti((12, 8)) + bytes(96 * 8)), ("a.tif", tiff((8, 12))),
            ("b.tif", tiff((8, 12), compression="zlib"))]


SOUND_IMAGES = _sound()


def index_call(folder, content):
    data = folder / "indexed"
    (data / "images").mkdir(parents=True, exist_ok=True)
    (data / "index.csv").write_bytes(content)
    return ("accuracy", folder / "absent.pt", "--data", data, "--fold", "1")


INDEX = b"file,fold\na.png,1\nb.png,2\n"


@pytest.mark.parametrize("content", [
    b"", b"\0" * 100, b"file,fold\n" + b"x" * 200_000 + b",1", b"file,fold\na.png," + b"9" * 5000, b"\xff\xfe" + INDEX,
    b"file,fold\n../../etc/passwd,1\n", b'"' * 100_000, b"file,fold\n" * 100_000, b"file\n" * 1000, b"a" * (17 << 20),
])
def test_an_odd_index_is_one_sentence(answerer, folder, content):
    check(answerer, folder, *index_call(folder, content))


def index(draw, folder):
    return index_call(folder, draw(mutated(INDEX * draw(st.integers(1, 3)))))


# Command-line values

VALUES = st.sampled_from(["nan", "inf", "-inf", "-1", "0", "1e9", "1e999", "1000000000", "9" * 400, "9" * 5000, "x",
                          "", "1e-320", "65536", "-0.0", "0x10", "\x1b[2J", "٣"])
VALUES |= st.integers().map(str) | st.floats().map(str)


@pytest.mark.parametrize("arguments", [
    ("--images", 10**9), ("--images", 10**400), ("--size", 1, 10**9, 8), ("--size", 1, 8, "9" * 400), ("--fps", "nan"),
    ("--clock-ns", "inf"), ("--data", "x" * 5000), ("--precision", "/dev/zero"), ("--folding", "x" * 5000),
    ("--size", 3, 8, 8), ("--size", 1, 7, 7), ("--float", "."), ("--reports", "/dev/null/reports"),
])
def test_impossible_options_are_one_sentence(answerer, folder, checkpoint, arguments):
    check(answerer, folder, *generate(checkpoint, *arguments))


@pytest.mark.parametrize("model", [".", "..", "/", "", "x" * 5000, "a/" * 3000, "/dev/zero", "/dev/zero.pt",
                                   "/proc/self/mem", "/proc/1/fd/x.pt", "x.onnx", "x" * 5000 + ".onnx",
                                   "\x1b[31m.pt", "a\nb.pt"])
def test_an_impossible_model_is_one_sentence(answerer, folder, model):
    check(answerer, folder, *generate(model))


@pytest.mark.parametrize("call", [
    lambda pipe: generate(pipe), lambda pipe: ("sweep", pipe), lambda pipe: ("compare", pipe),
    lambda pipe: ("train", "--recipe", pipe, "--data", "x", "--name", "x"),
    lambda pipe: ("accuracy", "x", "--data", pipe), lambda pipe: ("tune", pipe, "--data", "x", "--board", "zcu104"),
])
@pytest.mark.parametrize("suffix", [".pt", ".onnx", ".yaml", ".json"])
def test_a_pipe_is_not_waited_for(answerer, folder, tmp_path, call, suffix):
    os.mkfifo(tmp_path / f"pipe{suffix}")
    check(answerer, folder, *call(tmp_path / f"pipe{suffix}"))


@pytest.mark.parametrize("option", ["--data", "--precision", "--folding"])
def test_nor_is_one_that_an_option_names(answerer, folder, checkpoint, tmp_path, option):
    os.mkfifo(tmp_path / "pipe.npy")
    check(answerer, folder, *generate(checkpoint, option, tmp_path / "pipe.npy"))


def numbers(draw, folder):
    options = ["--images", "--fps", "--clock-ns", "--multipliers", "--share", "--latency-us", "--fold"]
    chosen = draw(st.lists(st.sampled_from(options), min_size=1, max_size=3, unique=True))
    size = ["--size", *(draw(VALUES) for _ in range(3))] if draw(st.booleans()) else []
    return generate(folder / "tiny.pt", *(part for name in chosen for part in (name, draw(VALUES))), *size)


KINDS = [state, card, recipe, grid, image, index, numbers]


def survey(answerer, folder, kind, examples):
    """So many hostile inputs of a kind."""
    @settings(max_examples=examples)
    @given(st.data())
    def one(data):
        check(answerer, folder, *kind(data.draw, folder), code=None)

    one()


@pytest.mark.parametrize("kind", KINDS)
def test_some_hostile_inputs(answerer, folder, checkpoint, kind):
    survey(answerer, folder, kind, 5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_three_hundred_hostile_inputs(answerer, folder, checkpoint, kind):
    survey(answerer, folder, kind, 50)


def test_an_index_with_a_byte_order_mark_is_read(answerer, folder):
    # Its fold is found, and then the image's mask is missed.
    output = check(answerer, folder, *index_call(folder, b"\xef\xbb\xbf" + INDEX))
    assert "has no mask" in output


def test_nothing_runs_before_the_data_is_there(answerer, folder, checkpoint, tmp_path):
    output = check(answerer, folder, "generate", checkpoint, "--board", "zcu104", "--data", tmp_path / "nowhere",
                   "--projects", tmp_path / "made")
    assert "has no images" in output
    assert "Export" not in output
    assert not (tmp_path / "made").exists()
