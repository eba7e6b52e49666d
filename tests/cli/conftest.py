"""Commands as an operator types them: most in this process, for speed; what serves in one of its own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import cli


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


@pytest.fixture
def shebao(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Shebao:
    """Run a command with a data folder of its own; settings as keyword arguments."""
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
