"""One function per card kind of the contract; a message is a sentence, and a card that says the same."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from actions.say import say
from actions.slots import Option
from services.certificates import Document
from services.domain.kinds import Insurance, InsuredGroup
from services.domain.money import wire
from services.exports import Handed
from services.payment import Draft, OrderView
from services.ports import Quote

Message = dict[str, Any]


def text(sentence: str, *buttons: tuple[str, str]) -> Message:
    message: Message = {"text": sentence}
    if buttons:
        message["buttons"] = [{"title": title, "payload": payload} for title, payload in buttons]
    return message


def card(sentence: str, content: Mapping[str, Any], *buttons: tuple[str, str]) -> Message:
    return {**text(sentence, *buttons), "custom": {k: v for k, v in content.items() if v is not None}}


def menu(sentence: str, items: Sequence[tuple[str, str]]) -> Message:
    return card(sentence, {"kind": "menu", "items": [{"title": t, "payload": p} for t, p in items]})


def choice(sentence: str, slot: str, options: Sequence[Option], *buttons: tuple[str, str]) -> Message:
    """`buttons` stand below the options: what may be asked about them."""
    return card(
        sentence,
        {
            "kind": "choice",
            "slot": slot,
            "options": [
                {
                    "value": option.value,
                    "title": option.title,
                    "payload": f'/inform{{"{slot}": "{option.value}"}}',
                    **({"note": option.note} if option.note else {}),
                }
                for option in options
            ],
        },
        *buttons,
    )


def error(code: str, retryable: bool, sentence: str, *buttons: tuple[str, str]) -> Message:
    return card(sentence, {"kind": "error", "code": code, "retryable": retryable}, *buttons)


NOT_OF_OTHERS = frozenset({"agency", "base", "subsidy", "aid", "window"})
"""What a payer does not see of somebody else; the agency only when there are several to choose from."""


Lines = list[dict[str, str]]


def payment_confirmation(
    sentence: str,
    draft: Draft,
    *,
    payer: str,
    insured: str,
    lines: Lines,
    hidden: frozenset[str] = frozenset(),
) -> Message:
    """`hidden` fields are not told; of several bills those fields are told that are the same for all."""
    first, *more = [dues_fields(bill.quote) for bill in draft.bills]
    fields = {
        name: value
        for name, value in first.items()
        if name not in hidden and all(other[name] == value for other in more)
    }
    return card(
        sentence,
        {
            "kind": "payment_confirmation",
            "draft_id": draft.draft_id,
            "payer": payer,
            "insured": insured,
            **fields,
            "lines": lines,
            "total": wire(draft.total),
        },
        (say("button.confirm"), f'/affirm{{"draft_id": "{draft.draft_id}"}}'),
        (say("button.change"), "/change_answer"),
        (say("button.cancel"), f'/cancel{{"draft_id": "{draft.draft_id}"}}'),
    )


def dues_fields(quote: Quote) -> dict[str, Any]:
    dues = quote.dues
    return {
        "insured_group": dues.insured_group.value,
        "insurance": dues.insurance.value,
        "payment_type": dues.payment_type.value,
        "agency": dues.agency,
        "fee_period": dues.fee_period or quote.fee_period,
        "fee_year": dues.fee_year,
        "tier": dues.tier,
        "base": wire(quote.base) if quote.base is not None else None,
    }


def bill_lines(quote: Quote, payer: str, insured: str, hidden: frozenset[str]) -> Lines:
    """What stands on the review of one bill."""
    return [
        {"label": say(f"line.label.{name}"), "value": value}
        for name, value in _lines(quote, payer, insured)
        if name not in hidden
    ]


def several_lines(payer: str, bills: Sequence[tuple[str, str]], total: Decimal) -> Lines:
    """What stands on the review of several: a line for each of them."""
    lines = [
        (say("line.label.payer"), payer),
        *bills,
        (say("line.label.total"), say("line.value.amount", amount=total)),
    ]
    return [{"label": label, "value": value} for label, value in lines]


def _lines(quote: Quote, payer: str, insured: str) -> list[tuple[str, str]]:
    """By name, in words."""
    dues = quote.dues
    found = [
        ("payer", payer),
        ("insured", insured),
        ("insurance", say(f"insurance.{dues.insured_group}.{dues.insurance}")),
        ("agency", quote.agency_name),
    ]
    if (dues.insured_group, dues.insurance) != (InsuredGroup.RESIDENT, Insurance.MEDICAL):
        found.append(("payment_type", say(f"payment_type.{dues.payment_type}")))  # P5 knows none (R1)
    period = dues.fee_period or quote.fee_period
    if period:
        found.append(("fee_period", say("line.value.period", period=period)))
    if dues.fee_year:
        found.append(("fee_year", say("option.fee_year", year=dues.fee_year)))
    if dues.tier:
        found.append(("tier", say(f"line.value.tier.{dues.insured_group}", tier=dues.tier)))
    if quote.base is not None:
        found.append(("base", say("line.value.monthly", amount=quote.base)))
    if quote.subsidy:
        found.append(("subsidy", say("line.value.amount", amount=quote.subsidy)))
    if quote.aid:
        found.append(("aid", say("line.value.amount", amount=quote.aid)))
    if quote.window:
        found.append(("window", say("line.value.until", ends=quote.window.ends)))
    found.append(("total", say("line.value.amount", amount=quote.total)))
    return found


def payment_request(sentence: str, order: OrderView) -> Message:
    cashier = order.cashier
    if cashier is None:
        raise ValueError("an order can be paid only when its cashier is known")
    return card(
        sentence,
        {
            "kind": "payment_request",
            "order_no": order.order_no,
            "total": wire(order.total),
            "provider": order.provider,
            "cashier_url": cashier.cashier_url,
            "qr_code": cashier.qr_code,
            "expires_at": order.expires_at.isoformat(timespec="seconds"),
        },
        (say("button.paid"), "/check_payment_status"),
        (say("button.cancel_order"), f'/cancel{{"order_no": "{order.order_no}"}}'),
    )


def payment_status(sentence: str, order: OrderView, *buttons: tuple[str, str]) -> Message:
    available = order.records_available_on
    return card(
        sentence,
        {
            "kind": "payment_status",
            "order_no": order.order_no,
            "status": order.status,
            "total": wire(order.total),
            "paid_at": order.paid_at.isoformat(timespec="seconds") if order.paid_at else None,
            "booked": order.booked,
            "records_available_on": available.isoformat() if available else None,
        },
        *buttons,
    )


def records(
    sentence: str,
    query_kind: str,
    items: Sequence[Mapping[str, Any]],
    more: str | None,
    *buttons: tuple[str, str],
) -> Message:
    """`more` is the payload of the next page."""
    content = {"kind": "records", "query_kind": query_kind, "items": list(items), "next": more}
    return card(sentence, content, *buttons)


def query(kind: str) -> str:
    """The payload that asks for all records of a kind."""
    about = ', "beneficiary": "other"' if kind == "paid_for_other" else ""
    return f'/query_records{{"query_kind": "{kind}"{about}, "fee_period": "all"}}'


def query_page(page: int) -> str:
    return f'/query_records{{"query_page": "{page}"}}'


def query_view(view: str) -> str:
    return f'/query_records{{"query_view": "{view}"}}'


def query_record(record_id: str) -> str:
    return "/query_records" + json.dumps({"record_id": record_id}, ensure_ascii=False)


def document(sentence: str, paper: Document | Handed) -> Message:
    return card(
        sentence,
        {
            "kind": "document",
            "title": paper.title,
            "number": paper.number,
            "url": paper.url,
            "preview_url": paper.preview_url,
            "expires_at": paper.expires_at.isoformat(timespec="seconds"),
            "sha256": paper.sha256,
        },
    )
