"""Every sentence a resident reads: `say(key, **facts)` looks it up in `texts/zh_CN.yml` and fills it in."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template

from services.domain.money import wire


def say(key: str, **facts: Any) -> str:
    """The sentence `key` with `facts`. `KeyError` for a key without a text."""
    return _template(key).render(**facts).strip()


def known(key: str) -> bool:
    return key in _texts()


def insurance(group: str | None, kind: str | None) -> str:
    """`灵活就业养老保险`, `医保`, `城乡居民`: as much as is known of it."""
    if kind:
        return say(f"insurance.{group or 'any'}.{kind}")
    return say(f"group.{group}") if group else ""


def money(value: Decimal) -> str:
    """`400.00` -> `400元`, `878.94` -> `878.94元`: as one reads it aloud."""
    text = wire(value)
    return text.removesuffix(".00") + "元"


def day(value: date) -> str:
    """`11月26日`; the hour belongs to `moment`."""
    return f"{value.month}月{value.day}日"


def whole_date(value: date) -> str:
    """`2026年11月26日`."""
    return f"{value.year}年{day(value)}"


def moment(value: datetime) -> str:
    """`10点05分`, `11点整`."""
    return f"{value.hour}点{value.minute:02d}分" if value.minute else f"{value.hour}点整"


def months(value: str) -> str:
    """`2026-01/2026-06` -> `2026年1月至6月`, `2026-03` -> `2026年3月`."""
    first, _, last = value.partition("/")
    year, month = first.split("-")
    start = f"{year}年{int(month)}月"
    if not last or last == first:
        return start
    last_year, last_month = last.split("-")
    end = f"{int(last_month)}月" if last_year == year else f"{last_year}年{int(last_month)}月"
    return f"{start}至{end}"


def yours(title: str) -> str:
    """`妈妈` -> `您妈妈`; `第一位老人` and `另一位` are called so."""
    return title if title.startswith(("您", "第", "另")) else f"您{title}"


FILTERS = {"money": money, "day": day, "date": whole_date, "moment": moment, "months": months, "yours": yours}


@cache
def _texts() -> dict[str, str]:
    source = files("actions").joinpath("texts/zh_CN.yml").read_text(encoding="utf-8")
    return dict(_flatten("", yaml.safe_load(source)))


def _flatten(prefix: str, node: Any) -> list[tuple[str, str]]:
    if isinstance(node, dict):
        return [pair for key, value in node.items() for pair in _flatten(f"{prefix}{key}.", value)]
    return [(prefix.removesuffix("."), str(node))]


@cache
def _environment() -> Environment:
    environment = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)  # noqa: S701 - plain text, never HTML
    environment.filters.update(FILTERS)
    return environment


@cache
def _template(key: str) -> Template:
    return _environment().from_string(_texts()[key])
