"""Nobody waits long, as in the payment tests."""

from tests.payment.conftest import impatient

__all__ = ["impatient"]
