"""How residents write numbers, and sentences in which numbers and names stand."""

from collections.abc import Callable

Spell = Callable[[str], str]

_CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")
_SPOKEN = str.maketrans("0123456789X", "洞幺两三四五六拐八勾叉")
_CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
_FULL = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def _in(table: dict[int, int]) -> Spell:
    return lambda number: number.translate(table)


def groups(number: str, *lengths: int) -> list[str]:
    """The parts of a number; what is left over comes last."""
    parts, start = [], 0
    for length in lengths:
        parts.append(number[start : start + length])
        start += length
    return [part for part in (*parts, number[start:]) if part]


def _apart(separator: str, *lengths: int) -> Spell:
    return lambda number: separator.join(groups(number, *lengths))


COMMON: dict[str, Spell] = {
    "plain": lambda n: n,
    "lower": str.lower,
    "full width": _in(_FULL),
    "chinese": _in(_CHINESE),
    "spoken": _in(_SPOKEN),
    "formal": _in(str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")),
    "round": _in(str.maketrans("0123456789", "〇一二三四五六七八九")),
    "circled": _in(_CIRCLED),
    "bold": _in(str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")),
    "arabic": _in(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "spaced": " ".join,
    "hyphened": "-".join,
    "invisible": "\u200b".join,
    "chinese and spaced": lambda n: " ".join(n.translate(_CHINESE)),
    "two scripts": lambda n: n[:5] + n[5:].translate(_FULL),
    "fours": _apart(" ", 4, 4, 4, 4),
    "in brackets": lambda n: f"({n})",
}
ID_NUMBER = COMMON | {
    "6-8-4": _apart("-", 6, 8, 4),
    "6/8/4": _apart("/", 6, 8, 4),
    "6：8：4": _apart("：", 6, 8, 4),
    "6，6，6": _apart("，", 6, 6, 6),
    "dots": _apart(".", 6, 4, 4, 4),
    "dashes": _apart("——", 6, 8, 4),
    "threes": _apart(" ", 3, 3, 3, 3, 3, 3),
    "two lines": _apart("\n", 10),
    "spoken with pauses": lambda n: "、".join(groups(n.translate(_SPOKEN), 6, 4, 4, 4)),
    "with words between": lambda n: f"{n[:6]}，出生{n[6:14]}，最后四位{n[14:]}",
    "wrong check digit": lambda n: n[:17] + ("1" if n[17] != "1" else "2"),
    "cut short": lambda n: n[:17],
    "swapped": lambda n: n[:12] + n[13] + n[12] + n[14:],
}
MOBILE = COMMON | {
    "3-4-4": _apart("-", 3, 4, 4),
    "3，4，4": _apart("，", 3, 4, 4),
    "3 5 3": _apart(" ", 3, 5, 3),
    "7 4": _apart(" ", 7, 4),
    "+86": lambda n: f"+86 {n}",
    "0086": lambda n: f"0086-{n}",
}
BANK_CARD = COMMON | {"6 13": _apart(" ", 6, 13), "hyphens": _apart("-", 4, 4, 4, 4)}

ID_SENTENCES = (
    "{}",
    "我的身份证号是{}",
    "身份证{}，帮我交医保",
    "{}王小芳",
    "帮我妈交,她身份证号码:{}",
    "号码是 {} 对不对",
    "{}这个",
    "证件号{}姓名王小芳手机13800138000",
    "idcard={}&x=1",
    "帮{}交2026年的医保",
    "2026年医保 {} 400元",
)
MOBILE_SENTENCES = ("{}", "我电话{}", "打{}找我", "联系方式:{}，谢谢", "{}这个号", "我妈的电话是{}你记一下")
CARD_SENTENCES = ("{}", "银行卡号{}", "我的卡{}可以吗", "用{}付款")

PIECES = (
    (6, 8),
    (6,),
    (14,),
    (10,),
    (9,),
    (8,),
    (12,),
    (16,),
    (13,),
    (6, 4, 4),
    (6, 6),
    (4, 4, 4, 4),
    (3, 3, 3, 3, 3),
)
"""Where an ID number is cut when it comes in several messages; the rest comes last."""

NAMES = (  # noqa: SIM905 - a list of words
    "王小芳 钱学森 李建国 张伟 刘洋 陈秀英 杨光 黄丽华 欧阳娜娜 司马光 诸葛亮 罗玉凤 龙腾飞 石磊 韦小宝 蒙恬 覃丽 "
    "冉冉 阿依古丽·买买提 杨阿·略 田家英 安妮 熊二 万国权 江河 马云 高峰 白雪 常乐 文静 成龙 於慧 王喆 陆䶮 陈鼐璟"
).split()
NAME_SENTENCES = (
    "我叫{}",
    "我是{}",
    "您好我是{}",
    "我的名字叫{}",
    "姓名：{}",
    "姓名{}",
    "我妈叫{}",
    "她叫{}，帮她交医保",
    "给{}交医保",
    "帮{}交明年的居民医保",
    "替我妈{}交养老",
    "{}的医保",
    "查一下{}的缴费记录",
    "{} 520000199003071238",
    "520000199003071238 {}",
    "身份证520000199003071238，{}",
    "参保人{}",
    "我爸{}的养老保险",
    "{}，电话13800138000",
    "被代缴人姓名{}",
    "我叫{}，身份证520000199003071238",
    "我叫{}身份证520000199003071238",
    "我叫{}今年65岁",
    "给我女儿{}办居民医保",
    "本人{}，要交社保",
)
NAME_ANSWERS = ("{}", "我叫{}", "是{}", "叫{}。", "{} ", "名字{}", "{}啊")

ORDINARY = """
帮我交明年的居民医保
交灵活就业养老,一到六月,百分之六十
改成最高档
2
第二个
十八
我要交2026年1月到12月的养老保险
2026-01/2026-06
202601-202612
202501 202502 202503
201501-201512 201601-201612
2010 2011 2012 2013
二零二六年一月到六月
二〇二五年十二月三十一日
缴费基数4394.70
一共10547.28元
金额 12,345,678.90 元
订单号GZ10123456789ABCDEFGHJK
电子税票号452015241100000012
打12366
12333和12393
200 300 500 1000 2000 3000
100元、200元、300元、500元、800元、1000元、1500元、2000元、3000元
60% 70% 80% 100% 300%
1 2 3 4 5 6 7 8 9 10 11 12
2021年3月到2023年12月的养老
2025-11-03 09:12:00
20251103到20251130
两千块那档
地区代码是520115
税务总局公告2020年第13号
从2009年8月交到2024年7月共180个月
2026年度400元2025年度400元2024年度380元
我想要2023、2024、2025三年的记录
两个人一共800
九点到五点
税款所属期202501到202512
每月1,054.73元共12,656.76元
400元×3人=1200元
/affirm
拒绝
好了
上一步
叫个人来
帮我妈交医保
给老公交养老
查一下付款
我是农民
我是灵活就业
我叫你交的那笔呢
给我开凭证
贵阳南明区的医保
""".strip().splitlines()
"""Nothing personal in any of these."""
