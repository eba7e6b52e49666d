"""What callers send to the bureau, checked; personal data only ever in the body."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.domain.kinds import IdType, RecordKind
from services.domain.money import yuan
from services.domain.people import Person
from services.domain.periods import is_period
from services.domain.refunds import Reason
from services.ports import Dues


def _two_places(value: Decimal) -> Decimal:
    if value != yuan(value):
        raise ValueError("money has two places")
    return yuan(value)


def _sound(dues: Dues) -> Dues:
    """Exactly one time: months, a year, or an assessed item."""
    named = [value for value in (dues.fee_period, dues.fee_year, dues.arrears_item) if value is not None]
    if len(named) != 1 or (dues.fee_period is not None and not is_period(dues.fee_period)):
        raise ValueError("dues need one of fee_period, fee_year, arrears_item")
    return dues


Money = Annotated[Decimal, AfterValidator(_two_places)]
SoundDues = Annotated[Dues, AfterValidator(_sound)]
Key = Annotated[str, Field(min_length=8, max_length=64)]


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PersonFacts(Body):
    id_type: IdType
    id_number: str
    name: str

    def person(self) -> Person:
        return Person(id_type=self.id_type, id_number=self.id_number, name=self.name)


class PersonBody(Body):
    person: PersonFacts


class TiersBody(Body):
    """`dues` without a time or a tier: which tiers there are does not depend on them."""

    person: PersonFacts
    dues: Dues


class QuoteBody(Body):
    person: PersonFacts
    dues: SoundDues


class DeclareBody(Body):
    person: PersonFacts
    dues: SoundDues
    key: Key
    total: Money


class PostPaymentBody(Body):
    declaration_no: str
    key: Key
    amount: Money
    paid_at: AwareDatetime
    paid_by: PersonFacts


class KeyBody(Body):
    key: Key


class DayBody(Body):
    day: date


class KeysBody(Body):
    keys: Annotated[list[Key], Field(min_length=1, max_length=50)]


class FileRefundBody(Body):
    key: Key
    payment_key: Key
    amount: Money
    reason: Reason


class RecordsBody(Body):
    person: PersonFacts
    kind: RecordKind
    fee_year: int | None = None
    paid_for: PersonFacts | None = None
