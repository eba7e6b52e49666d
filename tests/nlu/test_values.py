"""The grammar of values, without a model: one line per way of saying it."""

from datetime import date

import pytest

from bot.engine.nlu.meaning import read
from tests.nlu.conftest import DAY


def values(text: str, day: date = DAY) -> list[tuple[str, str]]:
    return [(value.entity, value.value) for value in read(text, day)[1]]


def split(texts: str) -> list[str]:
    return texts.split()


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("今年", "2026"), ("今年子", "2026"), ("本年度", "2026"), ("明年的", "2027"), ("来年", "2027"), ("翻年", "2027"),
        ("去年", "2025"), ("旧年", "2025"), ("前年", "2024"), ("大前年", "2023"), ("后年", "2028"), ("二六年", "2026"),
        ("26年度", "2026"), ("2026", "2026"), ("2026年度", "2026"), ("二〇二七年", "2027"), ("交27年的医保", "2027"),
    ],
)  # fmt: skip
def test_a_bare_year_is_a_fee_year(text: str, year: str) -> None:
    assert ("fee_year", year) in values(text)


@pytest.mark.parametrize(
    "text",
    [
        "交满15年",
        "交了20年",
        "三年没交",
        "我今年60岁",
        "上了年纪",
        "每年都交",
        "十五年",
        "交一年",
        "3000元",
        "12366",
    ],
)
def test_a_duration_or_an_age_is_no_year(text: str) -> None:
    assert not [
        value for value in values(text) if value[0] in {"fee_year", "fee_period"} and value[1] != "2026"
    ]


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("一到六月", "2026-01/2026-06"), ("1-6月", "2026-01/2026-06"), ("1~6月", "2026-01/2026-06"),
        ("一月份到六月份", "2026-01/2026-06"), ("从一月开始到六月", "2026-01/2026-06"), ("上半年", "2026-01/2026-06"),
        ("去年下半年", "2025-07/2025-12"), ("第三季度", "2026-07/2026-09"), ("一季度", "2026-01/2026-03"),
        ("上个季度", "2026-07/2026-09"), ("前三季度", "2026-01/2026-09"), ("上个月", "2026-10"), ("本月", "2026-11"),
        ("上上个月", "2026-09"), ("三月", "2026-03"), ("2025年12月", "2025-12"), ("202603", "2026-03"),
        ("2026-01到2026-06", "2026-01/2026-06"), ("去年12月到今年3月", "2025-12/2026-03"),
        ("全年", "2026-01/2026-12"), ("三月到现在", "2026-03/2026-11"), ("三月到年底", "2026-03/2026-12"),
        ("交到六月", "2026-01/2026-06"), ("缴到年底", "2026-01/2026-12"),
        ("到今年底", "2026-01/2026-12"), ("三月到今年年底", "2026-03/2026-12"), ("今年剩下的", "2026-01/2026-12"),
        ("前三个月", "2026-01/2026-03"),
        ("近三个月", "2026-09/2026-11"), ("１１月", "2026-11"), ("2026/3", "2026-03"), ("2026-3", "2026-03"),
        ("三四月份", "2026-03/2026-04"), ("去年五六月", "2025-05/2025-06"),
    ],
)  # fmt: skip
def test_months_quarters_and_halves_are_a_fee_period(text: str, period: str) -> None:
    assert values(text) == [("fee_period", period)]


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("最近一年", "2025-12/2026-11"), ("最近半年", "2026-06/2026-11"), ("年初到现在", "2026-01/2026-11"),
        ("今年年初到六月", "2026-01/2026-06"), ("去年初到年底", "2025-01/2025-12"), ("年初至今", "2026-01/2026-11"),
        ("这个月到下个月", "2026-11/2026-12"), ("上个月到现在", "2026-10/2026-11"), ("四月份缴起缴到年底", "2026-04/2026-12"),
        ("七月份以后", "2026-07/2026-12"), ("八月以前", "2026-01/2026-07"), ("三月以来", "2026-03/2026-11"),
        ("从三月开始", "2026-03"),
    ],
)  # fmt: skip
def test_stretches_of_months(text: str, period: str) -> None:
    assert values(text) == [("fee_period", period)]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("近两年", [2025, 2026]), ("前两年的", [2024, 2025]), ("2021年到2025年", [2021, 2022, 2023, 2024, 2025]),
        ("二四年到二六年", [2024, 2025, 2026]), ("23到25年的", [2023, 2024, 2025]), ("2025年以来", [2025, 2026]),
        ("我今年五十八了", []),
    ],
)  # fmt: skip
def test_several_years_are_as_many_values(text: str, years: list[int]) -> None:
    assert values(text) == [("fee_year", str(year)) for year in years]


