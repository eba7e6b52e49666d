"""Money: `Decimal` yuan with two places inside, a string with two places on the wire."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def yuan(value: str | int | Decimal) -> Decimal:
    """`value` in yuan, rounded half up to two places (`rates` heading)."""
    return Decimal(value).quantize(CENT, rounding=ROUND_HALF_UP)


def wire(value: Decimal) -> str:
    """`400` -> `"400.00"`."""
    return f"{yuan(value):.2f}"
