"""Commands as an operator types them: most in this process, for speed; what serves in one of its own."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from bot import cli
from bot.sandbox.keys import ensure_keys


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of a failure."""
        assert self.code == 1, f"{self.code}: {self.out}{self.err}"
        lines = self.err.strip().splitlines()
        assert lines, self.out
        assert "Traceback" not in self.err
        assert [line.startswith("shebao: ") for line in lines] == [True], self.err
        return lines[0]


Shebao = Callable[..., Ran]


@pytest.fixture(scope="session")
def folder_with_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making keys takes longer than most commands."""
    folder = tmp_path_factory.mktemp("keys")
    ensure_keys(folder)
    return folder


@pytest.fixture
def shebao(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, folder_with_keys: Path
) -> Shebao:
    """Run a command with a data folder of its own; settings as keyword arguments."""
    shutil.copytree(folder_with_keys, tmp_path / "data")
    monkeypatch.setenv("SHEBAO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SHEBAO_PORT", "1")  # where nobody answers
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object, **settings: object) -> Ran:
        capfd.readouterr()
        for name, value in settings.items():
            monkeypatch.setenv(f"SHEBAO_{name.upper()}", str(value))
        monkeypatch.setattr(sys, "argv", ["shebao", *map(str, arguments)])
        code: object = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
            if isinstance(code, str):  # as the interpreter does it
                print(code, file=sys.stderr)
                code = 1
        out, err = capfd.readouterr()
        return Ran(int(code or 0), out, err)  # type: ignore[call-overload]

    return run


def make_database(server: str) -> str:
    """The URL of a new, empty database on `server`."""
    name = f"cli_{uuid4().hex}"

    async def create() -> None:
        connection = await asyncpg.connect(server)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(create())
    return make_url(server).set(database=name).render_as_string(hide_password=False)