def test_a_month_belongs_to_the_year_that_the_sentence_names() -> None:
    assert ("fee_period", "2025-03") in values("去年的养老，三月份的")


def test_months_follow_the_clock_over_the_turn_of_the_year() -> None:
    assert values("上个月", date(2027, 1, 5)) == [("fee_period", "2026-12")]
    assert values("上个季度", date(2027, 1, 5)) == [("fee_period", "2026-10/2026-12")]
    assert values("去年", date(2027, 1, 1)) == [("fee_year", "2026")]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("3月5号到4月1日", "2026-03-05/2026-04-01"), ("11月1号到15号", "2026-11-01/2026-11-15"),
        ("2026-01-01到2026-06-30", "2026-01-01/2026-06-30"), ("2026年2月28日", "2026-02-28/2026-02-28"),
        ("12月20号到1月5号", "2026-12-20/2027-01-05"), ("上周", "2026-11-16/2026-11-22"),
        ("国庆前的", "2026-01-01/2026-09-30"), ("元旦以后", "2026-01-04/2026-11-23"),
        ("春节那几天", "2026-02-15/2026-02-23"), ("去年国庆", "2025-10-01/2025-10-08"),
        ("双十一那天", "2026-11-11/2026-11-11"), ("十一前", "2026-01-01/2026-09-30"),
        ("最近七天", "2026-11-17/2026-11-23"), ("昨天", "2026-11-22/2026-11-22"), ("11月20号到今天", "2026-11-20/2026-11-23"),
        ("本月1号到15号", "2026-11-01/2026-11-15"), ("上个月15号", "2026-10-15/2026-10-15"), ("昨天到今天", "2026-11-22/2026-11-23"),
        ("9月1到9月30号", "2026-09-01/2026-09-30"),
    ],
)  # fmt: skip
def test_days_are_a_date_range(text: str, days: str) -> None:
    assert values(text) == [("date_range", days)]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("补开去年开的完税证明", "2025-01-01/2025-12-31"), ("查上个月的申报记录", "2026-10-01/2026-10-31"),
        ("查一季度申报", "2026-01-01/2026-03-31"), ("二月开具的完税证明补开", "2026-02-01/2026-02-28"),
    ],
)  # fmt: skip
def test_the_time_of_filing_or_issuing_is_a_date_range(text: str, days: str) -> None:
    assert ("date_range", days) in values(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("11月1号以前", "2026-01-01/2026-10-31"), ("10月1号之前申报的", "2026-01-01/2026-09-30"),
        ("6月30日前", "2026-01-01/2026-06-30"), ("2026年1月1日以前", "2025-01-01/2025-12-31"),
        ("6月15日以后申报的", "2026-06-15/2026-11-23"), ("去年6月15日之后", "2025-06-15/2026-11-23"),
        ("从9月1号起", "2026-09-01/2026-11-23"), ("11月1日开始", "2026-11-01/2026-11-23"),
        ("2026年6月以前的申报", "2026-01-01/2026-05-31"), ("6月以后申报的", "2026-06-01/2026-11-23"),
        ("今年以来申报的", "2026-01-01/2026-11-23"), ("近两年申报的", "2025-01-01/2026-12-31"),
    ],
)  # fmt: skip
def test_days_before_and_after(text: str, days: str) -> None:
    assert [value for name, value in values(text) if name == "date_range"] == [days]


def test_a_day_that_does_not_exist_is_no_value() -> None:
    assert not [value for value in values("2月30号") if value[0] == "date_range"]


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("百分之六十", "60%"), ("60%", "60%"), ("６０％", "60%"), ("六成", "60%"), ("60档", "60%"), ("六十那档", "60%"),
        ("三倍", "300%"), ("一倍半", "150%"), ("1.5倍", "150%"), ("百分之一百", "100%"), ("两千那档", "2000"),
        ("2000元档", "2000"), ("一千五那档", "1500"), ("贰仟档", "2000"), ("选三百的", "300"), ("居民养老100档", "100"),
        ("灵活就业300档", "300%"), ("最低档", "lowest"), ("最便宜的", "lowest"), ("顶格", "highest"), ("最高的", "highest"),
        ("跟去年一样", "last"), ("和上次一样", "last"), ("照去年的来", "last"), ("老样子", "last"), ("交3000的", "3000"),
        ("跟旧年一样的", "last"), ("就整两千", "2000"), ("百分之百那个", "100%"), ("两千块一年", "2000"), ("一年三百", "300"), ("3000元那个", "3000"),
        ("同去年", "last"), ("交60的 不对 80的", "80%"), ("交60的不对80的", "80%"),
    ],
)  # fmt: skip
def test_tiers(text: str, tier: str) -> None:
    assert [value for name, value in values(text) if name == "tier"] == [tier]


