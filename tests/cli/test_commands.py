"""What an operator types while nothing runs: help, wrong usage, failures, and what works without a service."""

import json
import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.cli.conftest import Shebao, make_database

COMMANDS = [
    [], ["serve"], ["train"], ["chat"], ["parse"], ["evaluate"], ["evaluate", "nlu"], ["sandbox"], ["sandbox", "load"],
    ["reconcile"],
    ["agents"], ["agents", "add"], ["agents", "list"], ["agents", "disable"], ["refunds"], ["refunds", "list"],
    ["refunds", "show"], ["refunds", "propose"], ["refunds", "approve"], ["refunds", "reject"], ["refunds", "stuck"],
    ["refunds", "retry"], ["export-audit"],
    ["db"], ["db", "upgrade"], ["keys"], ["keys", "rotate"], ["jobs"], ["jobs", "replay"], ["worker"], ["doctor"],
]  # fmt: skip
RESIDENT = """
residents:
  - name: 王小芳
    id_type: 居民身份证
    id_number: "{number}"
    enrolments:
      - {{insured_group: urban_rural_resident, insurance: medical, agency: "520103", status: active, since: 2021-03}}
"""
LABELLED = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - 你好
- intent: pay_insurance
  examples: |
    - 帮我交[明年]{"entity": "fee_year", "value": "2027"}的[居民](insured_group:urban_rural_resident)[医保](insurance:medical)
    - 再见
- synonym: 医保
  examples: |
    - 医疗险
