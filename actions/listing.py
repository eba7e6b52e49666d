"""Records that were found, shown: a page of them, one in detail, years as a chart, all as files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from actions import cards, record_figures, record_lists
from actions.choices import plain
from actions.query_words import (
    ALL,
    CHART,
    EXPORT,
    LAST,
    LATEST,
    LEAST,
    MOST,
    NEXT,
    OTHER,
    PREVIOUS,
    SAME,
    SETTLED,
    TOTAL,
    WITHIN,
    asks_detail,
    asks_latest,
)
from actions.say import insurance, months, say
from actions.talk import Talk
from actions.turn import Turn
from services.certificates import Holder
from services.domain.kinds import RecordKind
from services.exports import Bar, Table
from services.identity import BoundPerson
from services.ports import FeeRecord

PAGE = 5
WHICH, REFUNDED = "which", "refunded"
"""看详情 without saying of which; 看看退费的那笔."""
FROM_TO = re.compile(r"到|至")
"""第一条到第三条."""
NO_OTHER = {REFUNDED: "query.none_refunded", NEXT: "query.last_one", PREVIOUS: "query.first_one"}
ONE_ON = re.compile(r"(?:再|看|那|的)*(?P<way>下|后|上|前)(?:面)?(?:那)?一?[条笔个](?:呢|的|看看)*")
"""下一条, after one was shown."""
REFUNDED_ONE = re.compile(
    r"(?:看|查|哪|找).{0,4}退(?:了|过)?费?.{0,3}(?:[笔条个]|记录)|退(?:了|过)?费?的(?:是)?[那哪]"
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What was found for a query, newest first. `owner`: whose fees they are, masked."""

    kind: str
    records: Sequence[FeeRecord]
    facts: Mapping[str, Any]
    owner: str

    @property
    def pages(self) -> int:
        return -(-len(self.records) // PAGE)

    @property
    def has_years(self) -> bool:
        return self.kind in {RecordKind.PAID, OTHER}


def neighbour_asked(turn: Turn) -> str | None:
    """`next` or `previous`: the record beside the one that was shown."""
    match = ONE_ON.fullmatch(plain(turn.text))
    return None if match is None else NEXT if match["way"] in "下后" else PREVIOUS


def place_asked(turn: Turn) -> str | None:
    """Which record of the page is wanted in detail: its place, `which`, or `refunded`."""
    if REFUNDED_ONE.search(turn.text):
        return REFUNDED
    if turn.intent not in {"inform", "query_records", "out_of_scope", "help", "affirm", "chitchat"}:
        return None
    if places := [int(place) for place in turn.values.get("ordinal", ())]:
        span = len(places) == 2 and FROM_TO.search(turn.text)
        return ",".join(str(place) for place in (range(places[0], places[1] + 1) if span else places))
    if asks_latest(turn):
        return LATEST
    return WHICH if asks_detail(turn) or plain(turn.text) in {"看看", "打开"} else None


async def show(talk: Talk, shown: Shown, bound: BoundPerson) -> int:
    """Show what is wanted of the records; the page that is open now."""
    page = _page(shown)
    _tell_end(talk, shown, page)
    if shown.facts.get("view") == CHART and shown.has_years:
        await _show_chart(talk, shown, bound)
    elif shown.facts.get("view") == EXPORT:
        await _hand_out(talk, shown, bound)
    elif shown.facts.get("view") == TOTAL:
        record_figures.tell_total(
            talk,
            shown.kind,
            shown.records,
            what=_scope(shown),
            who=_who(shown),
            state=shown.facts.get("of"),
            part=describe(shown.facts, wide="") if WITHIN in shown.facts else "",
        )
    elif shown.facts.get("view") == SETTLED:
        one = chosen(shown, page) if "record" in shown.facts else None
        record_figures.tell_settled(talk, shown.kind, shown.records, one)
    elif "," in str(shown.facts.get("place")):
        _show_some(talk, shown, page)
    elif "record" in shown.facts or "place" in shown.facts:
        _show_detail(talk, shown, page)
    else:
        _show_page(talk, shown, page)
    return page


def _page(shown: Shown) -> int:
    """The page that is wanted, within those that there are. `page` may be a move from `shown_page`."""
    wanted, now = str(shown.facts.get("page", 1)), int(shown.facts.get("from_page", 1))
    moved = {NEXT: now + 1, PREVIOUS: now - 1, SAME: now, LAST: shown.pages}.get(wanted)
    return min(max(moved if moved is not None else int(wanted), 1), shown.pages)


def _tell_end(talk: Talk, shown: Shown, page: int) -> None:
    """下一页 at the last one: said, and not just shown again."""
    at_end = {NEXT: shown.pages, PREVIOUS: 1}.get(str(shown.facts.get("page", "")))
    if page == at_end == int(shown.facts.get("from_page", 1)):
        first = shown.facts["page"] == PREVIOUS
        talk.tell("query.first_page" if first else "query.last_page")


# --- a page -------------------------------------------------------------------------------------------


def _show_page(talk: Talk, shown: Shown, page: int) -> None:
    if shown.facts.get("page") == NEXT and int(shown.facts.get("from_page", 1)) == shown.pages:
        talk.tell("query.no_next_page", pages=shown.pages, count=len(shown.records))
        return
    first = (page - 1) * PAGE
    part = shown.records[first : first + PAGE]
    gone = [record for record in shown.records if record.refunded_on]
    sentence = say(
        "query.list" if page == 1 else "query.page",
        what=_scope(shown),
        who=_who(shown),
        kind=say(f"query.kind.{shown.kind}"),
        count=len(shown.records),
        total=record_lists.total(shown.records) if shown.kind != RecordKind.TIER_CHOICE else None,
        refunded=len(gone),
        lines=[record_lists.spoken(shown.kind, record) for record in part],
        page=page,
        pages=shown.pages,
        left=len(shown.records) - first - len(part),
    )
    more = cards.query_page(page + 1) if page < shown.pages else None
    buttons = [(say("query.button.next"), more)] if more else []
    if shown.has_years and len(record_lists.yearly(shown.records)) > 1:
        buttons.append((say("query.button.chart"), cards.query_view(CHART)))
    buttons.append((say("query.button.export"), cards.query_view(EXPORT)))
    items = [_item(shown, record) for record in part]
    talk.add(cards.records(sentence, _wire_kind(shown), items, more, *buttons))


def _item(shown: Shown, record: FeeRecord, *, detail: bool = False) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": record.record_id,
        "title": record_lists.title(shown.kind, record),
        "lines": record_lists.lines(shown.kind, record, detail=detail),
    }
    if not detail:
        item["action"] = {
            "title": say("query.button.detail"),
            "payload": cards.query_record(record.record_id),
        }
    return item


