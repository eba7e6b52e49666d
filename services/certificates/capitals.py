"""Amounts in words, as they stand on Chinese vouchers (`certificates` 5)."""

from decimal import Decimal

import cn2an

from services.domain.money import yuan


def in_words(amount: Decimal) -> str:
    """`400` -> `人民币肆佰元整`; refunds are `人民币负…`; without fen it ends in 整."""
    amount = yuan(amount)
    words: str = cn2an.an2cn(f"{abs(amount):.2f}", "rmb")
    whole = "" if words.endswith(("整", "分")) else "整"
    return f"人民币{'负' if amount < 0 else ''}{words}{whole}"
