"""What is done about each kind of difference, as far as the word of gateway and bureau goes (`reliability` R7).

A file makes us ask; what is answered moves the order, by the one function that does (`evidence.apply`).
What can't be settled like that stays open, with a word on how it stands.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from services.domain.errors import OutcomeUnknown, Unavailable
from services.domain.money import yuan
from services.payment.mending import Mending
from services.ports import BillKind, TradeStatus
from services.reconciliation.facts import BUREAU, ORDER_REFUNDED, TELL_BUREAU, Difference, Kind
from services.store.reconciliation import ACCEPTED, MENDED, OPEN

NOTHING = Decimal("0.00")
LONGEST_REF = 40


@dataclass(frozen=True)
class Outcome:
    state: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Mender:
    payment: Mending

    async def mend(self, difference: Difference) -> Outcome:
        """How the difference stands after all that may be done. `Unavailable`, `OutcomeUnknown`: ask later."""
        return await MENDING[difference.kind](self, difference)


async def _long(mender: Mender, it: Difference) -> Outcome:
    if it.order_no is None:
        if it.note == "order_lost":  # kept as evidence; an order is never invented
            await mender.payment.ask_about(it.source, it.number)
        return Outcome(OPEN, it.note)
    facts = await mender.payment.ask(it.order_no)
    if not await mender.payment.is_captured(it.order_no):
        return Outcome(OPEN, f"gateway_says_{facts.status}")
    with suppress(Unavailable, OutcomeUnknown):  # the money is taken in; the job goes on telling the bureau
        await mender.payment.settle_at_bureau(it.order_no)
    return Outcome(MENDED, "taken_in")


async def _short(mender: Mender, it: Difference) -> Outcome:
    if it.order_no is None:
        return Outcome(OPEN, it.note)
    if it.source == BUREAU:
        told = await mender.payment.post_again(it.order_no, it.number)
        return Outcome(OPEN, "posted_again" if told else "bureau_contradicts_itself")
    if it.note == "refund":
        refund = await mender.payment.find_refund(it.order_no, it.number.partition("/")[2])
        return Outcome(OPEN, "gateway_confirms" if refund.done else "gateway_denies")
    facts = await mender.payment.ask(it.order_no)
    if await mender.payment.is_refunded(it.order_no):
        return Outcome(MENDED, "refunded_outside")
    confirmed = facts.status is TradeStatus.PAID and facts.total == it.expected
    return Outcome(OPEN, "gateway_confirms" if confirmed else f"gateway_says_{facts.status}")


async def _ask(mender: Mender, it: Difference) -> Outcome:
    """A person has to look at it; the gateway's word of now is taken in first."""
    if it.order_no is not None:
        await mender.payment.ask(it.order_no)
    return Outcome(OPEN, it.note)


async def _status(mender: Mender, it: Difference) -> Outcome:
    if it.order_no is None:
        return Outcome(OPEN, it.note)
    if it.note == "refund_open":
        done = await mender.payment.settle_refund(it.order_no, it.number.partition("/")[2])
        return Outcome(MENDED, "refund_done") if done else Outcome(OPEN, it.note)
    if it.note == "booking_not_known":
        booked = await mender.payment.settle_at_bureau(it.order_no)
        return Outcome(MENDED, "booked") if booked else Outcome(OPEN, it.note)
    return await _ask(mender, it) if it.note == "other_trade" else Outcome(OPEN, it.note)


async def _cross_day(_mender: Mender, it: Difference) -> Outcome:
    """The money is the same; midnight lay between two clocks."""
    return Outcome(ACCEPTED, "same_money")


async def _external_refund(mender: Mender, it: Difference) -> Outcome:
    if it.order_no is None or it.line is None or it.line.request_no is None:
        return Outcome(OPEN, it.note)
    if it.note in {ORDER_REFUNDED, TELL_BUREAU}:
        return Outcome(MENDED if it.note == ORDER_REFUNDED else OPEN, it.note)
    refund = await mender.payment.find_refund(it.order_no, it.line.request_no)
    if not refund.done or refund.amount != it.line.total:
        return Outcome(OPEN, "gateway_denies")
    if refund.amount < await mender.payment.left(it.order_no, before=refund.request_no):
        await mender.payment.record_outside_refund(it.order_no, refund)
        return Outcome(OPEN, "part_given_back")
    facts = await mender.payment.ask(it.order_no)
    if await mender.payment.is_refunded(it.order_no):
        booked = await mender.payment.is_booked(it.order_no)
        return Outcome(OPEN, TELL_BUREAU) if booked else Outcome(MENDED, ORDER_REFUNDED)
    return Outcome(OPEN, f"gateway_says_{facts.status}")


async def _discount(mender: Mender, it: Difference) -> Outcome:
    line = it.line
    if it.order_no is None or line is None or it.expected != NOTHING:
        return Outcome(OPEN, "booked_otherwise")
    given = yuan(line.total - line.received)
    if line.kind is BillKind.REFUND:
        await mender.payment.book_discount(
            it.order_no, given, ref=(line.request_no or "")[:LONGEST_REF], back=True
        )
        return Outcome(MENDED, "booked")
    facts = await mender.payment.ask(it.order_no)
    confirmed = facts.received in {None, line.received} and facts.total == line.total
    if not confirmed or not await mender.payment.is_captured(it.order_no):
        return Outcome(OPEN, "gateway_denies")
    await mender.payment.book_discount(it.order_no, given, ref=line.trade_no[:LONGEST_REF], back=False)
    return Outcome(MENDED, "booked")


async def _bureau_missing(mender: Mender, it: Difference) -> Outcome:
    if it.order_no is None:
        return Outcome(OPEN, it.note)
    booked = await mender.payment.settle_at_bureau(it.order_no)
    return Outcome(MENDED, "booked") if booked else Outcome(OPEN, "told_again")


async def _stays_open(_mender: Mender, it: Difference) -> Outcome:
    return Outcome(OPEN, it.note)


MENDING: dict[Kind, Callable[[Mender, Difference], Awaitable[Outcome]]] = {
    Kind.LONG: _long,
    Kind.SHORT: _short,
    Kind.AMOUNT: _stays_open,
    Kind.STATUS: _status,
    Kind.CROSS_DAY: _cross_day,
    Kind.DUPLICATE: _stays_open,
    Kind.EXTERNAL_REFUND: _external_refund,
    Kind.DISCOUNT: _discount,
    Kind.BUREAU_MISSING: _bureau_missing,
    Kind.BUREAU_UNKNOWN: _stays_open,
    Kind.JOURNAL: _stays_open,
}
