import numpy as np
import pytest
from PIL import Image

from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.data.check_images import check_images


def test_phantoms_are_multiples_of_a_256th():
    images = check_images(None, 3, 8, 12, 1)
    assert images.shape == (3, 8, 12, 1)
    assert images.dtype == np.float64
    assert np.array_equal(images * 256, np.round(images * 256))
    assert images.min() >= 0
    assert images.max() <= 255 / 256


def test_png_values_are_read_as_256ths(tmp_path):
    folder = tmp_path / "a b; $x"
    folder.mkdir()
    pixels = np.arange(96, dtype=np.uint8).reshape(8, 12)
    Image.fromarray(pixels).save(folder / "one.png")
    assert np.array_equal(check_images(folder, 4, 8, 12, 1)[0, :, :, 0] * 256, pixels)


def test_images_larger_than_the_network_are_cut_into_tiles(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 24), dtype=np.uint8)
    for name, image in zip("ab", pixels, strict=True):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    tiles = check_images(tmp_path, 3, 8, 12, 1)[..., 0] * 256
    assert np.array_equal(tiles, [pixels[0, :8, :12], pixels[1, :8, 6:18], pixels[0, :8, 6:18]])
    with pytest.raises(QuantUNetError, match=r"16x24.*32x24"):
        check_images(tmp_path, 1, 32, 24, 1)


def test_an_array_is_taken_as_it_is_channels_last(tmp_path):
    values = np.random.default_rng(0).uniform(-1, 2, (3, 2, 4, 6)).astype(np.float32)
    np.save(tmp_path / "images.npy", values)
    for source in (values, tmp_path / "images.npy"):
        assert np.array_equal(check_images(source, 2, 4, 6, 2), values[:2].transpose(0, 2, 3, 1))


def test_every_stage_starts_from_numbers_of_single_precision():
    """Half a step and a little: double precision rounds it up, single precision to even."""
    value = 0.5 / 256 + 1e-12
    images = check_images(np.full((1, 1, 2, 2), value), 1, 2, 2, 1)
    assert np.all(images == np.float64(np.float32(value)))


@pytest.mark.parametrize("array", [
    np.zeros((0, 1, 4, 6)), np.zeros((1, 1, 6, 4)), np.zeros((1, 4, 6)), np.zeros((2, 3, 4, 6)),
    np.full((1, 1, 4, 6), np.nan), np.full((1, 1, 4, 6), np.inf), np.full((1, 1, 4, 6), 1e30),
    np.zeros((1, 1, 4, 6), dtype=complex), np.zeros((1, 1, 4, 6), dtype=bool), np.full((1, 1, 4, 6), "a"),
    np.zeros((1, 1, 4, 6), dtype=[("a", "f4")]), np.full((1, 1, 4, 6), None), np.array(3.0),
])
def test_arrays_that_are_no_images(array, tmp_path):
    with pytest.raises(QuantUNetError, match=r"; save|, where") as caught:
        check_images(array, 1, 4, 6, 1)
    assert "\n" not in str(caught.value)
    np.save(tmp_path / "images.npy", array, allow_pickle=True)
    with pytest.raises(QuantUNetError, match=r"images\.npy"):
        check_images(tmp_path / "images.npy", 1, 4, 6, 1)


def huge_header() -> bytes:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999, 1, 4, 6), }"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"not an array", b"\x93NUMPY\x01\x00\x04\x00{{{{", huge_header()])
def test_files_that_are_no_arrays(data, tmp_path):
    (tmp_path / "images.npy").write_bytes(data)
    with pytest.raises(QuantUNetError, match=r"images\.npy can't be read as a \.npy array of numbers; save it"):
        check_images(tmp_path / "images.npy", 1, 4, 6, 1)


def test_an_archive_under_an_arrays_name(tmp_path):
    np.savez(tmp_path / "images.npz", a=np.zeros((1, 1, 4, 6)))
    (tmp_path / "images.npz").rename(tmp_path / "images.npy")
    with pytest.raises(QuantUNetError, match="archive"):
        check_images(tmp_path / "images.npy", 1, 4, 6, 1)


@pytest.mark.parametrize("count", [0, -1])
def test_no_images_are_asked_for(count):
    with pytest.raises(QuantUNetError, match="at least 1 image"):
        check_images(None, count, 4, 6, 1)


@pytest.mark.parametrize("name", ["gone", "gone.npy", "gone.png"])
def test_nothing_is_there(tmp_path, name):
    with pytest.raises(QuantUNetError, match="gone"):
        check_images(tmp_path / name, 1, 4, 6, 1)
