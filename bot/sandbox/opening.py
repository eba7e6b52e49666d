"""The sandbox's books before anybody is served: made, and filled with residents."""

from pathlib import Path

from bot.sandbox import residents
from bot.sandbox.books import Books
from services.adapters.clock import SandboxClock, make_clock
from services.settings import Settings


def open_books(settings: Settings) -> Books:
    """The sandbox's books; `await books.open()` before use."""
    clock = make_clock(settings)
    if not isinstance(clock, SandboxClock):
        raise TypeError("the sandbox needs its own clock")
    return Books(settings.data_dir, clock)


async def prepare(settings: Settings) -> None:
    """Make the books and load the shipped residents, before the first worker starts."""
    books = open_books(settings)
    await books.open()
    try:
        await residents.load_shipped(books)
    finally:
        await books.close()


async def load_residents(settings: Settings, file: Path) -> int:
    """Add or replace the residents of `file`; how many. `ValueError` in one line if the file is bad."""
    books = open_books(settings)
    await books.open()
    try:
        return await residents.load_file(books, file)
    finally:
        await books.close()
