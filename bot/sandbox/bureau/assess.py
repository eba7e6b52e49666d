"""What a person owes, which tiers there are, and what it costs (`Refused` with the codes of the port)."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from bot.sandbox.bureau import medical, windows
from bot.sandbox.bureau.account import Account
from bot.sandbox.residents_file import Enrolment as Registration
from services.domain.divisions import agency_name
from services.domain.errors import Refused
from services.domain.kinds import EnrolmentStatus, Insurance, InsuredGroup, PaymentType
from services.domain.money import yuan
from services.domain.periods import first_day, month_of, months_of, year_of
from services.domain.rates import (
    FULL_MEDICAL_BASE,
    ResidentPension,
    Wage,
    YearRates,
    find_rates,
    find_wage,
    monthly_base,
    monthly_contribution,
    version_of,
)
from services.ports import ArrearsItem, Caution, Dues, Enrolment, Quote, Tier

DECEMBER = 12


def enrolments(account: Account) -> list[Enrolment]:
    return [
        Enrolment(
            insured_group=entry.insured_group,
            insurance=entry.insurance,
            agency=entry.agency,
            agency_name=agency_name(entry.agency, entry.insurance),
            status=entry.status,
            since=entry.since,
            due=due(account, entry),
            last_tier=account.last_tier(entry.insured_group, entry.insurance),
        )
        for entry in account.registrations
    ]


def due(account: Account, entry: Registration) -> tuple[str, ...]:
    """Months or years that can be paid as normal payment now, oldest first."""
    if entry.status is not EnrolmentStatus.ACTIVE:
        return ()
    if entry.insured_group is InsuredGroup.FLEXIBLE:
        year = account.today.year
        months = months_of(f"{year}-01/{year}-{DECEMBER}")
        paid = account.paid_months(entry.insurance)
        return tuple(month for month in months if month >= entry.since and month not in paid)
    paid_years = account.paid_years(entry.insurance)
    return tuple(
        str(year)
        for year in _open_years(account, entry.insurance)
        if year >= year_of(entry.since) and year not in paid_years
    )


def tiers(account: Account, dues: Dues) -> list[Tier]:
    """The tiers that this person may choose, from low to high; none where there is nothing to choose."""
    if account.find_active(dues) is None:
        raise Refused("not_payable")
    if dues.insurance is Insurance.MEDICAL:
        return []
    last = account.last_tier(dues.insured_group, dues.insurance)
    if dues.insured_group is InsuredGroup.RESIDENT:
        return _resident_tiers(account, last)
    wage = _wage(account, account.today.year)
    rate, window = wage.rules.pension_rate.value, windows.of_flexible(wage, account.today.year)
    return [
        Tier(
            tier=f"{percent}%",
            amount=monthly_contribution(wage, percent, rate),
            base=monthly_base(wage, percent),
            rate=rate,
            last=f"{percent}%" == last,
            window=window,
        )
        for percent in wage.rules.pension_tiers.value
    ]


def quote(account: Account, dues: Dues) -> Quote:
    """The figures of today for `dues`."""
    if dues.payment_type is PaymentType.ARREARS:
        return _quote_arrears(account, dues)
    entry = account.find_active(dues)
    if entry is None:
        raise Refused("not_payable")
    if dues.insured_group is InsuredGroup.FLEXIBLE:
        months = _months_to_pay(account, entry, dues)
        if dues.insurance is Insurance.PENSION:
            return _quote_flexible_pension(account, dues, months)
        return _quote_flexible_medical(account, entry, dues, months)
    if dues.fee_year is None:
        raise Refused("not_payable")
    if dues.fee_year in account.paid_years(dues.insurance):
        raise Refused("already_paid")
    if dues.insurance is Insurance.PENSION:
        return _quote_resident_pension(account, entry, dues)
    return _quote_resident_medical(account, entry, dues)


def find_item(account: Account, dues: Dues) -> ArrearsItem:
    """The pushed item that `dues` name."""
    for item in account.assessed:
        fits = (item.insured_group, item.insurance, item.agency) == (
            dues.insured_group,
            dues.insurance,
            dues.agency,
        )
        if fits and item.item_id == dues.arrears_item:
            if item not in account.arrears:
                raise Refused("already_paid")
            return item
    raise Refused("not_payable")


def _open_years(account: Account, insurance: Insurance) -> Sequence[int]:
    if insurance is Insurance.MEDICAL:
        terms = {year: medical.find_terms(account, year) for year in medical.open_years(account)}
        return [year for year, found in terms.items() if found and found.total > 0]
    rates = find_rates(account.today.year)
    payable = rates and rates.resident_pension and not _too_young(account)
    return [account.today.year] if payable else []


def _months_to_pay(account: Account, entry: Registration, dues: Dues) -> list[str]:
    """The unpaid months of the asked period, which must begin with the earliest that is due."""
    asked = months_of(dues.fee_period) if dues.fee_period else ()
    open_months = due(account, entry)
    wanted = [month for month in asked if month in open_months]
    if not wanted:
        if asked and year_of(asked[0]) > account.today.year:
            raise _not_before(year_of(asked[0]))
        paid = account.paid_months(dues.insurance)
        raise Refused("already_paid" if asked and paid.issuperset(asked) else "not_payable")
    if wanted[0] != open_months[0] or asked[0] != wanted[0] or asked[-1] != wanted[-1]:
        raise Refused("not_payable")
    return wanted


def _quote_flexible_pension(account: Account, dues: Dues, months: list[str]) -> Quote:
    wage = _wage(account, year_of(months[0]))
    chosen = {tier.tier: tier for tier in tiers(account, dues)}.get(dues.tier or "")
    if chosen is None:
        raise Refused("tier_not_allowed")
    return _quote(
        dues,
        total=chosen.amount * len(months),
        base=chosen.base,
        rate=chosen.rate,
        months=len(months),
        fee_period=dues.fee_period,
        window=windows.of_flexible(wage, year_of(months[0])),
        provisional=wage.provisional,
        demo=wage.is_demo,
        version=version_of(wage.year),
    )


def _quote_flexible_medical(account: Account, entry: Registration, dues: Dues, months: list[str]) -> Quote:
    """Month by month: the base changes in July, the rate with a birthday. What differs between the months
    is left empty in the quote."""
    year = year_of(months[0])
    change = _wage(account, year).rules.medical_base_month.value
    parts = []
    for month in months:
        wage = _wage(account, year - 1 if int(month[5:]) < change else year)
        rate = wage.rules.medical_rate(dues.agency).at(_age(account, month))
        parts.append((wage, rate, monthly_contribution(wage, FULL_MEDICAL_BASE, rate)))
    begins = _benefit_after_gap(account, entry, parts[-1][0])
    bases = {monthly_base(wage, FULL_MEDICAL_BASE) for wage, _, _ in parts}
    rates = {rate for _, rate, _ in parts}
    return _quote(
        dues,
        total=sum((amount for _, _, amount in parts), Decimal(0)),
        base=bases.pop() if len(bases) == 1 else None,
        rate=rates.pop() if len(rates) == 1 else None,
        months=len(months),
        fee_period=dues.fee_period,
        window=windows.of_flexible(parts[-1][0], year),
        benefit_from=begins,
        waiting_until=begins - timedelta(days=1) if begins else None,
        provisional=any(wage.provisional for wage, _, _ in parts),
        demo=any(wage.is_demo for wage, _, _ in parts),
        version=version_of(parts[-1][0].year),
    )


def _benefit_after_gap(account: Account, entry: Registration, wage: Wage) -> date | None:
    """First day of benefit for who has missed more months than can be made up for, since the last payment or, if
    there is none, since the enrolment."""
    gap, paid = wage.rules.medical_gap(entry.agency), account.paid_months(Insurance.MEDICAL)
    now = month_of(account.today)
    begun = max(paid, default=entry.since)
    if gap is None or begun >= now:
        return None
    missed = len(months_of(f"{begun}/{now}")) - (2 if paid else 1)
    return account.today + timedelta(days=gap.wait_days + 1) if missed > gap.months else None


def _quote_resident_pension(account: Account, entry: Registration, dues: Dues) -> Quote:
    rules, _ = _pension_rules(account)
    age = _age_on(account, account.today)
    youngest, oldest = rules.ages.value
    if dues.fee_year is not None and dues.fee_year > account.today.year:
        raise _not_before(dues.fee_year)
    if str(dues.fee_year) not in due(account, entry):
        raise Refused("not_payable", **({"too_young": youngest} if _too_young(account) else {}))
    chosen = {tier.tier: tier for tier in _resident_tiers(account, None)}.get(dues.tier or "")
    if chosen is None:
        raise Refused("tier_not_allowed")
    warnings = _warnings(account, dues)
    return _quote(
        dues,
        total=chosen.amount,
        subsidy=chosen.subsidy,
        window=chosen.window,
        warnings=(*warnings, Caution.PENSION_AGE) if age is not None and age >= oldest else warnings,
        demo=rules.tiers.demo is not None,
        version=version_of(account.today.year),
    )


def _quote_resident_medical(account: Account, entry: Registration, dues: Dues) -> Quote:
    year = dues.fee_year or 0
    terms = medical.find_terms(account, year)
    if terms is None:
        raise Refused("window_closed", **medical.closing(account, year))
    if terms.total == 0:
        raise Refused("not_payable", aided=True)
    if str(year) not in due(account, entry):
        raise Refused("not_payable")
    return _quote(
        dues,
        total=terms.total,
        aid=terms.aid,
        benefit_from=terms.benefit_from,
        waiting_until=terms.waiting_until,
        no_benefit_this_year=terms.no_benefit_this_year,
        window=medical.find_window(account, year, terms),
        warnings=_warnings(account, dues),
        demo=terms.demo,
        version=version_of(year),
    )


def _quote_arrears(account: Account, dues: Dues) -> Quote:
    item = find_item(account, dues)
    return _quote(dues, total=item.amount, fee_period=item.period, version="assessed")


def _quote(dues: Dues, *, total: Decimal, **figures: object) -> Quote:
    name = agency_name(dues.agency, dues.insurance)
    return Quote(dues=dues, agency_name=name, total=yuan(total), **figures)  # type: ignore[arg-type]


def _resident_tiers(account: Account, last: str | None) -> list[Tier]:
    rules, rates = _pension_rules(account)
    window = windows.of_resident_pension(rules, rates.year, rates.checked)
    return [
        Tier(
            tier=str(tier),
            amount=yuan(tier),
            subsidy=rules.subsidy(tier),
            last=str(tier) == last,
            restricted=tier in rules.restricted.value,
            window=window,
        )
        for tier in rules.tiers_for(account.marks)
    ]


def _pension_rules(account: Account) -> tuple[ResidentPension, YearRates]:
    rates = find_rates(account.today.year)
    if rates is None or rates.resident_pension is None:
        raise Refused("not_payable")
    return rates.resident_pension, rates


def _not_before(year: int) -> Refused:
    """A year that can't be paid ahead of its first day."""
    return Refused("window_closed", year=year, opens_on=date(year, 1, 1).isoformat())


def _warnings(account: Account, dues: Dues) -> tuple[Caution, ...]:
    """Who is insured by own work as well is told so before he pays as a resident."""
    twice = any(
        entry.insured_group is InsuredGroup.FLEXIBLE
        and entry.insurance is dues.insurance
        and entry.status is EnrolmentStatus.ACTIVE
        for entry in account.registrations
    )
    return (Caution.EMPLOYEE_INSURED,) if twice else ()


def _too_young(account: Account) -> bool:
    rates, age = find_rates(account.today.year), _age_on(account, account.today)
    rules = rates.resident_pension if rates else None
    return rules is not None and age is not None and age < rules.ages.value[0]


def _wage(account: Account, year: int) -> Wage:
    wage = find_wage(year, account.today)
    if wage is None:
        raise Refused("not_payable")
    return wage


def _age(account: Account, month: str) -> int:
    """Completed years on the first day of `month`; documents without a birth date count as the younger."""
    return _age_on(account, first_day(month)) or 0


def _age_on(account: Account, day: date) -> int | None:
    born = account.born
    if born is None:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
