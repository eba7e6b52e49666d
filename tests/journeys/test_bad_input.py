"""Whatever comes in gets a clear sentence: no 500, nothing half done."""

import pytest
import yaml

from tests.journeys.driver import Town
from tests.journeys.people import everybody

WEBHOOK = "/webhooks/rest/webhook"


@pytest.mark.parametrize("text", ["", "   ", "\x00", "字" * 10_000, "😀🎉", "\x00好\x00", "a' OR 1=1 --", "{{ 7*7 }}", "/nonsense{", "/session_start", "/back", "/nlu_fallback", "/action_listen", "⟦id_number:AAAAAAAAAAAA⟧"])  # fmt: skip
def test_odd_texts_get_a_sentence(town: Town, text: str) -> None:
    answer = town.http.post(WEBHOOK, json={"sender": "odd", "message": text})
    assert answer.status_code == 200
    assert answer.json()[0]["text"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"message": "x"}', b'{"sender": 1, "message": "x"}', b'{"sender": ""}', b"\xff\xfe"]
)  # fmt: skip
def test_broken_bodies_are_refused_with_a_reason(town: Town, body: bytes) -> None:
    answer = town.http.post(WEBHOOK, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json().keys() >= {"code", "message"}


def test_a_lone_surrogate_does_no_harm(town: Town) -> None:
    body = b'{"sender": "odd", "message": "\\ud800 \xe5\xa5\xbd"}'
    answer = town.http.post(WEBHOOK, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_a_bad_file_of_residents_changes_nothing(town: Town) -> None:
    person = dict(everybody()[0])
    person["id_number"] = person["id_number"][:-1] + ("0" if person["id_number"][-1] != "0" else "1")
    person["name"] = "不该有的人"
    good = {**everybody()[1], "name": "也不该有"}
    file = town.data_dir / "bad.yml"
    file.write_text(yaml.safe_dump({"residents": [good, person]}, allow_unicode=True), encoding="utf-8")
    done = town.shebao("sandbox", "load", str(file))
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert person["id_number"] not in done.stderr
    state = town.http.get("/sandbox/state", params={"id_number": good["id_number"]}).text
    assert "也不该有" not in state


@pytest.mark.parametrize("path", ["/nothing", "/documents/", "/verify/1?code=1", "/oauth/alipay/callback", "/return/alipay/verification", "/sandbox/state?id_number=1", "/webhooks/wechat"])  # fmt: skip
def test_odd_addresses_are_no_server_error(town: Town, path: str) -> None:
    assert town.http.get(path).status_code < 500


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["serve", "--port", "x"], ["sandbox", "load", "/no/such/file"]]
)
def test_bad_usage_is_exit_code_2(town: Town, arguments: list[str]) -> None:
    assert town.shebao(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nothing", 404, "not_found"), ("PUT", "/webhooks/rest/webhook", 405, "method_not_allowed")],
)
def test_what_is_wrong_with_an_address_is_said(
    town: Town, method: str, path: str, status: int, code: str
) -> None:
    answer = town.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
