"""Which words wish for a reminder, end one, or ask where it is written; and which only look like it."""

import pytest

from actions.choices import plain
from actions.reminding import BARE, STOP, WISH
from actions.windows import ASKS_BASIS


@pytest.mark.parametrize(
    "text, wished",
    [
        ("到期前提醒我", True), ("到时候提醒我", True), ("到时候告诉我", True), ("开始了告诉我一声", True),
        ("快截止了提醒我一下", True), ("能缴了告诉我", True), ("提醒我一下", True), ("明年能交的时候提醒我", True),
        ("快告诉我多少钱", False), ("我能交多少告诉我", False), ("提醒我明天开会", False), ("怎么交告诉我一下", False),
    ],
)  # fmt: skip
def test_wishing_for_a_reminder(text: str, wished: bool) -> None:
    assert bool(WISH.search(text) or BARE.fullmatch(plain(text))) is wished


@pytest.mark.parametrize("text", ["不用提醒了", "别提醒我了", "取消提醒", "不要再通知我", "莫提醒了"])
def test_ending_a_reminder(text: str) -> None:
    assert STOP.search(text)


@pytest.mark.parametrize(
    "text, asked",
    [
        ("依据是什么", True), ("哪里规定的", True), ("这是哪个文件规定", True), ("凭什么要等90天", True),
        ("第二个", False), ("哪一档划算", False), ("什么时候截止", False), ("哪里缴费", False),
    ],
)  # fmt: skip
def test_asking_where_it_is_written(text: str, asked: bool) -> None:
    assert bool(ASKS_BASIS.search(text)) is asked
