"""Random identifiers: never a sequence, so that a restored backup cannot hand one out twice."""

import secrets

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def random_code(length: int) -> str:
    """`length` Crockford base32 characters, five random bits each."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(length))


def new_id(prefix: str = "") -> str:
    """An internal id: prefix and 26 characters (130 random bits)."""
    return prefix + random_code(26)


def order_number(prefix: str) -> str:
    """An `out_trade_no`: the deployment's letter prefix and 20 characters, at most 32 in all.

    The letters keep it from ever looking like an ID number (`reliability` 5.3.2).
    """
    return prefix + random_code(20)