def _wire_kind(shown: Shown) -> str:
    return RecordKind.PAID.value if shown.kind == OTHER else shown.kind


def _who(shown: Shown) -> str:
    return say("query.for_other", name=shown.owner) if shown.kind == OTHER else ""


def _scope(shown: Shown) -> str:
    what = describe(shown.facts, wide=say("query.wide"))
    return what.removesuffix(say("query.of")) if shown.kind == OTHER else what


def describe(facts: Mapping[str, Any], *, wide: str) -> str:
    """The time, the insurance, the validity that were asked for, in words; `wide` for no bounds in time."""
    if facts["query_kind"] == RecordKind.TIER_CHOICE:
        validity = facts.get("validity", ALL)
        return say(f"option.validity.{validity}") if validity != ALL else ""
    days, period = facts.get("date_range"), facts.get("fee_period")
    time = wide
    if days and days != ALL:
        time = _of_days(str(days))
    elif period and period != ALL:
        time = _of_months(str(period))
    group = facts.get("insured_group")
    time += insurance(None if group == ALL else group, facts.get("insurance"))
    return time + say("query.of") if time else ""


def _of_days(days: str) -> str:
    first, _, last = days.partition("/")
    if first.endswith("-01-01") and last.endswith("-12-31"):
        return _of_months(f"{first[:7]}/{last[:7]}")
    return say("query.days", first=date.fromisoformat(first), last=date.fromisoformat(last or first))


def _of_months(period: str) -> str:
    first, _, last = period.partition("/")
    if first.endswith("-01") and last.endswith("-12"):
        years = (first[:4], last[:4])
        return (
            say("option.record_year", year=years[0])
            if years[0] == years[1]
            else say("query.years", years=years)
        )
    return months(period)


# --- one record -----------------------------------------------------------------------------------------


def _show_some(talk: Talk, shown: Shown, page: int) -> None:
    """前两条: each in a line, with all of its fields on its card."""
    places = str(shown.facts["place"]).split(",")
    some = [record for place in places if (record := _counted(shown, page, int(place)))]
    items = [_item(shown, record, detail=True) for record in some]
    lines = [record_lists.spoken(shown.kind, record) for record in some]
    back = (say("query.button.back"), cards.query_page(page))
    talk.add(cards.records(say("query.some", lines=lines), _wire_kind(shown), items, None, back))


def _show_detail(talk: Talk, shown: Shown, page: int) -> None:
    record = chosen(shown, page)
    if record is None and shown.facts.get("place") in NO_OTHER:
        talk.tell(NO_OTHER[shown.facts["place"]], (say("query.button.back"), cards.query_page(page)))
        return
    if record is None:
        count = min(PAGE, len(shown.records) - (page - 1) * PAGE)
        talk.tell("query.which", count=count)
        return
    item = _item(shown, record, detail=True)
    sentence = say("query.detail", title=item["title"], lines=record_lists.spoken_lines(shown.kind, record))
    if (which := shown.facts.get("place")) in {MOST, LEAST}:
        sentence = record_figures.say_extreme(shown.kind, shown.records, which, record)
    back = (say("query.button.back"), cards.query_page(page))
    talk.add(cards.records(sentence, _wire_kind(shown), [item], None, back))


