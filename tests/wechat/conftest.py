import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.keys import ensure_keys
from tests.wechat.town import Follower, Town, make_store, open_town


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys and an empty store: making them is slow."""
    folder = tmp_path_factory.mktemp("wechat")
    ensure_keys(folder)
    make_store(folder)
    return folder


@pytest.fixture
def folder(new_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(new_folder, tmp_path / "data"))


@pytest.fixture
async def town(folder: Path) -> AsyncIterator[Town]:
    async with open_town(folder) as opened:
        yield opened


@pytest.fixture
def somebody(town: Town) -> Follower:
    return town.follower()
