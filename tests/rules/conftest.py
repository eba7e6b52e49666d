"""The simulated bureau, as in its own tests."""

from tests.bureau.conftest import books, town

__all__ = ["books", "town"]