@pytest.mark.parametrize(
    "text",
    ["看看我之前选的档次", "最少要交多少", "最晚什么时候", "成功了没有", "查今年和去年的缴费", "最近怎么样"],
)
def test_no_tier_is_named(text: str) -> None:
    assert "tier" not in dict(values(text))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("400元", "400.00"),
        ("四百块", "400.00"),
        ("1100块钱", "1100.00"),
        ("878.94元", "878.94"),
        ("三百零二块五", "302.50"),
        ("¥600", "600.00"),
        ("￥400", "400.00"),
        ("1,200元", "1200.00"),
        ("¥1,100.00", "1100.00"),
        ("10,547.28元", "10547.28"),
        ("四百整", "400.00"),
        ("四百元整", "400.00"),
        ("两万一", "21000.00"),
        ("一千零五十块五", "1050.50"),
        ("四百零五块三毛", "405.30"),
    ],
)
def test_amounts(text: str, amount: str) -> None:
    assert values(text) == [("amount", amount)]


@pytest.mark.parametrize(
    ("text", "place"),
    [("第三个", "3"), ("三号", "3"), ("第2项", "2"), ("最后一个", "-1"), ("倒数第二个", "-2"), ("2", "2"), ("选1", "1"),
     ("头一个", "1"), ("第十二个", "12"), ("第三档", "3"), ("选项三", "3"), ("就1", "1"), ("末一个", "-1")],
)  # fmt: skip
def test_places_in_a_list(text: str, place: str) -> None:
    assert values(text) == [("ordinal", place)]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("贵阳市云岩区", ["520103"]), ("南明区社保局", ["520102"]), ("遵义", ["520300"]), ("盘县", ["520281"]),
        ("黔西南兴义市", ["522301"]), ("道真", ["520325"]), ("黔西", ["520581"]), ("大方县医保局", ["520521"]),
        ("云岩和南明", ["520103", "520102"]), ("520103", ["520103"]), ("他很大方，白云飘飘", []),
    ],
)  # fmt: skip
def test_agencies(text: str, codes: list[str]) -> None:
    assert [value for name, value in values(text) if name == "agency"] == codes


@pytest.mark.parametrize(
    ("text", "who"),
    [("帮我妈交", ["other"]), ("给老公买", ["other"]), ("帮人交一下", ["other"]), ("代缴", ["other"]), ("给自己", ["self"]),
     ("帮我交", []), ("给我慢慢交", []), ("给我小舅子交", ["other"]), ("帮老幺交医保", ["other"]),
     ("帮门卫交医保", ["other"]), ("帮人工", []), ("给单位交过了还要交吗", []), ("打我屋妈的缴费证明", ["other"]),
     ("给我和老婆交居民医保", ["self", "other"]), ("我和娃儿他爸的医保", ["self", "other"]), ("给我屋两个老的缴医保", ["other"]),
     ("自己缴自己的养老", ["self"]), ("帮我孙崽交医保", ["other"]), ("妈老汉的医保", ["other"]), ("给⟦person_name:AB12CD34EF56⟧交医保", ["other"])],
)  # fmt: skip
def test_for_whom(text: str, who: list[str]) -> None:
    assert [value for name, value in values(text) if name == "beneficiary"] == who


SOMEBODY = split("""
给我三叔公交 给大舅子交医保 给亲家母交 帮我表弟媳交 给隔壁王婆婆交 给楼上张大爷交 帮村支书交 帮老李交医保 给我干儿子交 给我家那口子交
给双胞胎交 给我侄儿子交 给送外卖的兄弟交 帮村里五保户老李交 帮院坝头的婆婆交 给二老交 帮伯娘交 给嘎公交 替我屋老者交 我儿的 是我婆婆的 替我姐
""")
NOBODY = split("""
帮我手动交 帮我随便交 帮我悄悄交 帮我挨个交 帮我刷卡交 帮我扫码交 帮我花溪区交 帮我从一月交到六月 给我两千那档交 给我申报缴费 给我发缴费证明
帮忙交一下 给国家交 给您交 帮人工 老公说要交 娃儿喊我来交 单位给交了我还要交不 怎么比别人交得多
""")


@pytest.mark.parametrize("text", SOMEBODY)
def test_somebody_else_is_paid_for(text: str) -> None:
    assert [value for name, value in values(text) if name == "beneficiary"] == ["other"]


