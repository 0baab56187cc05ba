import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.data.image_folders import Samples, Split, names_in, read_images, read_pairs, to_input
from quantunet_hls.data.index_file import kinds_in
from quantunet_hls.data.phantoms import draw_phantoms

DATA = Path(os.environ.get("QUANTUNET_HLS_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def write_folder(folder: Path, samples: Samples, folds: int = 2) -> Path:
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    lines = ["file,class,fold"]
    for index in range(len(samples)):
        pixels = np.moveaxis(samples.images[index], 0, 2).squeeze()
        Image.fromarray(pixels).save(folder / "images" / f"{index:04d}.png")
        Image.fromarray(samples.masks[index] * 255).save(folder / "masks" / f"{index:04d}.png")
        lines.append(f"{index:04d}.png,phantom,{1 + index % folds}")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def phantoms():
    return draw_phantoms(5, 12, 16, seed=3)


@pytest.fixture
def folder(tmp_path, phantoms):
    return write_folder(tmp_path / "a folder; with $(odd) name", phantoms)


def test_what_was_written_is_read(folder, phantoms):
    read = read_pairs(folder)
    assert np.array_equal(read.images, phantoms.images)
    assert np.array_equal(read.masks, phantoms.masks)
    assert np.array_equal(read_images(folder), phantoms.images)
    assert np.array_equal(read_images(folder / "masks"), phantoms.masks[:, None] * 255)
    assert np.array_equal(read_images(folder, limit=2), phantoms.images[:2])
    assert np.array_equal(read_images([folder / "images" / "0003.png"]), phantoms.images[3:4])


def test_colour_images(tmp_path):
    phantoms = draw_phantoms(2, 8, 8, channels=3)
    folder = write_folder(tmp_path / "colour", phantoms)
    assert np.array_equal(read_pairs(folder, channels=3).images, phantoms.images)
    with pytest.raises(DataError, match=r"0000\.png.*'RGB'"):
        read_images(folder)


def test_one_bit_masks(folder, phantoms):
    for index in range(len(phantoms)):
        Image.fromarray(phantoms.masks[index].astype(bool)).save(folder / "masks" / f"{index:04d}.png")
    assert np.array_equal(read_pairs(folder).masks, phantoms.masks)


def test_folds_split_without_overlap(folder):
    first, second = names_in(folder, [1]), names_in(folder, [2])
    assert first == ("0000.png", "0002.png", "0004.png")
    assert second == ("0001.png", "0003.png")
    assert names_in(folder, {1, 2}) == names_in(folder)


def test_the_input_port_takes_v_over_256():
    grey = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(to_input(grey) * 256, torch.arange(256.0).reshape(1, 1, 16, 16))


def test_the_hash_sees_every_pixel_and_the_shape(phantoms):
    changed = phantoms.masks.copy()
    changed[0, 0, 0] ^= 1
    assert Samples(phantoms.images, changed, phantoms.names).sha256() != phantoms.sha256()
    assert Samples(phantoms.images.copy(), phantoms.masks.copy(), phantoms.names).sha256() == phantoms.sha256()


def _no_mask(folder):
    (folder / "masks" / "0002.png").unlink()


def _mask_of_another_size(folder):
    Image.new("L", (16, 11)).save(folder / "masks" / "0002.png")


def _image_of_another_size(folder):
    Image.new("L", (15, 12)).save(folder / "images" / "0002.png")


def _mask_with_other_values(folder):
    pixels = np.zeros((12, 16), np.uint8)
    pixels[3, 4] = 77
    Image.fromarray(pixels).save(folder / "masks" / "0002.png")


def _cut_image(folder):
    file = folder / "images" / "0002.png"
    file.write_bytes(file.read_bytes()[:60])


def _text_for_an_image(folder):
    (folder / "images" / "0002.png").write_text("no picture")


def _empty_file(folder):
    (folder / "images" / "0002.png").write_bytes(b"")


def _altered_image(folder):
    file = folder / "images" / "0002.png"
    content = bytearray(file.read_bytes())
    content[18] ^= 255
    file.write_bytes(content)


def _sixteen_bits(folder):
    Image.fromarray(np.zeros((12, 16), np.uint16)).save(folder / "images" / "0002.png")


def _colour(folder):
    Image.new("RGB", (16, 12)).save(folder / "images" / "0002.png")


def _jpeg_in_disguise(folder):
    Image.new("L", (16, 12)).save(folder / "images" / "0002.png", format="JPEG")


def _folder_for_an_image(folder):
    (folder / "images" / "0002.png").unlink()
    (folder / "images" / "0002.png").mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        _no_mask,
        _mask_of_another_size,
        _image_of_another_size,
        _mask_with_other_values,
        _cut_image,
        _text_for_an_image,
        _empty_file,
        _altered_image,
        _sixteen_bits,
        _colour,
        _jpeg_in_disguise,
        _folder_for_an_image,
    ],
)
def test_a_bad_file_is_named_in_one_line(folder, spoil):
    spoil(folder)
    with pytest.raises(DataError, match=r"0002\.png") as caught:
        read_pairs(folder)
    assert "\n" not in str(caught.value)


