"""The model as a whole: its data fits the domain, its results have Rasa's shape."""

from collections import Counter
from typing import Any

import pytest
import yaml

from tests.nlu.conftest import ROOT, Parse, intent_of, values_of


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def examples() -> list[tuple[str, str]]:
    """(intent, sentence) of all files."""
    blocks = [
        block
        for path in sorted((ROOT / "data" / "nlu").glob("*.yml"))
        for block in load(f"data/nlu/{path.name}")["nlu"]
    ]
    return [
        (block["intent"], line.removeprefix("- ").strip())
        for block in blocks
        for line in block["examples"].splitlines()
    ]


def test_every_intent_has_examples_and_a_rule() -> None:
    intents = set(load("domain.yml")["intents"])
    counts = Counter(intent.partition("/")[0] for intent, _ in examples())
    assert set(counts) == intents
    assert min(counts.values()) >= 25
    ruled = {rule["steps"][0]["intent"] for rule in load("data/rules.yml")["rules"]}
    assert ruled == intents


def test_every_topic_has_an_answer_with_its_source() -> None:
    topics = Counter(intent.partition("/")[2] for intent, _ in examples() if intent.startswith("faq/"))
    answers = load("data/faq/answers.yml")
    assert set(topics) == set(answers)
    assert len(answers) >= 80
    assert min(topics.values()) >= 3
    for answer in answers.values():
        assert answer["question"]
        assert answer["source"]
        assert 0 < len(answer["answer"]) <= 100


def test_no_sentence_is_an_example_of_two_intents() -> None:
    twice = [text for text, count in Counter(text for _, text in examples()).items() if count > 1]
    assert not twice


def test_a_question_has_its_topic_and_no_entity_that_nobody_said(parse: Parse) -> None:
    parsed = parse("灵活就业养老每个月最少要交多少钱")
    assert parsed["intent"]["name"] == "faq"
    assert parsed["intent"]["full_retrieval_intent_name"] == "faq/flex_pension_amount"
    response = parsed["response_selector"]["faq"]["response"]
    assert response["intent_response_key"] == "faq/flex_pension_amount"
    assert {e["entity"] for e in parsed["entities"]} == {"insured_group", "insurance"}


@pytest.mark.parametrize("text", ["嘎哩嘎哩", "zxcvbn", "€€€", "？？", "😀😀"])
def test_what_means_nothing_is_out_of_scope(parse: Parse, text: str) -> None:
    assert intent_of(parse(text)) == "out_of_scope"


def test_a_value_is_shown_where_it_was_typed(parse: Parse) -> None:
    text = "幫我交 ２０２７ 年嘅居民醫保"
    spans = {e["entity"]: text[e["start"] : e["end"]] for e in parse(text)["entities"]}
    assert spans == {"fee_year": "２０２７ 年", "insured_group": "居民", "insurance": "醫保"}


def test_a_sealed_number_is_an_entity_and_nothing_of_it_is_read(parse: Parse) -> None:
    parsed = parse("我叫⟦person_name:60ABCDEF2026⟧，身份证⟦id_number:2026ABCD60EF⟧")
    assert values_of(parsed)["id_number"] == ["⟦id_number:2026ABCD60EF⟧"]
    assert values_of(parsed)["person_name"] == ["⟦person_name:60ABCDEF2026⟧"]
    assert set(values_of(parsed)) <= {"id_number", "person_name", "id_type"}


def test_a_name_in_a_sentence_that_was_not_redacted_is_read(parse: Parse) -> None:
    assert values_of(parse("帮王小芳交明年的居民医保"))["person_name"] == ["王小芳"]


def test_the_same_sentence_is_understood_the_same_way_each_time(parse: Parse) -> None:
    assert parse("帮我交明年的居民医保") == parse("帮我交明年的居民医保")


@pytest.mark.parametrize("length", [1, 50, 500])
def test_long_texts_do_no_harm(parse: Parse, length: int) -> None:
    assert parse("一千五百块" * length)["intent"]["name"]
    assert parse("不要交" * length)["intent"]["name"]