@pytest.mark.parametrize("text", NOBODY)
def test_nobody_else_is_paid_for(text: str) -> None:
    assert "beneficiary" not in dict(values(text))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("开缴费记录凭证", "payment_record"), ("打印缴费证明", "payment_record"), ("给我一份缴费记录", "payment_record"),
        ("首次开完税证明", "tax_certificate_first"), ("完税证明没开过", "tax_certificate_first"),
        ("补开完税证明", "tax_certificate_reissue"), ("完税证明丢了再开一张", "tax_certificate_reissue"),
        ("开完税证明", None), ("查缴费记录", None), ("补开证明", "tax_certificate_reissue"), ("城乡居民医保凭证", "payment_record"), ("医保缴费证明", "payment_record"),
    ],
)  # fmt: skip
def test_certificates(text: str, kind: str | None) -> None:
    assert dict(values(text)).get("certificate_kind") == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("查我替我爸交的医保", "paid"), ("帮我查一下我去年的缴费", "paid"), ("查年初到现在的缴费", "paid"), ("查代缴", "paid"),
        ("我给我堂客交的那些查一下", "paid"), ("我养老今年交了没得", "paid"), ("我交没交医保", "paid"),
        ("我想晓得我交了好多钱", "paid"), ("2026年6月以前的申报", "declaration"), ("查一下我选的什么档", "tier_choice"), ("看看我之前选的档次", "tier_choice"),
        ("重新选档次", None), ("查去年的，不对，前年的缴费", "paid"),
        ("给单位交过了还要交吗", None), ("查缴费结果", None), ("怎么查缴费", None), ("看看明年医保能交不，能交就交了", None),
    ],
)  # fmt: skip
def test_what_is_looked_up(text: str, kind: str | None) -> None:
    assert dict(values(text)).get("query_kind") == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [("养老我想补起", "arrears"), ("把旧年差的医保补一哈", "arrears"), ("完税证明丢了补一下", None)],
)
def test_arrears_are_no_lost_papers(text: str, kind: str | None) -> None:
    assert dict(values(text)).get("payment_type") == kind


@pytest.mark.parametrize(
    ("text", "document"),
    [("身份证", "居民身份证"), ("台胞证", "台湾居民来往大陆通行证"), ("回乡证", "港澳居民来往内地通行证"), ("护照", "外国护照"),
     ("永居证", "外国人永久居留身份证"), ("港澳居民居住证", "港澳居民居住证"), ("中国护照", "中国护照")],
)  # fmt: skip
def test_documents(text: str, document: str) -> None:
    assert values(text) == [("id_type", document)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("交养老 不对 交医保", [("insurance", "medical")]),
        ("不交养老，交医保", [("insurance", "medical")]),
        ("交养老不是交医保", [("insurance", "pension")]),
        ("交养老，不是，交医保", [("insurance", "medical")]),
        ("是今年不是明年", [("fee_year", "2026")]),
        ("不是今年，是明年", [("fee_year", "2027")]),
        ("不要最低档，要最高档", [("tier", "highest")]),
        ("把60%换成100%", [("tier", "100%")]),
        ("一到三月，哦不，一到六月", [("fee_period", "2026-01/2026-06")]),
        ("灵活就业不要，居民的", [("insured_group", "urban_rural_resident")]),
        ("医保先不交，交养老", [("insurance", "pension")]),
        ("除了养老都交", []),
        ("不要医保", []),
        ("八十，不，一百", [("tier", "100%")]),
        ("七百，等等，九百", [("tier", "900")]),
        ("不补缴，正常缴费", [("payment_type", "normal")]),
        ("不看前年的，看去年的", [("fee_year", "2025")]),
        ("是给我姐夫交，不是给我", [("beneficiary", "other")]),
        ("补开的，不，首次的", [("certificate_kind", "tax_certificate_first")]),
        ("要不要交养老", [("insurance", "pension")]),
        ("还用不用交医保", [("insurance", "medical")]),
        ("是不是要交医保", [("insurance", "medical")]),
        ("养老和医保都交", [("insurance", "pension"), ("insurance", "medical")]),
        ("养老还是医保", [("insurance", "pension"), ("insurance", "medical")]),
        ("先交医保再交养老", [("insurance", "medical"), ("insurance", "pension")]),
        ("给我妈交医保，不对，给我自己", [("insurance", "medical"), ("beneficiary", "self")]),
        ("一月到三月不是是一月到六月", [("fee_period", "2026-01/2026-06")]),
        ("名字打错了，不是李梅，是李玫", [("person_name", "李玫")]),
        ("姓名写错了，应该是王小芳", [("person_name", "王小芳")]),
        ("查申报，不是，查缴费记录", [("query_kind", "paid")]),
        ("拒绝给身份证", []),
    ],
)
def test_what_was_taken_back_or_rejected_is_not_meant(text: str, left: list[tuple[str, str]]) -> None:
    assert values(text) == left


