"""What residents call the people of their family."""

import re

RELATIONS = {
    "妈妈": "老?妈妈?|母亲|老?娘",
    "爸爸": "老?爸爸?|父亲|老?爹|老汉儿?|老者",
    "公公": "公公",
    "婆婆": "婆婆",
    "岳父": "岳父|老?丈人(?!母)|外父",
    "岳母": "岳母|丈母娘",
    "爷爷": "爷爷?",
    "奶奶": "奶奶?",
    "外公": "外公|家公|姥爷",
    "外婆": "外婆|家婆|姥姥",
    "老公": "老公|丈夫|先生",
    "老婆": "老婆|妻子|媳妇儿?|婆娘|堂客|太太",
    "爱人": "爱人|对象|老伴",
    "女婿": "女婿",
    "儿媳": "儿媳妇?",
    "外孙女": "外孙女",
    "外孙": "外孙(?!女)",
    "孙女": "孙女",
    "孙子": "孙子|孙孙",
    "女儿": "女儿|闺女|幺妹|姑娘",
    "儿子": "儿子|崽崽?|幺儿",
    "孩子": "小?孩子?|娃娃?儿?|宝宝",
    "哥哥": "哥哥?",
    "姐姐": "姐姐?",
    "弟弟": "弟弟?",
    "妹妹": "妹妹?",
    "朋友": "朋友",
}
"""What to call a person in a question, by how residents call them."""
RELATION = re.compile(
    "|".join(
        f"(?P<r{n}>{words})"
        for n, words in sorted(
            enumerate(RELATIONS.values()), key=lambda one: -max(len(word) for word in one[1].split("|"))
        )
    )
)
MY_RELATION = re.compile(rf"我(?:们?家|屋头)?的?(?:{RELATION.pattern})")
"""我妈, 我屋头老汉"""
_CALLED = re.compile(
    "[\u4e00-\u9fff]?(?:家|屋头)?[大小老二三四五六七八幺满]?(?:奶奶?|爷爷?|太太?|太?婆婆?|公公?|伯[伯父母娘]?|叔叔?|婶[婶娘子]?"
    "|[嬢孃娘][嬢孃娘]?|姨[妈娘]?|阿姨|姑[姑妈]?|舅[舅妈]?|哥哥?|姐姐?|弟弟?|妹妹?|嫂[嫂子]?|妈妈?|爸爸?|爹爹?|娃[娃儿]?|老?汉儿?"
    "|师傅|老师|医生|主任|书记|支书|老板|老表)|(?:隔壁)?[老小阿][\u4e00-\u9fff]"
)


def is_pet_name(name: str) -> bool:
    """潘奶奶, 王三嬢, 老潘: what somebody is called, and hardly what stands on the ID card."""
    return _CALLED.fullmatch(name) is not None
