"""How a table may be augmented, checked before anything heavy is imported."""

from gans.errors import UserError, in_range, one_of

BALANCE, GROW = "balance", "grow"


def check_growth(how: str, n: int | None) -> None:
    """Raise UserError where rows cannot be added so."""
    one_of("how", how, (BALANCE, GROW))
    if n is not None:
        if how == BALANCE:
            raise UserError(f"n={n}: it goes with how={GROW}; how={BALANCE} adds as many rows as classes lack.")
        in_range("n", n, 1, 10**8)