def test_the_odd_value_of_a_mask_is_named(folder):
    _mask_with_other_values(folder)
    with pytest.raises(DataError, match="77"):
        read_pairs(folder)


def test_images_must_have_the_size_asked_for(folder):
    with pytest.raises(DataError, match=r"0000\.png is 12x16 .* 16x16"):
        read_images(folder, height=16, width=16)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("file,class,fold\n", "no image in fold 1"),
        ("name,fold\n0000.png,1\n", "columns file and fold"),
        ("file,fold\n0000.png,first\n", "columns file and fold"),
        ("file,fold\n0000.png\n", "columns file and fold"),
        ("file,fold\n../../0000.png,1\n", "no plain file name"),
        ("file,fold\n0000.png,1\n0000.png,2\n", "twice"),
        ("file,fold\n0000.png,2\n", "its folds are 2"),
    ],
)
def test_a_bad_index_is_explained(folder, content, says):
    (folder / "index.csv").write_text(content)
    with pytest.raises(DataError, match=says):
        names_in(folder, [1])


def test_missing_folders_and_files(tmp_path, folder):
    (folder / "index.csv").unlink()
    with pytest.raises(DataError, match=r"index\.csv does not exist"):
        names_in(folder, [1])
    with pytest.raises(DataError, match="no images subfolder"):
        names_in(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has no images"):
        read_images(tmp_path / "nowhere")
    with pytest.raises(DataError, match="does not exist"):
        read_images([tmp_path / "nothing.png"])
    with pytest.raises(DataError, match="No image file"):
        read_images([])
    (tmp_path / "empty" / "images").mkdir(parents=True)
    with pytest.raises(DataError, match="has no PNG, TIFF or NIfTI image"):
        names_in(tmp_path / "empty")


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"channels": 2}])
def test_impossible_requests_are_refused(folder, wrong):
    with pytest.raises(ConfigurationError):
        read_images(folder, **wrong)


def test_samples_must_go_together(phantoms):
    with pytest.raises(DataError, match="do not go with"):
        Samples(phantoms.images, phantoms.masks[:2], phantoms.names)


@pytest.mark.skipif(not (DATA / "brain_tumor_mri").is_dir(), reason="the real images are not on this machine")
def test_real_folds_have_the_published_sizes():
    folder = DATA / "brain_tumor_mri"
    assert len(names_in(folder)) == 2400
    assert not set(names_in(folder, [1, 2, 3])) & set(names_in(folder, [4]))
    some = read_pairs(folder, names_in(folder, [4])[:20], height=128, width=128)
    assert some.images.shape == (20, 1, 128, 128)
    assert 0 < some.masks.mean() < 0.1


def write_volume(file, values):
    if file.name.endswith((".tif", ".tiff")):
        tifffile.imwrite(file, values, photometric="minisblack")
    else:
        nibabel.save(nibabel.Nifti1Image(np.swapaxes(values, 0, 1), np.eye(4)), file)


