"""Metadata of sampled rows for catalogues and loaders: Croissant of MLCommons and its responsible-AI terms, as JSON-LD.

http://mlcommons.org/croissant/1.1, http://mlcommons.org/croissant/RAI/1.0
"""

import datetime as dt
import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gans.artefacts import read_json, reading
from gans.data.formats import compression_of, format_of
from gans.data.schema import Column
from gans.evaluation.results import Evaluation
from gans.files import write_text
from gans.findings.guarantee import guarantee_sentences
from gans.findings.model_card import INTENDED, NOT_INTENDED, privacy_summary, untested
from gans.findings.sentence import Sentence
from gans.runs.saved import SavedRun
from gans.runs.versions import versions

CONFORMS = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
CROISSANT_TERMS = (  # appendix 1 of the specification, and below what the loader mlcroissant has beside it
    *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract"),
    *("field", "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath"),
    *("key", "md5", "parentField", "recordSet", "references", "regex", "readLines", "sdVersion", "separator", "source"),
    *("subField", "transform", "unArchive", "value"),
    *("path", "repeated", "replace", "samplingRate"),
)
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {term: f"cr:{term}" for term in CROISSANT_TERMS}
ENCODINGS = {
    "json": "application/jsonlines",
    "parquet": "application/x-parquet",
    "excel": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
COMPRESSIONS = {"gzip": "application/gzip", "zstd": "application/zstd"}
DATA_TYPES = (
    (r"bool", "sc:Boolean"),
    (r"u?int\d+", "sc:Integer"),
    (r"double|float|halffloat|decimal.*", "sc:Float"),
    (r"date.*", "sc:Date"),
    (r"timestamp.*", "sc:DateTime"),
)
BIASES = (
    "Shares and associations of the training table are learned, and with them its biases. Rare groups are drawn less "
    "exactly than frequent ones."
)


def croissant_file(out: Path) -> Path:
    """Where the metadata of a file of rows is written: beside it."""
    return out.with_name(f"{out.name}.croissant.json")


def write_croissant(out: Path, saved: SavedRun, rows: int, drawn: Mapping[str, Any]) -> Path:
    """Describe a file of sampled rows in a file beside it, whose path is given.

    Nothing of the training table is in it but its number of rows and the names and types of its columns.

    Args:
        rows: that the file has.
        drawn: how they were drawn, by the keys of the command.

    Raises:
        UserError: a file of the run is damaged.
    """
    found = describe(out, saved, rows, drawn, dt.datetime.now(dt.UTC).replace(microsecond=0))
    path = croissant_file(out)
    write_text(path, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return path


def describe(out: Path, saved: SavedRun, rows: int, drawn: Mapping[str, Any], when: dt.datetime) -> dict[str, Any]:
    """The metadata as JSON-LD."""
    columns, trained = saved.schema.sampled, saved.summary.get("rows", {}).get("training")
    of_rows = "" if trained is None else f" {trained:,} rows of"
    program = f"gans {versions()['gans']}"
    said = {"run": saved.folder.resolve().name, **drawn}
    how = shlex.join(f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in said.items())
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS),
        "name": f"{saved.run.name} synthetic rows",
        "description": f"{rows:,} synthetic rows of {len(columns)} columns, drawn from a generator ({saved.run.name}) "
        f"that was trained on{of_rows} a table.",
        "version": "1.0.0",
        "dateCreated": when.isoformat(),
        "datePublished": when.date().isoformat(),
        "keywords": ["synthetic data", "tabular data"],
        "isLiveDataset": False,
        "distribution": [_file(out)],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "rows",
                "name": "rows",
                "description": "One record for each synthetic row.",
                "field": [_field(column, out) for column in columns],
            }
        ],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"gans sample {how}",
            "prov:endedAtTime": when.isoformat(),
            "prov:wasAssociatedWith": {"@type": "prov:SoftwareAgent", "prov:label": program},
        },
        "rai:dataCollection": f"Generated by {program}, not collected.",
        "rai:dataCollectionType": "Others",
        "rai:personalSensitiveInformation": _personal(columns, privacy_of(saved)),
        "rai:dataUseCases": INTENDED,
        "rai:dataLimitations": list(NOT_INTENDED),
        "rai:dataBiases": BIASES,
    }


def _file(out: Path) -> dict[str, Any]:
    """The file as a FileObject."""
    kind, compression = format_of(out), compression_of(out)
    text = "text/tab-separated-values" if ".tsv" in out.name.lower() else "text/csv"
    formats = [ENCODINGS.get(kind, text), *([COMPRESSIONS[compression]] if compression else [])]
    with out.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": quote(out.name),
        "name": out.name,
        "contentUrl": quote(out.name),
        "contentSize": f"{out.stat().st_size} B",
        "encodingFormat": formats if compression else formats[0],
        "sha256": digest,
    }


def _field(column: Column, out: Path) -> dict[str, Any]:
    """A column as a Field; images are arrays of pixels."""
    image = re.fullmatch(r"image\[(\w+), (\d+) x (\d+) x (\d+)\]", column.type)
    kind = image[1] if image else column.type
    made_up = ", made up" if column.role == "faked" else ""
    field = {
        "@type": "cr:Field",
        "@id": f"rows/{quote(column.name, safe='')}",
        "name": column.name,
        "description": f"{column.kind}{made_up}{', may be missing' if column.missing else ''}",
        "dataType": next((name for pattern, name in DATA_TYPES if re.fullmatch(pattern, kind)), "sc:Text"),
        "source": {"fileObject": {"@id": quote(out.name)}, "extract": {"column": column.name}},
    }
    return field | ({"isArray": True, "arrayShape": ",".join(image.groups()[1:])} if image else {})


def privacy_of(saved: SavedRun) -> list[Sentence]:
    """What is known of the privacy of a run's rows: its guarantee, the verdict of its evaluation, or that none is."""
    if saved.run.privacy.private:
        with reading(saved.files.privacy, "the ledger of a run"):
            return guarantee_sentences(read_json(saved.files.privacy))[:2]
    if not saved.evaluation or saved.schema.images:
        return [untested()]
    with reading(saved.files.evaluation, "an evaluation"):
        verdict, limits = privacy_summary(Evaluation.of_json(saved.evaluation))
    return [Sentence(verdict.tone, f"Is it safe to share these rows? {verdict.text}"), limits]


def _personal(columns: list[Column], privacy: list[Sentence]) -> list[str]:
    """What the rows hold of personal data, and how private they are."""
    named = [column.name for column in columns if column.personal]
    about = f"Columns of personal data, with values that are generated or made up: {', '.join(named)}." if named else ""
    return [text for text in (about, *(sentence.text for sentence in privacy)) if text]
