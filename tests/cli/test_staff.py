"""Staff at a terminal: who there is, who may do what, and the audit trail that tells it."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Shebao


def add(shebao: Shebao, name: str, role: str) -> str:
    ran = shebao("agents", "add", name, "--role", role)
    assert ran.code == 0, ran.err
    return ran.out.strip().rpartition("secret: ")[2]


def test_somebody_is_added_listed_disabled_and_let_in_again(shebao: Shebao) -> None:
    first = add(shebao, "anna", "supervisor")
    assert len(first) == 24
    assert "somebody of this name" in shebao("agents", "add", "anna", "--role", "agent").line
    assert "anna  supervisor  active" in shebao("agents", "list").out
    assert shebao("agents", "disable", "anna").code == 0
    assert "disabled already" in shebao("agents", "disable", "anna").line
    assert "disabled 20" in shebao("agents", "list").out
    assert add(shebao, "anna", "auditor") != first
    assert "anna  auditor  active" in shebao("agents", "list").out


def test_the_secret_is_needed_and_not_kept(shebao: Shebao, tmp_path: Path) -> None:
    secret = add(shebao, "anna", "supervisor")
    assert shebao("refunds", "list", "--as", "anna", agent_secret=secret).code == 0
    assert "wrong secret" in shebao("refunds", "list", "--as", "anna", agent_secret="wrong").line
    assert "wrong secret" in shebao("refunds", "list", "--as", "bert", agent_secret=secret).line
    shebao("agents", "disable", "anna")
    assert "wrong secret" in shebao("refunds", "list", "--as", "anna", agent_secret=secret).line
    files = [path for path in (tmp_path / "data").glob("shebao.db*") if path.is_file()]
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("role", ["agent", "auditor", "operator"])
def test_only_a_supervisor_approves_and_rejects(shebao: Shebao, role: str) -> None:
    secret = add(shebao, "carl", role)
    for command in (["approve", "TF0000000000"], ["reject", "TF0000000000", "--reason", "no"]):
        assert "role" in shebao("refunds", *command, "--as", "carl", agent_secret=secret).line


def test_a_refund_that_there_is_not_is_told(shebao: Shebao) -> None:
    secret = add(shebao, "anna", "supervisor")
    for command in (["show"], ["approve"], ["propose"], ["retry"]):
        ran = shebao("refunds", *command, "TF0000000000", "--as", "anna", agent_secret=secret)
        assert "no refund" in ran.line


def test_a_reason_holds_no_number_of_a_person(shebao: Shebao) -> None:
    secret = add(shebao, "anna", "supervisor")
    ran = shebao(
        "refunds", "reject", "TF0000000000", "--as", "anna", "--reason", "belongs to 520103198602140004",
        agent_secret=secret,
    )  # fmt: skip
    assert "number of a person" in ran.line
    assert "1986" not in ran.err


@pytest.mark.parametrize("name", ["Anna", "a", "王小芳", "a b", "x" * 40])
def test_a_name_is_a_login(shebao: Shebao, name: str) -> None:
    assert "small letters" in shebao("agents", "add", name, "--role", "agent").line


def test_the_audit_trail_is_exported_and_checked(shebao: Shebao, tmp_path: Path) -> None:
    assert shebao("export-audit").out == ""
    for name in ("anna", "bert", "carl"):
        add(shebao, name, "agent")
    shebao("agents", "disable", "bert")
    ran = shebao("export-audit")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert [(row["action"], row["subject"], row["actor"]) for row in rows] == [
        ("agent_added", "anna", "shell"), ("agent_added", "bert", "shell"), ("agent_added", "carl", "shell"),
        ("agent_disabled", "bert", "shell"),
    ]  # fmt: skip
    assert [row["before"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]


@pytest.mark.parametrize(
    "damage, row",
    [
        ("UPDATE audit_entry SET detail = 'operator' WHERE seq = 2", 2),
        ("DELETE FROM audit_entry WHERE seq = 2", 2),
        ("DELETE FROM audit_entry WHERE seq = 3", 3),
        ("UPDATE audit_entry SET at = '2020-01-01 00:00:00.000000' WHERE seq = 1", 1),
    ],
)
def test_a_broken_chain_is_found(shebao: Shebao, tmp_path: Path, damage: str, row: int) -> None:
    for name in ("anna", "bert", "carl"):
        add(shebao, name, "agent")
    with sqlite3.connect(tmp_path / "data" / "shebao.db") as store:
        store.execute(damage)
    ran = shebao("export-audit")
    assert f"broken at row {row}" in ran.line
    assert len(ran.out.splitlines()) == row - 1