@pytest.mark.parametrize("suffix", [".tif", ".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_tiff_and_nifti_are_read_in_rows_and_columns(tmp_path, suffix, kind):
    values = np.arange(6, dtype=kind).reshape(2, 3) * 40
    mask = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
    for folder, content in (("images", values), ("masks", mask)):
        (tmp_path / folder).mkdir()
        write_volume(tmp_path / folder / f"slice{suffix}", content)
    samples = read_pairs(tmp_path)
    assert samples.names == (f"slice{suffix}",)
    assert np.array_equal(samples.masks[0], mask)
    # 8-bit values stay; others are stretched from 0 to 200 onto 0 to 255.
    expected = values if kind == np.uint8 else np.rint(values / 200 * 255)
    assert np.array_equal(samples.images[0, 0], expected)


@pytest.mark.parametrize(("suffix", "content"), [
    (".tif", b"II*\0 cut"), (".nii", b"nothing"), (".nii.gz", b"\x1f\x8b cut"), (".tif", np.zeros((3, 4, 5), np.uint8)),
    (".nii", np.zeros((4, 5, 3), np.uint8)), (".tif", np.full((4, 5), np.nan, np.float32)),
])
def test_damaged_volumes_are_one_line_that_names_the_file(tmp_path, suffix, content):
    file = tmp_path / f"slice{suffix}"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        write_volume(file, content)
    with pytest.raises(DataError, match=r"slice\.(tif|nii)") as caught:
        read_images([file])
    assert "\n" not in str(caught.value)


def test_a_label_beyond_the_first_is_refused(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        write_volume(tmp_path / folder / "a.tif", np.array([[0, 1], [2, 0]], np.uint8))
    with pytest.raises(DataError, match="value 2"):
        read_pairs(tmp_path)


def test_slices_are_places_in_the_order_of_names(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("b.png", "a.png", "c.tif"):
        (tmp_path / "images" / name).touch()
    assert Split("slice", (0, 2)).names(tmp_path) == ("a.png", "c.tif")
    with pytest.raises(DataError, match="slice 3; its slices are 0 to 2"):
        Split("slice", (3,)).names(tmp_path)


@pytest.fixture
def kinds(folder):
    """Five images of three kinds, the last one without foreground."""
    (folder / "index.csv").write_text("file,class,fold\n0000.png,pituitary,1\n0001.png,glioma,1\n"
                                      "0002.png,meningioma,2\n0003.png,glioma,2\n0004.png,,2\n")
    Image.new("L", (16, 12)).save(folder / "masks" / "0004.png")
    return folder


def test_the_foreground_is_the_images_kind_where_several_are_told_apart(kinds, phantoms):
    assert kinds_in(kinds) == ("glioma", "meningioma", "pituitary")
    read = read_pairs(kinds, classes=4)
    assert np.array_equal(read.images, phantoms.images)
    for mask, truth, kind in zip(read.masks, phantoms.masks, (3, 1, 2, 1), strict=False):
        assert np.array_equal(mask, truth * kind)
    assert not read.masks[4].any()
    plain = read_pairs(kinds)
    assert plain.masks.max() == 1
    assert np.array_equal(plain.told_apart(2).masks, plain.masks)
    chosen = plain.at([2, 0])
    assert chosen.names == ("0002.png", "0000.png")
    assert np.array_equal(chosen.told_apart(4).masks, read.masks[[2, 0]])
    # A part of the kinds are still the classes that all of them are.
    assert np.array_equal(read_pairs(kinds, ["0002.png"], classes=4).masks, read.masks[2:3])
    assert read.told_apart(4).sha256() == read.sha256() != plain.sha256()


@pytest.mark.parametrize(("index", "classes", "says"), [
    (None, 3, r"has 3 \('glioma', 'meningioma', 'pituitary'\); train one with --classes 3"), (None, 5, "has 3"),
    ("file,fold\n0000.png,1\n", 4, "add the column class"),
    ("file,class\n0000.png,glioma\n", 4, "add the column class"),
    ("file,class\n" + "".join(f"000{place}.png,{kind}\n" for place, kind in enumerate(("a", "b", "", "a", "b"))), 3,
     r"0002\.png has foreground in its mask and no class"),
])
def test_kinds_that_are_not_the_networks_are_refused(kinds, index, classes, says):
    if index is not None:
        (kinds / "index.csv").write_text(index)
    with pytest.raises(DataError, match=says):
        read_pairs(kinds, classes=classes)
