"""The schema of a residents file: every field checked, dates with or without quotation marks."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from services.adapters.clock import SHANGHAI
from services.domain.divisions import find_division
from services.domain.id_documents import check_id_number, normalise
from services.domain.kinds import EnrolmentStatus, IdType, Insurance, InsuredGroup
from services.domain.money import yuan
from services.domain.names import canonical_name
from services.domain.periods import MONTH, is_period

LARGEST_AMOUNT = 10_000_000
STATUSES = {"已缴": "paid", "未缴": "unpaid", "已作废": "void"}
TIER = re.compile(r"[0-9]{2,3}%|[0-9]{3,5}")


def _as_text(value: Any) -> Any:
    """YAML reads digits without quotation marks as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_decimal(value: Any) -> Any:
    return str(value) if isinstance(value, float) else value


def _as_month(value: Any) -> Any:
    if isinstance(value, date):
        return f"{value:%Y-%m}"
    return (
        value[:7] if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else value
    )


def _as_day(value: Any) -> Any:
    return value.date() if isinstance(value, datetime) else value


def _as_moment(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), tzinfo=SHANGHAI)
    return value


def _as_status(value: Any) -> Any:
    return STATUSES.get(value, value) if isinstance(value, str) else value


def _month(value: str) -> str:
    if not MONTH.fullmatch(value):
        raise ValueError("must be a month such as 2021-03")
    return value


def _period(value: str) -> str:
    if not is_period(value):
        raise ValueError("must be months such as 2023-01/2023-12")
    return value


def _division(value: str) -> str:
    if find_division(value) is None:
        raise ValueError("is no division of Guizhou")
    return value


def _tier(value: str) -> str:
    if not TIER.fullmatch(value):
        raise ValueError("must be a tier such as 60% or 400")
    return value


def _amount(value: Decimal) -> Decimal:
    if not 0 <= value <= LARGEST_AMOUNT or value != yuan(value):
        raise ValueError("must be yuan with two places, not below zero")
    return yuan(value)


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=SHANGHAI) if value.tzinfo is None else value


Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=64)]
Month = Annotated[str, BeforeValidator(_as_month), AfterValidator(_month)]
Period = Annotated[str, AfterValidator(_period)]
Agency = Annotated[str, BeforeValidator(_as_text), AfterValidator(_division)]
Tier = Annotated[str, BeforeValidator(_as_text), AfterValidator(_tier)]
Amount = Annotated[Decimal, BeforeValidator(_as_decimal), AfterValidator(_amount)]
Rate = Annotated[Decimal, BeforeValidator(_as_decimal), Field(gt=0, lt=1)]
Day = Annotated[date, BeforeValidator(_as_day)]
Moment = Annotated[datetime, BeforeValidator(_as_moment), AfterValidator(_aware)]
Year = Annotated[int, Field(ge=2009, le=2100)]
Ticket = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[0-9]{18}$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Enrolment(_Row):
    insured_group: InsuredGroup
    insurance: Insurance
    agency: Agency
    status: EnrolmentStatus = EnrolmentStatus.ACTIVE
    since: Month


class Arrears(_Row):
    insured_group: InsuredGroup
    insurance: Insurance
    agency: Agency
    period: Period
    amount: Amount


class _Fee(_Row):
    """A fee of some time: flexible employment by months, residents by the year."""

    insured_group: InsuredGroup
    insurance: Insurance
    agency: Agency
    fee_year: Year | None = None
    fee_period: Period | None = None
    tier: Tier | None = None
    base: Amount | None = None
    rate: Rate | None = None
    amount: Amount

    @model_validator(mode="after")
    def _has_a_time(self) -> "_Fee":
        if self.insured_group is InsuredGroup.FLEXIBLE and self.fee_period is None:
            raise ValueError("flexible employment needs fee_period")
        if self.fee_period is None and self.fee_year is None:
            raise ValueError("needs fee_year or fee_period")
        return self

    @property
    def time(self) -> dict[str, Any]:
        """The one that counts when a file says both."""
        flexible = self.insured_group is InsuredGroup.FLEXIBLE
        use_period = self.fee_period is not None and (flexible or self.fee_year is None)
        return {
            "fee_period": self.fee_period if use_period else None,
            "fee_year": None if use_period else self.fee_year,
        }


class Payment(_Fee):
    paid_at: Moment
    booked_on: Day | None = None
    paid_for: Annotated[str, BeforeValidator(_as_text)] | None = None
    ticket_no: Ticket | None = None
    first_issued_on: Day | None = None
    refunded_on: Day | None = None

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("paid_for") is not None:
            return {**data, "paid_for": normalise(str(data["paid_for"]))}
        return data


class Declaration(_Fee):
    """Other fields are left alone: the contract does not say what a declaration in a file holds."""

    model_config = ConfigDict(extra="ignore")

    amount: Annotated[Amount, Field(validation_alias=AliasChoices("amount", "total"))]
    declared_at: Annotated[Moment, Field(validation_alias=AliasChoices("declared_on", "declared_at"))]
    status: Annotated[Literal["paid", "unpaid", "void"], BeforeValidator(_as_status)] | None = None


class TierChoice(_Row):
    tier: Tier
    base: Amount
    from_: Month = Field(alias="from")
    to: Month | None = None
    validity: Literal["valid", "invalid"] = "valid"


class Resident(_Row):
    name: Annotated[str, Field(min_length=1, max_length=50), AfterValidator(canonical_name)]
    id_type: IdType = IdType.RESIDENT_ID_CARD
    id_number: Annotated[str, BeforeValidator(_as_text), AfterValidator(normalise)]
    alipay_user_id: Text | None = None
    mobile: Text | None = None
    birth_date: Day | None = None
    marks: tuple[Text, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    assessed_arrears: tuple[Arrears, ...] = ()
    payments: tuple[Payment, ...] = ()
    tier_choices: tuple[TierChoice, ...] = ()
    declarations: tuple[Declaration, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _missing_lists(cls, data: Any) -> Any:
        """A list that is named and left empty reads as null."""
        return {k: v for k, v in data.items() if v is not None} if isinstance(data, dict) else data

    @model_validator(mode="after")
    def _right_number(self) -> "Resident":
        checked = check_id_number(self.id_number, self.id_type)
        if not checked.ok:
            raise ValueError(f"id_number is wrong ({checked.reason})")
        if checked.id_type is not self.id_type:
            raise ValueError("id_number is of another id_type")
        return self


class ResidentsFile(_Row):
    residents: tuple[Resident, ...]

    @model_validator(mode="after")
    def _nobody_twice(self) -> "ResidentsFile":
        _check_unique("id_number", [resident.id_number for resident in self.residents])
        _check_unique("alipay_user_id", [r.alipay_user_id for r in self.residents if r.alipay_user_id])
        return self


def _check_unique(name: str, values: Sequence[str] | Iterable[str]) -> None:
    seen: dict[str, int] = {}
    for place, value in enumerate(values, start=1):
        if value in seen:
            raise ValueError(f"residents: two of them have the same {name}")
        seen[value] = place
