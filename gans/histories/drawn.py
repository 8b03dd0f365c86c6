"""Customers and what they did, as a run of histories draws them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass
class Drawn:
    """Some customers and what they did.

    Attributes:
        customers: key `customer`, attributes; of each log how many events, first and last day, and sums, all counted
            from the events.
        logs: by name their rows: `customer`, a key of events, `time`, columns.
    """

    customers: pa.Table
    logs: dict[str, pa.Table]

    def renumbered(self, places: np.ndarray, keys: np.ndarray, event_keys: Mapping[str, tuple[str, int]]) -> "Drawn":
        """Some of the customers, under other keys.

        Args:
            places: of these customers, ascending.
            keys: of each of them, ascending.
            event_keys: by log the column that holds the keys of its events, and how many of the last digits of these
                are the event's own; those before them are the customer's key.
        """
        old = self.customers["customer"].to_numpy()
        new = np.zeros(len(old), np.int64)
        new[places] = keys
        customers, logs = self.customers.take(pa.array(places)), {}
        for name, log in self.logs.items():
            of = new[np.searchsorted(old, log["customer"].to_numpy())]
            log, of = log.filter(pa.array(of > 0)), of[of > 0]
            log = log.set_column(log.column_names.index("customer"), "customer", pa.array(of))
            if name in event_keys:
                key, digits = event_keys[name]
                own = of * 10**digits + log[key].to_numpy() % 10**digits
                log = log.set_column(log.column_names.index(key), key, pa.array(own))
            logs[name] = log
        return Drawn(customers.set_column(0, "customer", pa.array(keys)), logs)

    @classmethod
    def joined(cls, parts: list["Drawn"]) -> "Drawn":
        """The customers of several draws by their keys, with what they did."""
        tables = [pa.concat_tables([part.customers for part in parts])]
        tables += [pa.concat_tables([part.logs[name] for part in parts]) for name in parts[0].logs]
        ordered = [one.take(pa.array(np.argsort(one["customer"].to_numpy(), kind="stable"))) for one in tables]
        return cls(ordered[0], dict(zip(parts[0].logs, ordered[1:], strict=True)))
