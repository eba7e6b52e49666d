"""Is a paper genuine? Anybody who holds one may ask, with its number and its code (`certificates` 10)."""

import hmac
import json
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from services.certificates.budgets import Budgets
from services.certificates.facts import contradicts
from services.certificates.layout import get_layout
from services.crypto import CannotDecrypt, index_of
from services.domain.names import mask_name
from services.ports import Clock, FeeRecord
from services.store.certificates import FACTS_PURPOSE, VOID, CertificateRow, find_chain
from services.store.session import Database
from services.vault import Vault

log = structlog.get_logger("certificates")

LONGEST_NUMBER, LONGEST_CODE = 32, 64
_FILLING = re.compile(r"[\s\-_.·—]+")
_ALIKE = str.maketrans("OIL", "011")

ReadRecords = Callable[[CertificateRow], Awaitable[list[FeeRecord]]]


class Verdict(StrEnum):
    GENUINE = "genuine"
    VOID = "void"
    UNKNOWN = "unknown"  # no such number, or not its code: which, is not told
    LOCKED = "locked"  # too many wrong tries, wait a quarter of an hour


@dataclass(frozen=True, kw_only=True)
class CheckedItem:
    """One line of the paper; money and days are strings as printed."""

    item: str
    first_day: str
    last_day: str
    amount: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Checked:
    """What the page of verification may show; all but the verdict is empty unless the paper is known.

    `name` is masked; the ID number is never part of it. `issue` is n for the n-th reissue of what was first
    issued on `first_issued_on`; `latest_issue` is the last one that there is of it.
    """

    verdict: Verdict
    number: str = ""
    title: str = ""
    name: str = ""
    year: str = ""
    issued_on: str = ""
    total: str = ""
    items: tuple[CheckedItem, ...] = ()
    demo: bool = False
    issue: int = 0
    latest_issue: int = 0
    first_issued_on: str = ""


class Checker:
    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        vault: Vault,
        read_records: ReadRecords,
        secret: bytes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._read_records = read_records
        self._secret = secret
        self._budgets = Budgets(database=database, clock=clock, secret=secret)

    async def check(self, number: str, code: str, *, address: str) -> Checked:
        """Judge a paper by the books of today. `Unavailable` when the bureau can't be asked."""
        number, code = tidy_number(number), tidy_code(code)
        if not await self._budgets.charge(number=number, address=address):
            log.warning("verification_locked")
            return Checked(verdict=Verdict.LOCKED)
        async with self._database.read() as session:
            chain = await find_chain(session, number)
        code_hash = hash_code(self._secret, number, code)
        row = next((paper for paper in chain if hmac.compare_digest(paper.code_hash, code_hash)), None)
        if row is None:
            return Checked(verdict=Verdict.UNKNOWN)
        await self._budgets.give_back(number=number, address=address)
        try:
            facts = await read_facts(self._vault, row)
        except CannotDecrypt:
            return Checked(verdict=Verdict.UNKNOWN)  # the person was erased
        void = row.state == VOID or await self._no_longer_true(row, facts)
        latest = max(paper.issue for paper in chain)
        return _shown(row, facts, Verdict.VOID if void else Verdict.GENUINE, latest)

    async def _no_longer_true(self, row: CertificateRow, facts: Mapping[str, Any]) -> bool:
        """Refunded or corrected since: then the paper is void from now on."""
        if not contradicts(facts, await self._read_records(row)):
            return False
        async with self._database.begin() as session:
            held = await session.get_one(CertificateRow, row.certificate_id, with_for_update=True)
            if held.state != VOID:
                held.state, held.voided_at = VOID, self._clock.now()
                log.info("certificate_voided", kind=row.kind, found_by="verification")
        return True


async def read_facts(vault: Vault, row: CertificateRow) -> dict[str, Any]:
    """What stands on a paper. `CannotDecrypt` after the person was erased."""
    facts: dict[str, Any] = json.loads(await vault.decrypt(FACTS_PURPOSE, row.certificate_id, row.facts))
    return facts


def tidy_number(number: str) -> str:
    return _FILLING.sub("", unicodedata.normalize("NFKC", number)[:LONGEST_NUMBER]).upper()


def tidy_code(code: str) -> str:
    """Half width, upper case, without spaces; letters that the alphabet of codes leaves out become digits."""
    return _FILLING.sub("", unicodedata.normalize("NFKC", code)[:LONGEST_CODE]).upper().translate(_ALIKE)


def hash_code(secret: bytes, number: str, code: str) -> str:
    return index_of(secret, "code", f"{number}|{code}")


def _shown(row: CertificateRow, facts: Mapping[str, Any], verdict: Verdict, latest: int) -> Checked:
    return Checked(
        verdict=verdict,
        number=row.number,
        title=get_layout(row.kind).title,
        name=mask_name(facts["name"]),
        year=facts["year"],
        issued_on=facts["issued_on"],
        total=facts["total"],
        items=tuple(
            CheckedItem(item=line["item"], first_day=line["from"], last_day=line["to"], amount=line["amount"])
            for line in facts["rows"]
        ),
        demo=facts["demo"],
        issue=row.issue,
        latest_issue=latest,
        first_issued_on=facts.get("first_issued_on", ""),
    )