def chosen(shown: Shown, page: int) -> FeeRecord | None:
    """By id, or by its place: on the open page, or counted over all where the page has no such place."""
    if "record" in shown.facts:
        return next((r for r in shown.records if r.record_id == shown.facts["record"]), None)
    place = str(shown.facts["place"])
    if place in NO_OTHER:
        return _beside(shown, place)
    if place in {MOST, LEAST}:
        return record_figures.extreme(shown.records, place)
    if place == LATEST:
        return max(shown.records, key=record_lists.day_of)
    if place == WHICH or "," in place:
        return shown.records[0] if len(shown.records) == 1 else None
    return _counted(shown, page, int(place))


def _counted(shown: Shown, page: int, place: int) -> FeeRecord | None:
    """第三条 of the open page, or of all; the last ones are below zero."""
    part = shown.records[(page - 1) * PAGE : page * PAGE]
    if place < 0:
        return shown.records[place] if -place <= len(shown.records) else None
    if 1 <= place <= len(part):
        return part[place - 1]
    return shown.records[place - 1] if 1 <= place <= len(shown.records) else None


def _beside(shown: Shown, place: str) -> FeeRecord | None:
    """The one that was refunded, or the next or the previous of the one that was shown."""
    if place == REFUNDED:
        return next((record for record in shown.records if record.refunded_on), None)
    ids = [record.record_id for record in shown.records]
    at = ids.index(shown.facts["seen"]["record"]) + (1 if place == NEXT else -1)
    return shown.records[at] if 0 <= at < len(ids) else None


# --- to look at and to keep -------------------------------------------------------------------------------


async def _show_chart(talk: Talk, shown: Shown, bound: BoundPerson) -> None:
    years = record_lists.yearly(shown.records)
    bars = [
        Bar(
            label=say("option.record_year", year=year),
            value=paid,
            caption=say("line.value.amount", amount=paid),
        )
        for year, paid in years.items()
    ]
    scope = (
        {**shown.facts, "fee_period": ALL, "date_range": None} if "charted" in shown.facts else shown.facts
    )
    what = describe(scope, wide="").removesuffix(say("query.of"))
    picture = await talk.services.exports.show_chart(
        say("query.chart_title", what=what, who=_who(shown)),
        bars,
        note=say("query.chart_note"),
        person_id=bound.person_id,
        conversation_id=talk.conversation_id,
    )
    sentence = say(
        "query.chart",
        what=what,
        who=_who(shown),
        years=[(year, paid) for year, paid in reversed(years.items()) if paid],
        total=sum(years.values()),
    )
    if which := shown.facts.get("extreme"):
        sentence = f"{record_figures.say_extreme_year(years, which)}{sentence}"
    message = cards.text(
        sentence,
        (say("query.button.back"), cards.query_page(1)),
        (say("query.button.export"), cards.query_view(EXPORT)),
    )
    talk.add({**message, "image": picture})


async def _hand_out(talk: Talk, shown: Shown, bound: BoundPerson) -> None:
    now, minutes = talk.services.clock.now(), talk.services.settings.document_minutes
    columns, rows = record_lists.table(shown.kind, shown.records)
    notes = [
        say("query.export_owner", name=shown.owner, other=shown.kind == OTHER),
        say(
            "query.export_sum",
            what=describe(shown.facts, wide=say("query.wide")).removesuffix(say("query.of")),
            count=len(shown.records),
            total=record_lists.total(shown.records) if shown.kind != RecordKind.TIER_CHOICE else None,
            refunded=sum(record.refunded_on is not None for record in shown.records),
        ),
        say("query.export_note", day=now.date()),
    ]
    table = Table(
        title=say(f"query.table.{shown.kind}"),
        columns=columns,
        rows=rows,
        notes=notes,
        mark=say("query.demo") if talk.services.settings.sandbox else "",
    )
    files = await talk.services.exports.hand_out(
        table, person_id=bound.person_id, conversation_id=talk.conversation_id
    )
    is_pdf = "pdf" in talk.turn.text.lower()
    said = say("query.exported", count=len(shown.records), pdf=is_pdf, minutes=minutes)
    for file in reversed(files) if is_pdf else files:
        talk.add(cards.document(said, file))
        said = say("query.exported_too", pdf=not is_pdf)


async def tell_pending(talk: Talk, kind: str, holder: Holder, *, again: bool = False) -> None:
    """What has just been paid is not in the books yet: said, so that nobody pays again. Once, unless `again`."""
    if kind == RecordKind.TIER_CHOICE:
        return
    pending = (await talk.services.certificates.pending(holder)).values()
    tell = talk.tell if again else talk.tell_once
    if pending:
        tell(
            "query.pending",
            what=record_lists.unbooked_in_words(pending),
            earliest=min(year.earliest for year in pending),
            latest=max(year.latest for year in pending),
            provisional=any(year.provisional for year in pending),
        )
