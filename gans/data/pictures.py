"""Images as tables: a column of images, and one or more of labels."""

import gzip
import math
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from gans.artefacts import allowed, check_bytes, read_bytes
from gans.data.base import Source
from gans.data.mixtures import read_image
from gans.errors import UserError, in_range, one_of
from gans.registry import register

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR_BYTES = 1 + 3 * 32 * 32
PARTS = ("train", "test")


def image_table(images: np.ndarray, labels: dict[str, np.ndarray]) -> pa.Table:
    """A table of images [rows, height, width, channels] of bytes, with columns of labels [rows] as text."""
    column = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(images))
    return pa.table({"image": column, **{name: pa.array(values.astype(str)) for name, values in labels.items()}})


@dataclass(kw_only=True)
class Images(Source):
    """Images with labels.

    Attributes:
        labels: whether columns of labels are read beside the images.
    """

    relations: list[str] = field(default_factory=list)
    labels: bool = True

    def images(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images [rows, height, width, channels] of bytes, and labels [rows] by name.

        Raises:
            UserError: they cannot be read.
        """
        raise NotImplementedError(f"{type(self).__name__} reads no images")

    def read(self) -> pa.Table:
        """The table."""
        images, labels = self.images()
        return image_table(images, labels if self.labels else {})


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images [1797, 8, 8, 1] in [0, 1], and their classes [1797]."""
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    return (data.images[..., None] / 16).astype(np.float32), data.target.astype(np.int32)


@register("data", "digits")
@dataclass(kw_only=True)
class Digits(Images):
    """1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn (Alpaydin & Kaynak 1998, UCI)."""

    self_contained: ClassVar[bool] = True

    holdout: float = 0.2

    def images(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images [1797, 8, 8, 1], pixels from 0 to 16."""
        images, classes = digits()
        return np.rint(images * 16).astype(np.uint8), {"digit": classes}


@register("data", "pictures")
@dataclass(kw_only=True)
class Pictures(Images):
    """A folder of image files; the label of an image is the name of the folder below `root` that it lies in, if any.

    Attributes:
        root: the folder.
        size: height and width to which images are brought, cut to a square about their middle first.
        channels: 3 for colours, 1 for grey.
    """

    root: str | None = None
    size: int = 32
    channels: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.size", self.size, 8)
        if self.channels not in (1, 3):
            raise UserError(f"data.channels={self.channels}: allowed are 1 and 3.")

    def images(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images [files, size, size, channels], in the order of their paths."""
        from PIL import Image

        root = _folder(self.root, "images")
        files = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        if not files:
            raise UserError(f"data.root={root}: no image there; allowed are {', '.join(SUFFIXES)} files.")
        check_bytes(f"data.root={root}, data.size={self.size}", len(files) * self.size**2 * self.channels)
        out = np.zeros((len(files), self.size, self.size, self.channels), np.uint8)
        for place, path in enumerate(files):
            whole = read_image(path, "data.root", self.channels)
            side = min(whole.shape[:2])
            top, left = ((length - side) // 2 for length in whole.shape[:2])
            square = Image.fromarray(whole[top : top + side, left : left + side].squeeze())
            out[place] = np.asarray(square.resize((self.size, self.size))).reshape(self.size, self.size, -1)
        folders = np.array([path.relative_to(root).parts[0] if path.parent != root else "" for path in files])
        return out, {"label": folders} if (folders != "").all() else {}


@register("data", "mnist")
@dataclass(kw_only=True)
class Mnist(Images):
    """MNIST, or another set in its file format, from a folder: train-images-idx3-ubyte and so on, or their .gz.

    LeCun et al. 1998, and Xiao et al. 2017 (Fashion-MNIST, arXiv:1708.07747).

    Attributes:
        root: the folder.
        part: train or test.
    """

    root: str | None = None
    part: str = "train"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("data.part", self.part, PARTS)

    def images(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images [rows, 28, 28, 1]."""
        root, stem = _folder(self.root, "MNIST's files"), "train" if self.part == "train" else "t10k"
        images = read_idx(root, f"{stem}-images-idx3-ubyte")[..., None]
        classes = read_idx(root, f"{stem}-labels-idx1-ubyte")
        if images.ndim != 4 or classes.shape != images.shape[:1]:
            raise UserError(f"data.root={root}: {len(images)} images {images.shape[1:]} and {len(classes)} labels.")
        return images, {"digit": classes}


@register("data", "stacked_mnist")
@dataclass(kw_only=True)
class StackedMnist(Mnist):
    """Three random digits of MNIST as the colours of one image: 1,000 modes (Metz et al. 2016, arXiv:1611.02163).

    Attributes:
        rows: images, drawn by split_seed.
    """

    labels: bool = False
    rows: int = 128_000

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.rows", self.rows, 4)

    def images(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images [rows, 28, 28, 3], and the digit of each channel."""
        images, labels = super().images()
        drawn = np.random.default_rng(self.split_seed).integers(0, len(images), (self.rows, 3))
        stacked = np.moveaxis(images[drawn, ..., 0], 1, -1)
        names = ("first", "second", "third")
        return stacked, {name: labels["digit"][drawn[:, place]] for place, name in enumerate(names)}


@register("data", "cifar10")
@dataclass(kw_only=True)
class Cifar10(Images):
    """CIFAR-10 (Krizhevsky 2009) from a folder of its binary version: data_batch_1.bin and so on, test_batch.bin.

    Attributes:
        root: the folder.
        part: train or test.
    """

    root: str | None = None
    part: str = "train"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("data.part", self.part, PARTS)

    def images(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images [rows, 32, 32, 3]."""
        root = _folder(self.root, "CIFAR-10's binary files")
        pattern = "data_batch_*.bin" if self.part == "train" else "test_batch.bin"
        files = sorted(root.glob(pattern))
        if not files:
            raise UserError(f"data.root={root}: no {pattern} there (the binary version of CIFAR-10).")
        parts = []
        check_bytes(f"data.root={root}", sum(path.stat().st_size for path in files))
        for path in files:
            content = np.fromfile(path, np.uint8)
            if not len(content) or len(content) % CIFAR_BYTES:
                raise UserError(f"{path}: {len(content)} bytes, not a multiple of {CIFAR_BYTES}; it is damaged.")
            parts.append(content.reshape(-1, CIFAR_BYTES))
        records = np.concatenate(parts)
        if records[:, 0].max() >= len(CIFAR_CLASSES):
            raise UserError(f"data.root={root}: a label is {records[:, 0].max()}; allowed are 0 to 9.")
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return images, {"class": np.array(CIFAR_CLASSES)[records[:, 0]]}


def read_idx(root: Path, name: str) -> np.ndarray:
    """An array of bytes in the IDX format: two zeros, 8 for bytes, the rank, sides as big-endian int32, the content.

    Raises:
        UserError: neither NAME nor NAME.gz is there, or it is damaged.
    """
    path = next((path for path in (root / name, root / f"{name}.gz") if path.is_file()), None)
    if path is None:
        raise UserError(f"data.root={root}: no {name} or {name}.gz there.")
    try:
        content = _unpacked(path) if path.suffix == ".gz" else read_bytes(path)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: it cannot be read ({error}).") from None
    rank = content[3] if content[:3] == b"\x00\x00\x08" and len(content) > 3 else 0
    head = 4 + 4 * rank
    sides = np.frombuffer(content[4:head], ">i4").tolist() if rank and len(content) >= head else []
    if not sides or math.prod(sides) != len(content) - head:
        raise UserError(f"{path}: not a whole IDX file of bytes.")
    return np.frombuffer(content, np.uint8, offset=head).reshape(sides)


def _unpacked(path: Path) -> bytes:
    """The content of a .gz file, of which not more than is allowed is unpacked."""
    most = allowed()
    with gzip.open(path) as file:
        content = file.read(most + 1)
    check_bytes(path, len(content))
    return content


def _folder(root: str | None, what: str) -> Path:
    if root is None:
        raise UserError(f"data.root is not set: set it to the folder of {what}.")
    path = Path(root).expanduser()
    if not path.is_dir():
        raise UserError(f"data.root={root}: no such folder.")
    return path
