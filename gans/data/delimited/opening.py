"""From bytes to plain text in UTF-8: compression, encoding and line ends are seen, not believed."""

import bz2
import codecs
import gzip
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gans.errors import UserError
from gans.files import temporary_folder

BLOCK = 1 << 22
MARKS = {  # byte order marks, the longer first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}


@dataclass
class PlainText:
    """A text file that a parser can read as it is.

    Attributes:
        path: the file itself, or a temporary copy in UTF-8.
        lines: of the file; an unfinished last one counts.
        notes: what was done, for people.
    """

    path: Path
    lines: int
    notes: list[str]


@contextmanager
def plain_text(path: Path, key: str, encoding: str | None) -> Iterator[PlainText]:
    """The text of a file as UTF-8 without a mark, uncompressed, with one kind of line end.

    Args:
        key: what the file is called in messages, as in `data.path=FILE`.

    Raises:
        UserError: bytes that are no text in the encoding, a NUL character, a damaged archive; with the line.
    """
    notes: list[str] = []
    with path.open("rb") as file:
        start = file.read(6)
    compression = next((name for magic, name in COMPRESSED.items() if start.startswith(magic)), None)
    if compression:
        notes.append(f"compressed by {compression}")
    with temporary_folder("gans-text-") as folder:
        source = path
        if compression:
            source = Path(folder) / "plain"
            _decompress(path, source, compression, key)
        with source.open("rb") as file:
            head = file.read(4)
        marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
        used = encoding or marked or "utf-8"
        if used.lower() not in ("utf-8", "utf8"):
            notes.append(f"in {used.removesuffix('-sig')}")
        scan = _scan(source, used, key)
        if scan.mixed:
            notes.append("its line ends are of two kinds and were read as one")
        if scan.mixed or used.lower() not in ("utf-8", "utf8"):
            copy = Path(folder) / "utf-8"
            _recode(source, copy, used, scan.mixed)
            source = copy
        yield PlainText(source, scan.lines, notes)


def _decompress(path: Path, out: Path, compression: str, key: str) -> None:
    """Unpack, at most into half of the disk that is free."""
    most = shutil.disk_usage(out.parent).free // 2
    try:
        with _unpacked(path, compression, key) as file, out.open("wb") as to:
            done = 0
            while block := file.read(BLOCK):
                done += len(block)
                if done > most:
                    raise UserError(
                        f"{key}: unpacked it is larger than half of the free disk ({most / 2**30:.1f} GiB)."
                    )
                to.write(block)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise UserError(f"{key}: not a readable {compression} file ({' '.join(str(error).split())[:120]}).") from None


@contextmanager
def _unpacked(path: Path, compression: str, key: str) -> Iterator[Any]:
    if compression == "zip":
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
            if "[Content_Types].xml" in names:
                raise UserError(f"{key}: it is an Excel workbook; name it .xlsx.")
            if len(names) != 1:
                raise UserError(f"{key}: the archive contains {len(names)} files; one is needed.")
            with archive.open(names[0]) as file:
                yield file
    elif compression == "zstd":
        import pyarrow as pa

        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as file:
            yield file
    else:
        opener: Any = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}[compression]
        with opener(path, "rb") as file:
            yield file


@dataclass
class _Scan:
    lines: int
    mixed: bool


def _scan(path: Path, encoding: str, key: str) -> _Scan:
    """Decode all of it once: the number of lines, and whether line ends are of two kinds."""
    decoder = codecs.getincrementaldecoder(encoding)()
    feeds, returns, both, last = 0, 0, 0, ""
    with path.open("rb") as file:
        while True:
            block = file.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except (UnicodeDecodeError, UnicodeError):
                raise UserError(_undecodable(path, encoding, key)) from None
            if "\0" in text:
                before = text[: text.index("\0")]
                line = _ends(before, feeds, returns, both, last) + 1
                raise UserError(
                    f"{key}: line {line:,} holds a NUL character, which no text has; the file is damaged, or its "
                    "encoding is another (data.encoding=utf-16-le)."
                )
            both += text.count("\r\n") + (last == "\r" and text.startswith("\n"))
            feeds, returns = feeds + text.count("\n"), returns + text.count("\r")
            last = text[-1:] or last
            if not block:
                break
    alone = (feeds - both, returns - both)  # \n alone, \r alone
    kinds = sum(count > 0 for count in (both, *alone))
    return _Scan(both + sum(alone) + (last not in ("", "\n", "\r")), kinds > 1)


def _ends(text: str, feeds: int, returns: int, both: int, last: str) -> int:
    """Line ends up to the end of `text`, behind those that were counted before."""
    pairs = text.count("\r\n") + (last == "\r" and text.startswith("\n"))
    return feeds + returns - both + text.count("\n") + text.count("\r") - pairs


def _undecodable(path: Path, encoding: str, key: str) -> str:
    """Which line is not valid in this encoding, and how it would read in a common one."""
    if encoding.lower().startswith(("utf-16", "utf-32")):  # lines cannot be told in its bytes
        return (
            f"{key}: it is not valid {encoding}; the file is damaged, or has another encoding, such as "
            "data.encoding=utf-16-le."
        )
    with path.open("rb") as file:
        number, raw = next(
            (number, line) for number, line in enumerate(_lines(file), 1) if _reason(line, encoding) is not None
        )
    shown = raw.decode("cp1252", errors="replace").strip()[:60]
    return (
        f"{key}: line {number:,} is not valid {encoding} ({_reason(raw, encoding)}); in cp1252 it reads {shown!r}. "
        "Set data.encoding, as in data.encoding=cp1252, or save the file as UTF-8."
    )


def _lines(file: BinaryIO) -> Iterator[bytes]:
    yield from file
    yield b"\xff\xfe\xff"  # where only the end is missing


def _reason(line: bytes, encoding: str) -> str | None:
    try:
        line.decode(encoding)
    except UnicodeDecodeError as error:
        return f"byte 0x{line[error.start]:02X}"
    except UnicodeError as error:
        return str(error)
    return None


def _recode(path: Path, out: Path, encoding: str, mixed: bool) -> None:
    with (
        path.open(encoding=encoding, newline=None if mixed else "") as file,
        out.open("w", encoding="utf-8", newline="") as to,
    ):
        shutil.copyfileobj(file, to, BLOCK)
