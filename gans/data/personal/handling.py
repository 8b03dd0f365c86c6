"""What is done with a column of personal data: left out, learned in spite of it, or made up in sampled rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from gans.data.personal.finding import PersonalData, find_personal_data
from gans.data.personal.kinds import KINDS, NONE, RARE, label
from gans.errors import UserError, missing_extra, one_of

UNIQUE = 0.9  # share of distinct values above which made-up ones all differ
SAID = ("birth",)  # kinds that are said and learned
MADE_UP = (
    *("email", "phone", "iban", "card", "national_id", "ip", "mac", "url", "name", "first_name", "last_name"),
    *("address", "user_name", "plate"),
)


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How personal data is dealt with.

    Attributes:
        keep: columns that are learned in spite of it.
        fake: columns that get made-up values in sampled rows.
        fake_key: a learned column; rows that are equal in it get the same made-up values.
        fake_locale: of Faker, such as de_DE; "" for what names and values of the columns tell.
        declared: kinds of personal data by column, those of KINDS, or none.
    """

    keep: Sequence[str] = ()
    fake: Sequence[str] = ()
    fake_key: str = ""
    fake_locale: str = ""
    declared: Mapping[str, str] = field(default_factory=dict)

    def named(self) -> dict[str, Sequence[str]]:
        """The columns that each key names."""
        key = [self.fake_key] if self.fake_key else []
        return {"data.keep": self.keep, "data.fake": self.fake, "data.fake_key": key, "data.personal": [*self.declared]}

    def check(self, drop: Sequence[str]) -> None:
        """Raise UserError where the keys contradict each other, or Faker is needed and not installed."""
        for name, kind in self.declared.items():
            one_of(f"data.personal.{name}", kind, (*KINDS, NONE))
        named = {"data.drop": drop, "data.keep": self.keep, "data.fake": self.fake}
        for name in (*self.keep, *self.fake):
            keys = [key for key, names in named.items() if name in names]
            if len(keys) > 1:
                raise UserError(f"{keys[0]} and {keys[1]} both name column '{name}'; allowed is one of them.")
        if self.fake_key and not self.fake:
            raise UserError(f"data.fake_key={self.fake_key}: it goes with data.fake=[COLUMN], which is not set.")
        if self.fake:
            check_faker(self.fake_locale)

    def changes(
        self, name: str, array: pa.ChunkedArray, levels: int, left_out: str, fixed: bool = False
    ) -> dict[str, Any]:
        """The fields of a column of the schema that change.

        Args:
            array: its values.
            levels: distinct ones; 0 where it is left out anyway: data.drop, or a type that cannot be learned.
            left_out: why it is left out without personal data, as an id or free text; "" where it is not.
            fixed: whether the user fixed its kind, so that rare levels are wanted.

        Raises:
            UserError: it cannot be kept, or not be made up.
        """
        keeps = name in self.keep
        if not levels:
            if keeps:
                raise UserError(f"data.keep: column '{name}' cannot be kept: {left_out}.")
            return {}
        found = self._personal_data(name, array.drop_null(), levels)
        hidden = {"bounds": None, "decimals": None}  # a stored schema holds no value of such a column
        if name in self.fake:
            fake = self._made_up(name, found, array, levels)
            why = "its values are made up in sampled rows, data.fake names it"
            return hidden | {"role": "faked", "personal": fake["kind"], "fake": fake, "reason": why}
        if keeps and (left_out or found):
            return {"role": "feature", "personal": found.kind if found else RARE, "reason": ""}
        if found is None or (found.kind == RARE and (fixed or left_out)):
            return {}
        if found.kind in SAID:
            return {"personal": found.kind}
        return hidden | {"role": "dropped", "personal": found.kind, "reason": reason(name, found)}

    def _personal_data(self, name: str, valid: pa.ChunkedArray, levels: int) -> PersonalData | None:
        """The personal data of a column, as it was declared or else as it is found."""
        found = find_personal_data(name, valid, levels)
        declared = self.declared.get(name, "")
        if declared == NONE:
            return None
        if declared and (found is None or found.kind != declared):
            return PersonalData(declared, found.locale if found else "")
        return found

    def _made_up(self, name: str, found: PersonalData | None, array: pa.ChunkedArray, levels: int) -> dict[str, Any]:
        """How values of a column are made up, as it is stored.

        Raises:
            UserError: it holds no personal data, or such as cannot be made up.
        """
        kind = found.kind if found else NONE
        if found is None or kind not in MADE_UP:
            what = "no personal data" if found is None else label(kind)
            raise UserError(
                f"data.fake: column '{name}' is found to hold {what}; say what it holds by data.personal.{name}=KIND, "
                f"of {', '.join(MADE_UP)}."
            )
        number = pa.types.is_integer(array.type)
        if not (number or pa.types.is_string(array.type)):
            held = f"values of type {array.type}"
            raise UserError(f"data.fake: column '{name}' holds {held}; allowed are text and whole numbers.")
        valid = len(array) - array.null_count
        return {
            "kind": kind,
            "locale": self.fake_locale or found.locale or "en_US",
            "levels": 0 if levels > UNIQUE * valid else levels,
            "missing": array.null_count / len(array),
            "key": self.fake_key,
        }


def reason(name: str, found: PersonalData) -> str:
    """Why a column is left out, and by which key it is not."""
    if found.kind == RARE:
        return f"nearly unique text: {found.detail} (data.keep=[{name}] keeps it)"
    what = label(found.kind) + (f", {found.detail}" if found.detail else "")
    fake = f", data.fake=[{name}] makes it up" if found.kind in MADE_UP else ""
    return f"personal data: {what} (data.keep=[{name}] keeps it{fake})"


def check_faker(locale: str) -> None:
    """Raise UserError unless Faker is installed and knows a locale."""
    try:
        from faker.config import AVAILABLE_LOCALES
    except ImportError:
        raise missing_extra("data.fake", "fake") from None
    if locale:
        one_of("data.fake_locale", locale, sorted(AVAILABLE_LOCALES))
