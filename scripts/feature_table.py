"""Write the table of features into docs/events.md: `python scripts/feature_table.py`."""

import logging
import sys
from pathlib import Path

from gans.data.customer_profiles import Profiles

PAGE = Path(__file__).parents[1] / "docs" / "events.md"
BEGIN, END = "<!-- features: begin -->\n", "<!-- features: end -->\n"
LOGS = {"lines": "orders", "baskets": "orders", "sent_back": "orders", "sessions": "views", "actions": "social"}
TIME = "timestamp '2024-01-01' as time"
# two levels, of which one has a share of its own
ORDERS = " union all ".join(
    f"select 1 as customer, {TIME}, {amount} as amount, 0 as discount, '{level}' as category, '{level}' as channel"
    for level, amount in (("LEVEL", 2), ("rare", 1))
)


def feature_table() -> str:
    """Markdown: every feature of a log that has all columns, its unit, and what a missing value means."""
    logging.getLogger("gans").setLevel(logging.WARNING)
    views, social = f"select 1 as customer, {TIME}", f"select 1 as customer, {TIME}, 'like' as action"
    _, features = Profiles(orders=ORDERS, views=views, social=social, levels=1).profiles()
    lines = ["| column | from | what | unit | a missing value means |", "|---|---|---|---|---|"]
    for feature in features:
        source = LOGS.get(feature.view, {"conversion": "orders, views"}.get(feature.name, "any"))
        needs = "".join(f" with {column}" for column in feature.needs)
        missing = "never missing" if feature.missing == "never" else feature.missing
        cells = (f"`{feature.name.replace('level', 'LEVEL')}`", source + needs, feature.text, feature.unit, missing)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def updated(page: str) -> str:
    """The page with the table of today."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{feature_table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE, file=sys.stderr)
