"""Socket payloads in and out, and what is kept for a reload."""

import pytest

from bot.channels.web import wire
from bot.channels.web.transcript import Transcript, shown

ID_NUMBER = "520103199003070009"


@pytest.mark.parametrize(
    "data", [None, "hello", 7, [], {"message": 5}, {"message": None}, {"message": ["a"]}]
)
def test_what_is_not_an_utterance_is_refused(data: object) -> None:
    assert wire.read_utterance(data) is None


def test_the_message_id_is_read_beside_the_text_or_from_metadata_as_object_or_json() -> None:
    for data in (
        {"message": "好", "message_id": "abcd1234"},
        {"message": "好", "metadata": {"message_id": "abcd1234"}},
        {"message": "好", "metadata": '{"message_id": "abcd1234"}'},
    ):
        said = wire.read_utterance(data)
        assert said is not None
        assert said.message_id == "abcd1234"


@pytest.mark.parametrize(
    "message_id", ["short", "with space 1", "x" * 65, 12345678, "身份证号码身份证号码", "a\x00aaaaaaa"]
)
def test_a_strange_message_id_is_none_at_all(message_id: object) -> None:
    said = wire.read_utterance({"message": "好", "message_id": message_id, "metadata": "not json"})
    assert said is not None
    assert said.message_id is None


def test_nul_and_lone_surrogates_are_unreadable() -> None:
    assert wire.readable("帮我交医保 👵")
    assert not wire.readable("a\x00b")
    assert not wire.readable("a\ud83d")


def test_stock_clients_get_options_and_buttons_as_quick_replies_and_images_as_attachments() -> None:
    option = {"value": "medical", "title": "医疗保险", "payload": "/inform"}
    sent = wire.outgoing(
        {
            "text": "哪个险种？",
            "image": "/a.png",
            "custom": {"kind": "choice", "slot": "insurance", "options": [option]},
        }
    )
    assert sent["quick_replies"] == [{"content_type": "text", "title": "医疗保险", "payload": "/inform"}]
    assert sent["attachment"] == {"type": "image", "payload": {"src": "/a.png"}}


def test_a_payment_request_carries_its_qr_code_as_a_path_with_a_quiet_zone() -> None:
    message = {
        "text": "请付款",
        "custom": {"kind": "payment_request", "qr_code": "https://qr.alipay.com/bax0343"},
    }
    code = wire.outgoing(message)["custom"]["qr"]
    assert code["size"] >= 29
    assert code["path"].startswith("M4 4h7v1h-7z")
    assert "qr" not in message["custom"], "the answer of the turn is left as it was"


@pytest.mark.parametrize(
    "said",
    [
        ID_NUMBER,
        f"我的号码{ID_NUMBER}。",
        "5201 0319 9003 0700 09",
        "５２０１０３１９９００３０７０００９",
        "139-8510-0000",
        "52010319900307000X",
    ],
)
def test_long_numbers_are_masked_in_what_is_kept(said: str) -> None:
    kept = shown(said)
    assert "•••" in kept
    assert sum(character.isdigit() for character in kept) <= 2


@pytest.mark.parametrize("said", ["交2000那档", "2026-01到2026-06", "400.00元", "第3个"])
def test_amounts_and_months_are_kept_as_they_are(said: str) -> None:
    assert shown(said) == said


def test_a_payload_is_shown_as_the_title_that_was_tapped() -> None:
    transcript = Transcript()
    transcript.add(
        "bot_uttered",
        {"custom": {"items": [{"title": "开具", "action": {"title": "开具这张", "payload": "/issue"}}]}},
    )
    assert transcript.title_of("/issue") == "开具这张"
    assert transcript.title_of("/other") is None


def test_only_the_last_fifty_messages_are_kept() -> None:
    transcript = Transcript()
    for number in range(60):
        transcript.add("bot_uttered", {"text": str(number)})
        transcript.mark(f"message-{number}", "done")
    assert [entry.data["text"] for entry in transcript.after(0)] == [str(number) for number in range(10, 60)]
    assert len(transcript.states()) == 50
