"""Liveness, readiness and figures for the operator."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json, raw
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.bootstrap import Services
from services.domain.errors import ServiceError

FINDINGS = Gauge("shebao_open_findings", "Differences of reconciliation that need a person", ["kind"])
INVARIANTS = ("I1", "I2", "I3", "I5", "I14")
JOBS = Gauge("shebao_jobs", "Durable work that is dead or fails again and again", ["state"])
BROKEN = Gauge("shebao_broken_invariants", "What the last look at the money found broken", ["invariant"])


def blueprint(services: Services, *, ready: Callable[[], bool]) -> Blueprint:
    routes = Blueprint("health")

    @routes.get("/healthz")
    async def healthz(_request: Request) -> HTTPResponse:
        return json({"status": "ok"})

    @routes.get("/readyz")
    async def readyz(_request: Request) -> HTTPResponse:
        """200 when a resident can pay: model, database, gateway and bureau."""
        found = {
            "model": ready(),
            "database": await _database(services),
            "gateway": await _answers(services.peers.ping_gateway),
            "bureau": await _answers(services.peers.ping_bureau),
        }
        return json({"ready": all(found.values()), **found}, status=200 if all(found.values()) else 503)

    @routes.get("/metrics")
    async def metrics(_request: Request) -> HTTPResponse:
        await _measure(services)
        return raw(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return routes


async def _measure(services: Services) -> None:
    """From the store, where it is whichever process found it. A store that does not answer is no "nothing"."""
    try:
        jobs, broken = await services.jobs.count(), await services.payment.count_findings()
        findings = await services.reconciliation.count_open()
    except (SQLAlchemyError, OSError):
        for gauge in (JOBS, BROKEN, FINDINGS):
            gauge.clear()
        return
    for kind, count in findings.items():
        FINDINGS.labels(kind).set(count)
    for state, number in jobs.items():
        JOBS.labels(state).set(number)
    for invariant in INVARIANTS:
        BROKEN.labels(invariant).set(broken.get(invariant, 0))


async def _database(services: Services) -> bool:
    try:
        async with services.database.read() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        return False
    return True


async def _answers(ping: Callable[[], object]) -> bool:
    try:
        await ping()  # type: ignore[misc]
    except ServiceError:
        return False
    return True
