"""What sentences say of pages, files and time, beside the values that the understanding finds."""

from datetime import date
from typing import Any

import pytest

from actions import query_words
from actions.query_words import page_asked, recent_years, view_asked, widened
from actions.turn import Turn

TODAY = date(2026, 11, 23)


def turn(text: str, **values: Any) -> Turn:
    return Turn(
        conversation_id="c", intent="inform", text=text, values={name: (v,) for name, v in values.items()}
    )


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("下一页", "next"), ("看下一页吧", "next"), ("翻页", "next"), ("后面的呢", "next"), ("还有没有别的", "next"),
        ("上一页", "previous"), ("翻回去", "previous"), ("第二页", "2"), ("我要看第12页", "12"), ("首页", "1"),
        ("回到第一页", "1"), ("最后一页", "-1"), ("第二个", None), ("上一步", None), ("明年的", None), ("2", None),
    ],
)  # fmt: skip
def test_pages(text: str, page: str | None) -> None:
    assert page_asked(turn(text)) == page


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("按年汇总", "chart"), ("画个图给我看", "chart"), ("我每年交了多少", "chart"), ("导出", "export"),
        ("给我一份Excel", "export"), ("导出缴费凭证", None), ("下载完税证明", None), ("下一页", None),
        ('/inform{"x": "导出"}', None),
    ],
)  # fmt: skip
def test_views(text: str, view: str | None) -> None:
    assert view_asked(turn(text)) == view


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("近一年", "2025-12/2026-11"),
        ("最近三年", "2024-01/2026-12"),
        ("过去两年的", "2025-01/2026-12"),
        ("今年", None),
    ],
)
def test_recent_years(text: str, months: str | None) -> None:
    assert recent_years(turn(text), TODAY) == months


@pytest.mark.parametrize(
    ("text", "span", "wide"),
    [
        ("去年以来的", "2025-01/2025-12", "2025-01/2026-11"), ("去年以前的", "2025-01/2025-12", "2008-01/2025-12"),
        ("三月的", "2026-03", "2026-03"), ("和三月的一起", "2026-03", "2026-03"),
    ],
)  # fmt: skip
def test_since_and_before(text: str, span: str, wide: str) -> None:
    assert widened(turn(text), span, earliest="2008-01", latest="2026-11") == wide


@pytest.mark.parametrize("text", ["全部", "所有的", "这几年一共交了多少", "都可以"])
def test_the_whole_time(text: str) -> None:
    assert query_words.asks_whole(turn(text))