@pytest.mark.parametrize(
    ("text", "field"),
    [("改一下档次", "tier"), ("换个年份", "fee_year"), ("险种选错了", "insurance"), ("改经办机构", "agency"),
     ("改所属期", "fee_period"), ("改缴费类型", "payment_type")],
)  # fmt: skip
def test_what_is_to_be_changed(text: str, field: str) -> None:
    assert values(text) == [("field", field)]


@pytest.mark.parametrize(
    ("slip", "right"),
    [("社宝", "社保"), ("交非", "缴费"), ("一保", "医保"), ("零活就业", "灵活就业"), ("補繳", "补缴"), ("養老", "养老"),
     ("Ｂ２", "B2"), ("帮 我 交", "帮我交"), ("叫明年的医保", "缴明年的医保")],
)  # fmt: skip
def test_spelling_is_put_right_before_reading(slip: str, right: str) -> None:
    assert read(slip, DAY)[0].text == right


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("一二三月的养老", "2026-01/2026-03"), ("四、五、六月", "2026-04/2026-06"), ("10月、11月", "2026-10/2026-11"),
        ("去年七八九月", "2025-07/2025-09"), ("十二月", "2026-12"), ("十一月", "2026-11"),
        ("五月六月七月", "2026-05/2026-07"), ("医保缴到十月", "2026-01/2026-10"), ("养老保险到十二月", "2026-01/2026-12"),
    ],
)  # fmt: skip
def test_months_named_one_by_one_are_one_period(text: str, period: str) -> None:
    assert ("fee_period", period) in values(text)


def test_the_year_that_a_tier_is_compared_with_is_not_the_year_to_pay() -> None:
    assert ("fee_period", "2026-01/2026-12") in values("养老缴全年的，档次跟去年一样")
    assert ("fee_period", "2026-01/2026-06") in values("上半年的，和前年选的那档一样")
    assert ("fee_period", "2025-03") in values("去年的养老，三月份的")


@pytest.mark.parametrize("text", ["我和媳妇的医保一块交", "几个人一块儿缴", "一块办了吧"])
def test_together_is_no_amount(text: str) -> None:
    assert "amount" not in dict(values(text))


def test_one_yuan_is_an_amount() -> None:
    assert ("amount", "1.00") in values("一块钱")


@pytest.mark.parametrize(
    "text",
    ["替隔壁大叔交医保", "给我外国朋友缴费", "帮楼下的阿姨交一下", "替村里的老人缴居民养老", "给公司同事交"],
)
def test_neighbours_and_foreign_friends_are_somebody_else(text: str) -> None:
    assert ("beneficiary", "other") in values(text)


@pytest.mark.parametrize("text", ["完税证明掉了，重新开一个", "完税证明重新开具", "重新开张完税证明"])
def test_to_issue_anew_is_a_reissue(text: str) -> None:
    assert ("certificate_kind", "tax_certificate_reissue") in values(text)


@pytest.mark.parametrize("text", ["妹妹，我要那个完税证明", "老公,帮我开个凭证", "娃儿！你给我查一下"])
def test_who_is_spoken_to_is_not_for_whom_it_is(text: str) -> None:
    assert ("beneficiary", "other") not in values(text)


@pytest.mark.parametrize("text", ["妹妹的医保", "给妹妹交，我要开票", "儿子，儿子的医保", "老公，我妈的也要"])
def test_who_is_named_otherwise_is(text: str) -> None:
    assert ("beneficiary", "other") in values(text)


@pytest.mark.parametrize("text", ["二十一前", "交二十一年", "三八妇女"])
def test_a_number_is_no_festival(text: str) -> None:
    assert not [value for value in values(text) if value[0] == "date_range"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("按六成交", {("tier", "60%")}),
        ("养老到十一月60%", {("fee_period", "2026-01/2026-11"), ("tier", "60%")}),
        ("补缴24年25年的", {("fee_year", "2024"), ("fee_year", "2025")}),
        ("补缴24年和25年的养老", {("fee_year", "2024"), ("fee_year", "2025")}),
    ],
)
def test_values_beside_each_other(text: str, told: set[tuple[str, str]]) -> None:
    assert told <= set(values(text))


def test_twenty_years_are_no_year() -> None:
    assert "fee_year" not in {entity for entity, _ in values("交20年")}
