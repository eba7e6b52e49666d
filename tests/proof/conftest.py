"""The quick stores of the payment tests."""

from tests.payment.conftest import database, impatient, made

__all__ = ["database", "impatient", "made"]
