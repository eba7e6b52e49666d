"""One official paper: drawn, signed, and its picture; the CPU that it takes in the printing process."""

import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.sandbox.keys import ensure_keys
from services.adapters.clock import SHANGHAI
from services.certificates.drawing import Sheet
from services.certificates.facts import Numbering, payment_record_facts
from services.certificates.layout import get_layout
from services.certificates.render import draw_signed, picture_of
from services.certificates.signing import Signer
from services.domain.kinds import IdType, Insurance, InsuredGroup, RecordKind
from services.domain.people import Person
from services.ports import FeeRecord

ROUNDS = 20
MADE_AT = datetime(2026, 11, 23, 10, tzinfo=SHANGHAI)
NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"


def measure() -> dict[str, float]:
    """Milliseconds of CPU: the first paper of a process, a page of one row, one of a year of months, a picture."""
    with TemporaryDirectory() as folder:
        keys = ensure_keys(Path(folder))
        signer = Signer(key_file=keys.signing_key_file, cert_file=keys.signing_cert_file)
        layout = get_layout("payment_record")

        def draw(rows: int) -> Callable[[int], bytes]:
            return lambda place: draw_signed(Sheet(), layout, _facts(rows, place), MADE_AT, signer)

        first = _milliseconds(draw(1), 1)
        pdf = draw(12)(0)
        return {
            "paper_first": first,
            "paper": _milliseconds(draw(1), ROUNDS),
            "paper_year": _milliseconds(draw(12), ROUNDS),
            "picture": _milliseconds(lambda _place: picture_of(pdf), ROUNDS),
        }


def _milliseconds(work: Callable[[int], object], rounds: int) -> float:
    began = time.process_time()
    for place in range(rounds):
        work(place)
    return (time.process_time() - began) / rounds * 1000


def _facts(rows: int, place: int) -> dict[str, object]:
    """Another name each time, so that no paper finds all its glyphs prepared."""
    person = Person(
        id_type=IdType.RESIDENT_ID_CARD,
        id_number="520103198602140004",
        name=NAMES[place] + chr(0x6881 + 7 * place),
    )
    records = [
        FeeRecord(
            record_id=f"m{month}", kind=RecordKind.PAID, insured_group=InsuredGroup.FLEXIBLE,
            insurance=Insurance.PENSION, agency="520103", agency_name="云岩区社保经办机构",
            tax_office="国家税务总局贵阳市云岩区税务局", fee_period=f"2026-{month:02d}", base=Decimal("4394.70"),
            rate=Decimal("0.20"), amount=Decimal("878.94"), booked_on=date(2026, month, 20),
            ticket_no=f"4520152611900001{month:02d}",
        )
        for month in range(1, rows + 1)
    ]  # fmt: skip
    numbering = Numbering(
        number="GZ1C7K3M9Q2X8ABCDE",
        code="ABCD2345EFGH6789",
        issued_on=MADE_AT.date(),
        verify_url="https://sb.example/verify/GZ1C7K3M9Q2X8ABCDE?code=ABCD2345EFGH6789",
        demo=True,
    )
    return payment_record_facts(person, 2026, records, numbering)


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name}: {value:.0f} ms")
