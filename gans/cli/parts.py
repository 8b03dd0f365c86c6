"""How many rows a command draws, and which part of them."""

import re

from gans.errors import UserError, in_range


def needed(n: int | None) -> int:
    """The number of rows.

    Raises:
        UserError: it is not given.
    """
    if n is None:
        raise UserError("n is not set; usage: gans sample run=DIR n=1000 out=FILE")
    return n


def part_of(text: str, n: int) -> tuple[int, int]:
    """First row and end of a part such as 2/8, the second of eight.

    Raises:
        UserError: it has another form, there is no such part, or there are more parts than rows.
    """
    in_range("n", n, 1)
    match = re.fullmatch("([0-9]{1,9})/([0-9]{1,9})", text)
    place, parts = map(int, match.groups()) if match else (0, 0)
    if not 1 <= place <= parts <= n:
        raise UserError(f"part={text}: it must be K/PARTS, as in part=2/8, K from 1 to PARTS, PARTS from 1 to n={n:,}.")
    return n * (place - 1) // parts, n * place // parts
