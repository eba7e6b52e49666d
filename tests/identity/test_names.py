"""Names: one spelling, one mask, and what can't be one."""

import pytest

from services.domain.names import canonical_name, find_names, is_plausible_name, mask_name, read_name_answer


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王 小 芳", "王小芳"),
        (" 王小芳 ", "王小芳"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("阿依古丽 ・ 买买提", "阿依古丽·买买提"),
        ("阿依古丽．买买提", "阿依古丽·买买提"),
        ("阿依古丽.买买提", "阿依古丽·买买提"),
        ("john   smith", "JOHN SMITH"),
        ("陆䶮", "陆䶮"),
    ],
)
def test_a_name_has_one_spelling(typed: str, kept: str) -> None:
    assert canonical_name(typed) == kept
    assert canonical_name(kept) == kept


@pytest.mark.parametrize(
    ("name", "mask"),
    [("王芳", "*芳"), ("王小芳", "**芳"), ("欧阳娜娜", "***娜"), ("芳", "*芳"), ("𠮷𠮷", "*𠮷")],
)
def test_a_mask_leaves_the_last_character(name: str, mask: str) -> None:
    assert mask_name(name) == mask


@pytest.mark.parametrize("word", ["医保", "南明", "缴费", "灵活就业", "我妈", "档次", "花溪区", "后面", "王"])
def test_words_of_the_field_are_no_names(word: str) -> None:
    assert not is_plausible_name(word)


@pytest.mark.parametrize("said", ["不知道", "我不想说", "取消", "上一步", "多少钱", "12", "居民医保", ""])
def test_what_is_no_name_is_not_read_as_one(said: str) -> None:
    assert read_name_answer(said) is None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("王松年", "王松年"),
        ("他叫王松年", "王松年"),
        ("名字叫张丰年", "张丰年"),
        ("贺年", "贺年"),
        ("张月", "张月"),
        ("李百岁", "李百岁"),
        ("任我行", "任我行"),
        ("平安", "平安"),
        ("他喊项前进", "项前进"),
    ],
)
def test_a_name_may_look_like_other_words(said: str, name: str) -> None:
    assert read_name_answer(said) == name


@pytest.mark.parametrize(
    "said", ["那再付一次", "四百", "五二零一零三", "到年底", "高半年", "前两年", "他喊我来交"]
)
def test_a_wish_or_a_number_is_no_name(said: str) -> None:
    assert read_name_answer(said) is None


@pytest.mark.parametrize("said", ["他喊我交", "我妈喊先等下", "给方今年交", "他喊向前走一下再说"])
def test_what_is_called_out_is_no_name(said: str) -> None:
    assert find_names(said) == []


def test_places_are_those_of_the_text() -> None:
    said = "帮我妈王小芳交医保，她身份证⟦id_number:000000000000⟧"
    ((start, end, name),) = find_names(said)
    assert said[start:end] == name == "王小芳"


@pytest.mark.parametrize("sentence", ["再帮我孙子交一个", "帮我孙女交医保", "给孙儿交", "帮我孙孙交一个"])
def test_a_relation_that_begins_like_a_surname_is_no_name(sentence: str) -> None:
    assert find_names(sentence) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [("用护照办，名字JOHN SMITH", "JOHN SMITH"), ("姓名 Mary Ann Brown，证件号", "MARY ANN BROWN")],
)
def test_a_name_as_passports_have_it_needs_no_word_that_says_so(text: str, name: str) -> None:
    assert [found for _, _, found in find_names(text)] == [name]


@pytest.mark.parametrize("text", ["名字ok吗", "姓名OK", "名字写APP上的"])
def test_other_latin_words_are_no_names(text: str) -> None:
    assert not find_names(text)


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("开我和王小芳的2026年的缴费凭证", ["王小芳"]),
        ("我跟李梅一起交医保", ["李梅"]),
        ("我、王小芳的凭证", ["王小芳"]),
        ("我和王小芳，都开2026年的", ["王小芳"]),
        ("王小芳跟我的都要", ["王小芳"]),
        ("给李梅和我妈开凭证", ["李梅"]),
        ("给我妈和王小芳交医保", ["王小芳"]),
        ("给王小芳、李梅、张大山交医保", ["王小芳", "李梅", "张大山"]),
        ("帮我开王小芳的和李梅的凭证", ["王小芳", "李梅"]),
        ("和王小芳一起交", ["王小芳"]),
        ("换成王小芳", ["王小芳"]),
        ("不开我的，开王小芳的", ["王小芳"]),
        ("王小芳那份也开", ["王小芳"]),
    ],
)
def test_who_stands_beside_somebody_is_named(sentence: str, names: list[str]) -> None:
    assert [name for _, _, name in find_names(sentence)] == names


@pytest.mark.parametrize(
    "sentence",
    [
        "我和孙子的医保", "我和单位的", "我和他的一起", "我和房东的", "医保和养老都要交", "第一张和第三张",
        "给我和我妈、我爸交", "我跟平时一样交", "成都和贵阳的", "周一和周三", "金额和我的不一样", "换成高的",
        "方便和我说一下", "安顺和我", "和孙子一起交",
    ],
)  # fmt: skip
def test_what_stands_beside_somebody_may_be_no_name(sentence: str) -> None:
    assert find_names(sentence) == []
