"""The pages that people read: links lead somewhere, commands and settings that they name are there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from bot.cli import app
from services.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"`(?:\.venv/bin/)?shebao ([a-z][a-z-]*)(?: ([a-z]+))?")
SETTING = re.compile(r"\bSHEBAO_([A-Z][A-Z0-9_]*[A-Z0-9])\b")
OF_TESTS = {"TEST_FULL", "TEST_POSTGRES_URL", "CRASHPOINT", "AGENT_SECRET"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [target.partition("#")[0] for target in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [target for target in targets if target and "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_every_command_that_is_named_is_there() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for page in PAGES:
        for name, sub in COMMAND.findall(page.read_text(encoding="utf-8")):
            assert name in commands, f"shebao {name} in {page.name}"
            inside = getattr(commands[name], "commands", None)
            assert inside is None or not sub or sub in inside, f"shebao {name} {sub} in {page.name}"


def test_every_setting_that_is_named_is_there() -> None:
    known = {name.upper() for name in Settings.model_fields} | OF_TESTS
    for page in PAGES:
        named = set(SETTING.findall(page.read_text(encoding="utf-8")))
        assert {name for name in named if name not in known} == set(), page.name
