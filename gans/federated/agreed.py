"""What was agreed on, as files that the server sends and each site reads: a run directory without a generator."""

import dataclasses
import hashlib
import io
import json
import re
import secrets
import zipfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gans.artefacts import read_json, read_npz, reading
from gans.config.components import component_name
from gans.config.run import Run
from gans.data.domain import Domain
from gans.errors import UserError
from gans.federated.proximal import pulled
from gans.federated.settings import Federation
from gans.files import write_atomic, write_text
from gans.privacy.dp_sgd import PrivateGradients
from gans.runs.files import RunFiles
from gans.runs.saved import SavedRun
from gans.sampling.sampler import Sampler
from gans.training.step import GAN

MOST_BYTES = 2**28


class Agreed:
    """The schema, codec and condition that sites share, the run's settings and those of the federation."""

    def __init__(self, folder: Path) -> None:
        self.files = RunFiles(folder)
        self.saved = SavedRun.open(folder, "agreement")
        with reading(self.files.federated, "the settings of a federated run"):
            stored = read_json(self.files.federated)
            self.federation = Federation(**stored["federated"])
            self.rare = {str(name): str(level) for name, level in stored["rare"].items()}
            self.token = str(stored["token"])
        if not re.fullmatch("[0-9a-f]{16}", self.token):
            raise UserError(f"{self.files.federated}: token={self.token[:40]!r}: 16 hexadecimal digits are needed.")

    @cached_property
    def digest(self) -> str:
        """Of the run, the schema and the codec: what is a site's own belongs to a run with this one."""
        content = self.files.schema.read_bytes() + self.files.codec.read_bytes() + self.token.encode()
        return hashlib.sha256(content).hexdigest()

    @property
    def private(self) -> bool:
        """Whether sites look at their rows through ledgers only."""
        return self.run.privacy.private

    @property
    def plan(self) -> PrivateGradients:
        """What a private run spends on what.

        Raises:
            UserError: it is private in a way that is none of sites that train together, or not at all.
        """
        if not isinstance(plan := self.run.privacy, PrivateGradients):
            raise UserError(f"privacy={component_name('privacy', type(plan))}: sites that train together take dp.")
        return plan

    @cached_property
    def domain(self) -> Domain:
        """The declared columns of a private run."""
        return Domain.read(self.files.domain)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        """Whether it is of the same run."""
        return isinstance(other, Agreed) and self.digest == other.digest

    @cached_property
    def terms(self) -> dict[str, dict[str, np.ndarray]]:
        """By term what it knows of the columns of all sites, in whose units each site counts its costs."""
        out: dict[str, dict[str, np.ndarray]] = {}
        with reading(self.files.terms, "what terms know of a federated run"):
            for path, array in read_npz(self.files.terms).items():
                name, _, key = path.partition("/")
                out.setdefault(name, {})[key] = array
        return out

    @property
    def run(self) -> Run:
        """The settings of the run; what they say of data is the server's."""
        return self.saved.run

    @cached_property
    def gan(self) -> GAN:
        """Its parts, with the optimisers of the strategy."""
        gan, federation = self.saved.gan, self.federation
        if federation.strategy != "fedprox":
            return gan
        return dataclasses.replace(
            gan,
            generator_optimizer=pulled(gan.generator_optimizer, federation.proximal),
            discriminator_optimizer=pulled(gan.discriminator_optimizer, federation.proximal),
        )

    @cached_property
    def sampler(self) -> Sampler:
        """A sampler without parameters."""
        return self.saved.blank_sampler

    def packed(self) -> bytes:
        """The files, as they are sent."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in self._paths(self.files, self.private):
                packed.writestr(str(path.relative_to(self.files.folder)), path.read_bytes())
        return out.getvalue()

    @classmethod
    def unpack(cls, sent: bytes, folder: Path) -> "Agreed":
        """Write what was sent into a folder, and read it.

        Raises:
            UserError: it is no agreement.
        """
        files = RunFiles(folder)
        files.checkpoints.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(io.BytesIO(sent)) as packed:
                if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
                    raise UserError(f"the server sent an agreement of more than {MOST_BYTES:,} bytes.")
                names = packed.namelist()
                for path in cls._paths(files, files.domain.name in names):  # these names and no others
                    content = packed.read(str(path.relative_to(folder)))
                    write_atomic(path, lambda temporary, content=content: temporary.write_bytes(content))
        except (zipfile.BadZipFile, KeyError) as error:
            raise UserError(f"the server sent no agreement ({error}).") from None
        return cls(folder)

    @staticmethod
    def _paths(files: RunFiles, private: bool) -> list[Path]:
        learned = [files.codec, files.condition, files.marginals, files.terms]
        return [files.config, files.schema, files.federated, *learned, *[files.domain] * private]


def write_terms(files: RunFiles, terms: Mapping[str, Any]) -> None:
    """Write what terms know of the columns of all sites."""
    arrays: Any = {f"{name}/{key}": array for name, known in terms.items() if known for key, array in known.items()}
    write_atomic(files.terms, lambda temporary: np.savez(temporary, **arrays))


def new_token() -> str:
    """What a run is known by at its sites."""
    return secrets.token_hex(8)


def write_settings(files: RunFiles, federation: Federation, rare: dict[str, str], sites: list[str], token: str) -> None:
    """Write the settings of a federated run, the rare levels, the sites that agreed, and what it is known by."""
    stored = {"federated": dataclasses.asdict(federation), "rare": rare, "sites": sites, "token": token}
    write_text(files.federated, json.dumps(stored, indent=1, ensure_ascii=False) + "\n")