"""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_everywhere(shebao: Shebao, command: list[str]) -> None:
    ran = shebao(*command, "--help")
    assert ran.code == 0
    assert " ".join(["Usage: shebao", *command]) in ran.out


@pytest.mark.parametrize(
    "command",
    [
        [], ["nonsense"], ["sandbox"], ["sandbox", "load"], ["sandbox", "load", "/nowhere.yml"], ["db"], ["keys"],
        ["parse"], ["evaluate"], ["evaluate", "nlu"], ["evaluate", "nlu", "/nowhere.yml"], ["serve", "--port", "x"],
        ["serve", "--port", "70000"], ["serve", "--workers", "0"], ["doctor", "--nonsense"], ["chat", "--url"],
        ["reconcile"], ["reconcile", "today"], ["reconcile", "2026-13-01"], ["reconcile", "2026-11-23", "--list"],
        ["reconcile", "--accept", "F1"], ["reconcile", "--accept", "F1", "--as", "li", "--reason", "x"],
        ["reconcile", "--accept", "F1", "--reason", "other_system"],
        ["agents", "add", "anna"], ["agents", "add", "anna", "--role", "king"], ["refunds", "approve", "TF1"],
        ["refunds", "reject", "TF1", "--as", "anna"],
        ["jobs", "nonsense"], ["jobs", "replay"], ["jobs", "replay", "job_1", "--all"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_2(shebao: Shebao, command: list[str]) -> None:
    ran = shebao(*command)
    assert ran.code == 2
    assert "Usage: shebao" in ran.out + ran.err or ran.err.startswith("Error: ")
    assert "Traceback" not in ran.err


# --- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value",
    [("clock", "yesterday"), ("port", "x"), ("port", "0"), ("workers", "0"), ("env", "test"), ("log_level", "loud"), ("order_minutes", "0")],
)  # fmt: skip
def test_a_setting_that_is_none_is_named(shebao: Shebao, name: str, value: str) -> None:
    assert f"SHEBAO_{name.upper()}: " in shebao("db", "upgrade", **{name: value}).line


# --- understanding ----------------------------------------------------------------------------------


def test_parse_shows_rasas_result(shebao: Shebao) -> None:
    ran = shebao("parse", "帮我交明年的居民医保", clock="2026-11-23T10:00:00+08:00")
    assert ran.code == 0
    result = json.loads(ran.out)
    assert result["text"] == "帮我交明年的居民医保"
    assert result["intent"]["name"] == "pay_insurance"
    assert {"fee_year": "2027", "insurance": "medical"}.items() <= {
        e["entity"]: e["value"] for e in result["entities"]
    }.items()


def test_parse_never_shows_a_number_of_a_person(shebao: Shebao) -> None:
    ran = shebao("parse", "我的身份证是52010319860214000X")
    assert "19860214" not in ran.out
    assert [e["entity"] for e in json.loads(ran.out)["entities"]][-1:] == ["id_number"]


def test_evaluate_reports_intents_entities_and_confusions(shebao: Shebao, tmp_path: Path) -> None:
    file = tmp_path / "labelled.yml"
    file.write_text(LABELLED, encoding="utf-8")
    ran = shebao("evaluate", "nlu", file, file, clock="2026-11-23T10:00:00+08:00")
    assert ran.code == 0
    assert "4/6 right" in ran.out
    assert "2 × pay_insurance taken for goodbye" in ran.out
    assert "fee_year             100.0%  100.0%  (2, 0, 0)" in ran.out


@pytest.mark.parametrize(
    "content",
    [b"", b"nlu: [", b"nlu:\n- foo", b"\xff\xfe", b"[]", b"nlu: []", "nlu:\n- intent: a\n  examples: |\n    - [甲]{x}".encode()],
)  # fmt: skip
def test_evaluate_says_what_is_wrong_with_a_file(shebao: Shebao, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.yml"
    file.write_bytes(content)
    assert "bad.yml" in shebao("evaluate", "nlu", file).line


def test_train_has_nothing_to_do_when_the_model_is_there(shebao: Shebao) -> None:
    ran = shebao("train")
    assert ran.code == 0
    assert ran.out.strip().endswith(".tar.gz")


# --- dead letters -----------------------------------------------------------------------------------


def test_dead_letters_are_listed_and_tried_again(shebao: Shebao, tmp_path: Path) -> None:
    assert shebao("jobs").out == "nothing is dead or failing\n"
    assert shebao("jobs", "replay", "--all").out == "0 jobs are tried again\n"
    with sqlite3.connect(tmp_path / "data" / "shebao.db") as store:
        store.execute(
            "INSERT INTO job (job_id, kind, subject, state, next_at, fence, failures, crashes, last_error, created_at,"
            " ended_at) VALUES ('job_1', 'post', 'GZ1A', 'dead', '2026-11-23 02:00:00', 8, 8, 8, 'ValueError',"
            " '2026-11-23 02:00:00', '2026-11-23 03:00:00')"
        )
    [line] = shebao("jobs").out.splitlines()
    assert line.split()[:5] == ["job_1", "dead", "post", "GZ1A", "ValueError"]
    assert line.endswith("8 tries")
    assert "job_2" in shebao("jobs", "replay", "job_2").line
    assert shebao("jobs", "replay", "job_1").out == "1 job is tried again\n"
    assert shebao("jobs").out == "nothing is dead or failing\n"
    with sqlite3.connect(tmp_path / "data" / "shebao.db") as store:
        assert store.execute("SELECT state, failures, crashes FROM job").fetchall() == [("queued", 0, 0)]


# --- store and sandbox ------------------------------------------------------------------------------


def test_residents_are_loaded_before_anything_serves(shebao: Shebao, tmp_path: Path) -> None:
    file = tmp_path / "people.yml"
    file.write_text(RESIDENT.format(number="520103198602140003"), encoding="utf-8")
    assert "check_digit" in shebao("sandbox", "load", file).line
    file.write_text("residents: [", encoding="utf-8")
    assert "people.yml" in shebao("sandbox", "load", file).line
    loaded = shebao("sandbox", "load", "data/sandbox/residents.yml")
    assert loaded.code == 0
    assert "residents loaded" in loaded.out


def test_the_store_is_made_and_a_second_time_left_alone(shebao: Shebao, tmp_path: Path) -> None:
    for _ in range(2):
        assert shebao("db", "upgrade").code == 0
    assert (tmp_path / "data" / "shebao.db").exists()


def test_a_server_s_store_is_upgraded_by_command_only(shebao: Shebao, postgres_url: str) -> None:
    """One test for all that concerns a server, since each command takes a while."""
    url = make_url(postgres_url)
    wrong = url.set(database="not_there").render_as_string(hide_password=False)
    assert "not_there" in shebao("db", "upgrade", database_url=wrong).line
    nowhere = url.set(host="127.0.0.1", port=1, query={}).render_as_string(hide_password=False)
    assert shebao("db", "upgrade", database_url=nowhere).line
    assert "MEND  store: can't be reached" in shebao("doctor", database_url=nowhere).out
    fresh = make_database(postgres_url)
    assert "shebao db upgrade" in shebao("keys", "rotate", database_url=fresh).line
    for _ in range(2):
        assert shebao("db", "upgrade", database_url=fresh).code == 0
    assert shebao("keys", "rotate", database_url=fresh).code == 0


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite:////dev/null/at/all.db"])
def test_a_store_that_cannot_be_is_told_in_a_line(shebao: Shebao, url: str) -> None:
    assert shebao("db", "upgrade", database_url=url).line


def test_keys_are_rotated_again_and_again(shebao: Shebao) -> None:
    versions = [shebao("keys", "rotate").out.split(":")[0] for _ in range(3)]
    assert len(set(versions)) == 3


# --- what needs a service ---------------------------------------------------------------------------


def test_chat_without_a_service_says_so(shebao: Shebao) -> None:
    assert "is `shebao serve` running?" in shebao("chat").line
    assert "is `shebao serve` running?" in shebao("chat", "--url", "http://127.0.0.1:1").line
    assert shebao("chat", "--url", "nonsense").line


def test_serve_says_when_it_cannot_listen(shebao: Shebao) -> None:
    assert "nowhere.invalid" in shebao("serve", "--host", "nowhere.invalid", port=8000).line
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert f"127.0.0.1:{taken}" in shebao("serve", "--port", taken).line


def test_serve_with_several_workers_wants_a_server(shebao: Shebao) -> None:
    assert "SHEBAO_WORKERS" in shebao("serve", "--workers", 2, port=8000).line


def test_reconciling_without_its_peers_compares_nothing_and_says_so(shebao: Shebao) -> None:
    assert "the payment gateway can't be reached" in shebao("reconcile", "yesterday").line
    ran = shebao("reconcile", "--list")
    assert (ran.code, ran.out) == (0, "nothing is open\n")
    decide = ["reconcile", "--accept", "F1", "--reason", "other_system", "--as", "li"]
    assert "wrong name" in shebao(*decide, agent_secret="guessed").line
    secret = shebao("agents", "add", "li", "--role", "operator").out.split()[-1]
    assert "no open finding" in shebao(*decide, agent_secret=secret).line


# --- doctor -----------------------------------------------------------------------------------------


def test_the_doctor_names_each_thing_that_is_wrong(shebao: Shebao, tmp_path: Path) -> None:
    sick = shebao("doctor", models_dir=tmp_path)
    assert sick.code == 1
    for line in ("ok    settings", "MEND  store: ", "MEND  model: ", "MEND  payment gateway: ", "MEND  tax bureau: ", "MEND  wechat pay: ", "MEND  wechat: "):  # fmt: skip
        assert line in sick.out
    assert "shebao db upgrade" in sick.out
    assert "shebao train" in sick.out
    assert "WARN  calendar: the holidays of 2027" in sick.out
    shebao("keys", "rotate")
    assert "ok    keys" in shebao("doctor").out
    other = tmp_path / "other.key"
    other.write_bytes(bytes(range(32)))
    assert "MEND  keys: " in shebao("doctor", root_key_file=other).out
    other.write_bytes(b"junk")
    assert "MEND  settings: SHEBAO_ROOT_KEY_FILE" in shebao("doctor", root_key_file=other).out


def test_the_doctor_lists_what_production_lacks(shebao: Shebao) -> None:
    ran = shebao("doctor", env="production")
    assert ran.code == 1
    assert "MEND  settings: SHEBAO_BUREAU_URL is not set" in ran.out
    assert "Traceback" not in ran.err


# --- the engine's own commands ----------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "shell", "x", "interactive", "init", "test", "export"])
def test_what_cannot_work_is_refused_with_what_to_use(shebao: Shebao, command: str) -> None:
    ran = shebao("rasa", command)
    assert ran.code == 2
    [line] = ran.err.splitlines()
    assert line.startswith(f"shebao: rasa {command} does not work here: ")


def test_rasa_tests_labelled_sentences(shebao: Shebao, tmp_path: Path) -> None:
    file = tmp_path / "labelled.yml"
    file.write_text(LABELLED, encoding="utf-8")
    ran = shebao("rasa", "test", "nlu", "--nlu", file, "--out", tmp_path / "results")
    assert ran.code == 0, ran.err
    assert (tmp_path / "results" / "intent_report.json").exists()
    assert "帮我交" not in ran.out + ran.err


LONG = (
    [["train", "--out", "/tmp/{}"], ["train", "nlu", "--out", "/tmp/{}"]]
    if os.environ.get("SHEBAO_TEST_FULL")
    else []
)


@pytest.mark.parametrize("command", [["data", "validate"], *LONG], ids=" ".join)
def test_rasas_commands_work_on_our_data(shebao: Shebao, tmp_path: Path, command: list[str]) -> None:
    ran = shebao("rasa", *(word.replace("/tmp/{}", str(tmp_path)) for word in command))
    assert ran.code == 0, ran.err
    assert len(list(tmp_path.glob("*.tar.gz"))) == (command[0] == "train")
