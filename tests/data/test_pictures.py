"""Images in their published file formats, in folders, and as columns of a table."""

import gzip
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gans.data.codecs.images import FittedImage, brightness
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.data.pictures import CIFAR_CLASSES, Cifar10, Digits, Mnist, Pictures, StackedMnist, image_table
from gans.errors import UserError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (7, 28, 28), np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS)))
    return tmp_path


def pixels(table: pa.Table) -> np.ndarray:
    return table["image"].combine_chunks().to_numpy_ndarray()


def test_mnist_from_its_files_plain_or_zipped(mnist: Path) -> None:
    table = Mnist(root=str(mnist)).read()
    np.testing.assert_array_equal(pixels(table), IMAGES[..., None])
    assert table["digit"].to_pylist() == [str(label) for label in LABELS]
    assert Mnist(root=str(mnist), labels=False).read().column_names == ["image"]


def test_three_digits_are_stacked_with_their_names(mnist: Path) -> None:
    table = StackedMnist(root=str(mnist), rows=20, labels=True).read()
    images = pixels(table)
    assert images.shape == (20, 28, 28, 3)
    for row in range(20):
        for channel, name in enumerate(("first", "second", "third")):
            which = [np.array_equal(images[row, ..., channel], image) for image in IMAGES]
            assert str(LABELS[which.index(True)]) == table[name][row].as_py()


def test_cifar_from_its_binary_files(tmp_path: Path) -> None:
    images, labels = RNG.integers(0, 256, (5, 32, 32, 3), np.uint8), np.array([0, 9, 3, 3, 1], np.uint8)
    records = np.concatenate([labels[:, None], images.transpose(0, 3, 1, 2).reshape(5, -1)], axis=1)
    (tmp_path / "data_batch_1.bin").write_bytes(records[:2].tobytes())
    (tmp_path / "data_batch_2.bin").write_bytes(records[2:].tobytes())
    table = Cifar10(root=str(tmp_path)).read()
    np.testing.assert_array_equal(pixels(table), images)
    assert table["class"].to_pylist() == [CIFAR_CLASSES[label] for label in labels]


def test_a_folder_of_pictures_is_cut_to_squares_and_labelled_by_its_folders(tmp_path: Path) -> None:
    for folder, color in (("cats", (250, 0, 0)), ("dogs", (0, 0, 250))):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (40, 20), color).save(tmp_path / folder / "one.png")
    table = Pictures(root=str(tmp_path), size=8).read()
    assert table["label"].to_pylist() == ["cats", "dogs"]
    assert (pixels(table)[0] == (250, 0, 0)).all()
    (tmp_path / "loose.png").write_bytes((tmp_path / "cats" / "one.png").read_bytes())
    assert Pictures(root=str(tmp_path), size=8).read().column_names == ["image"]
    assert pixels(Pictures(root=str(tmp_path), size=8, channels=1).read()).shape == (3, 8, 8, 1)


def test_the_digits_come_with_scikit_learn() -> None:
    table = Digits().read()
    assert (table.num_rows, pixels(table).shape[1:], int(pixels(table).max())) == (1797, (8, 8, 1), 16)
    assert sorted(set(table["digit"].to_pylist())) == list("0123456789")


def refusals(tmp_path: Path) -> dict[str, tuple[object, str]]:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "train-images-idx3-ubyte").write_bytes(idx(IMAGES)[:-1])
    (tmp_path / "bad" / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (tmp_path / "bad" / "data_batch_1.bin").write_bytes(b"123")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_text("no image")
    (tmp_path / "empty").mkdir()
    return {
        "no folder": (Mnist(root=str(tmp_path / "none")), "no such folder"),
        "not set": (Cifar10(), "data.root is not set"),
        "no files": (Mnist(root=str(tmp_path / "empty")), "no train-images-idx3-ubyte or train-images-idx3-ubyte.gz"),
        "cut off": (Mnist(root=str(tmp_path / "bad")), "not a whole IDX file"),
        "damaged": (Cifar10(root=str(tmp_path / "bad")), "3 bytes, not a multiple of 3073"),
        "no image": (Pictures(root=str(tmp_path / "empty")), "no image there"),
        "no picture": (Pictures(root=str(tmp_path / "broken")), "not a readable image"),
    }


@pytest.mark.parametrize("case", ["no folder", "not set", "no files", "cut off", "damaged", "no image", "no picture"])
def test_what_cannot_be_read_is_said(case: str, tmp_path: Path) -> None:
    source, message = refusals(tmp_path)[case]
    with pytest.raises(UserError, match=re.escape(message)):
        source.read()  # pyright: ignore[reportAttributeAccessIssue]


def images_of(kind: type, rows: int = 6) -> pa.Table:
    values = RNG.integers(0, 256, (rows, 4, 3, 2)).astype(kind)
    column = pa.FixedShapeTensorArray.from_numpy_ndarray(values)
    return pa.table({"name": ["a", "b"] * (rows // 2), "picture": column, "size": RNG.normal(size=rows)})


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_a_column_of_images_goes_through_the_codec_and_back(kind: type, tmp_path: Path) -> None:
    table = normalise(images_of(kind))
    schema = detect(table, {})
    assert [column.name for column in schema.images] == ["picture"]
    assert [column.name for column in schema.features] == ["name", "size"]
    codec = Quantile().fit(table, schema)
    encoded = codec.encode(table)
    assert codec.layout.image == (4, 3, 2)
    assert (codec.layout.numbers, codec.layout.scalars) == (1, 25)
    assert np.abs(encoded.scalars[:, 1:]).max() == 1
    again = codec.decode(encoded)
    assert again.schema.names == table.schema.names
    left, right = (side["picture"].combine_chunks().to_numpy_ndarray() for side in (again, table))
    np.testing.assert_allclose(left, right, atol=0 if kind is np.uint8 else 1e-3)
    assert left.dtype == kind
    pq.write_table(again, tmp_path / "rows.parquet")
    assert pq.read_table(tmp_path / "rows.parquet")["picture"].type == table["picture"].type


def test_scores_beyond_the_bounds_are_cut() -> None:
    table = normalise(images_of(np.uint8))
    (column,) = detect(table, {}).images
    image = FittedImage(column)
    scores = np.full((2, image.pixels), 3.0, np.float32)
    scores[1] = -3
    images = image.decode(scores).to_numpy_ndarray()
    assert (images[0] == column.bounds[1]).all()  # pyright: ignore[reportOptionalSubscript]
    assert (images[1] == column.bounds[0]).all()  # pyright: ignore[reportOptionalSubscript]


def test_images_that_do_not_fit_are_refused() -> None:
    table = normalise(images_of(np.uint8))
    (column,) = detect(table, {}).images
    with pytest.raises(UserError, match="'picture': image"):
        brightness(normalise(images_of(np.float32))["picture"], column)
    dark = image_table(np.zeros((4, 4, 4, 1), np.uint8), {"label": np.array(list("abab"))})
    with pytest.raises(UserError, match="all pixels of all images are 0"):
        detect(normalise(dark), {})
    two = table.append_column("other", table["picture"])
    with pytest.raises(UserError, match="several columns of images"):
        detect(two, {})
    assert detect(two, {}, ["other"]).images[0].name == "picture"
