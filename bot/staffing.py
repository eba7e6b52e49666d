"""`shebao agents`, `shebao refunds`, `shebao export-audit`: what staff and auditors type."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from services.domain.errors import Refused
from services.domain.staff import Role
from services.settings import Settings

if TYPE_CHECKING:
    from services.bootstrap import Services
    from services.staff import Agent

T = TypeVar("T")
SECRET = "SHEBAO_AGENT_SECRET"  # noqa: S105 - the name of a variable
ERRORS = {
    "bad_agent_name": "a name is 2 to 32 small letters, digits, dots or hyphens, and begins with a letter",
    "agent_exists": "there is somebody of this name; disable that one first",
    "unknown_agent": "there is nobody of this name, or that one is disabled already",
    "agent_not_known": f"wrong name, wrong secret, or disabled (the secret is asked for, or taken from {SECRET})",
    "not_allowed": "your role does not allow this",
    "unknown_refund": "there is no refund of this number",
    "refund_not_open": "this refund does not wait for a decision",
    "refund_not_stuck": "this refund is not stuck: it is on its way, or done",
    "signed_already": "you have agreed to this refund already: somebody else has to",
    "reason_missing": "a rejection needs a reason",
    "reason_too_long": "a reason has at most 200 characters",
}

agents = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The local list of staff.")
refunds = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Refunds that residents ask for.")
ReadSettings = Callable[..., Settings]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Who acts; the secret is asked for.")]
Number = Annotated[str, typer.Argument(metavar="NO")]
_settings: list[ReadSettings] = []


def register(app: typer.Typer, read_settings: ReadSettings) -> None:
    """Hang the commands into `app`; each reads its settings by `read_settings`."""
    _settings[:] = [read_settings]
    app.add_typer(agents, name="agents")
    app.add_typer(refunds, name="refunds")
    app.command("export-audit")(export_audit)


@agents.command("add")
def agents_add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[Role, typer.Option(help="What this one may do.")],
) -> None:
    """Add somebody; the secret is shown this once."""
    secret = _run(lambda services: services.staff.add(name, role))
    typer.echo(f"{name} ({role.value}), secret: {secret}")


@agents.command("list")
def agents_list() -> None:
    """Who there is, with which role."""
    for one in _run(lambda services: services.staff.list_all()):
        state = f"disabled {one.disabled_at:%Y-%m-%d}" if one.disabled_at else "active"
        typer.echo(f"{one.name}  {one.role.value}  {state}")


@agents.command("disable")
def agents_disable(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Take all rights from somebody."""
    _run(lambda services: services.staff.disable(name))
    typer.echo(f"{name} is disabled")


@refunds.command("list")
def refunds_list(
    name: As, everything: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False
) -> None:
    """Refunds that wait for the staff, oldest first."""
    for case in _as(name, lambda services, me: services.refunds.list_cases(me, everything=everything)):
        stage = f"/{case.stage.value}" if case.stage else ""
        typer.echo(
            f"{case.case_no}  {case.requested_at:%Y-%m-%d %H:%M}  {case.amount} yuan  {case.reason.value}  "
            f"{case.route.value}  {case.state.value}{stage}"
        )


@refunds.command("show")
def refunds_show(number: Number, name: As) -> None:
    """A refund with its evidence, as JSON."""
    shown = _as(name, lambda services, me: services.refunds.show(number, me))
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@refunds.command("propose")
def refunds_propose(number: Number, name: As) -> None:
    """Agree to a refund as the first of two; a supervisor has to approve it."""
    state = _as(name, lambda services, me: services.refunds.propose(number, me))
    typer.echo(_signed(number, state.value))


@refunds.command("approve")
def refunds_approve(number: Number, name: As) -> None:
    """Approve a refund. Two different people have to agree, one of them a supervisor."""
    state = _as(name, lambda services, me: services.refunds.approve(number, me))
    typer.echo(_signed(number, state.value))


@refunds.command("reject")
def refunds_reject(
    number: Number, name: As, reason: Annotated[str, typer.Option(help="For the audit; no personal data.")]
) -> None:
    """Say no to a refund."""
    from bot.personal_numbers import Reading, find_numbers

    if find_numbers(Reading(reason)):
        raise ValueError("the reason holds a number of a person: leave it out")
    _as(name, lambda services, me: services.refunds.reject(number, me, reason))
    typer.echo(f"{number} is rejected")


@refunds.command("stuck")
def refunds_stuck(name: As) -> None:
    """Refunds that the gateway has refused, oldest first; `retry NO` has one sent again."""
    for one in _as(name, lambda services, me: services.refunds.list_stuck(me)):
        sent = f"{one.sent_at:%Y-%m-%d %H:%M}" if one.sent_at else "not sent"
        typer.echo(f"{one.request_no}  {sent}  {one.amount} yuan  {one.code}  {one.order_no}")


@refunds.command("retry")
def refunds_retry(number: Number, name: As) -> None:
    """Send a stuck refund again, when what the gateway had against it is settled there."""
    _as(name, lambda services, me: services.refunds.retry(number, me))
    typer.echo(f"{number} is sent again; `shebao refunds stuck` lists it if it is refused once more")


def export_audit() -> None:
    """Write the audit trail as JSON lines, and check its chain on the way."""
    _run(_write_audit)


async def _write_audit(services: "Services") -> None:
    from dataclasses import asdict

    from services.audit import read

    async for entry in read(services.database):  # `ChainBroken` after the last sound row
        typer.echo(json.dumps(asdict(entry), ensure_ascii=False))


def _signed(number: str, state: str) -> str:
    return f"{number} is approved" if state == "approved" else f"{number}: one more person has to agree"


def _as(name: str, work: Callable[["Services", "Agent"], Awaitable[T]]) -> T:
    """Run `work` as somebody who has proved who he is."""
    secret = ask_secret()

    async def proved(services: "Services") -> T:
        return await work(services, await services.staff.log_in(name, secret))

    return _run(proved)


def ask_secret() -> str:
    """From the environment, or typed unseen."""
    return os.environ.get(SECRET) or str(typer.prompt("Secret", hide_input=True, err=True))


def _run(work: Callable[["Services"], Awaitable[T]]) -> T:
    from bot.serving import check, prepare_store

    settings = _settings[0]()
    check(settings, "cannot reach the store")
    prepare_store(settings)
    try:
        return asyncio.run(_with_services(settings, work))
    except Refused as refused:
        raise ValueError(ERRORS.get(refused.code, refused.code)) from None


async def _with_services(settings: Settings, work: Callable[["Services"], Awaitable[T]]) -> T:
    from services.bootstrap import bootstrap

    services = bootstrap(settings)
    try:
        await services.open()
        return await work(services)
    finally:
        await services.close()
