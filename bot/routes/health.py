"""Liveness, readiness and figures for the operator."""

from collections.abc import Callable
from contextlib import suppress

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json, raw
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.bootstrap import Services
from services.domain.errors import ServiceError

FINDINGS = Gauge("shebao_open_findings", "Differences of reconciliation that need a person", ["kind"])


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
        with suppress(SQLAlchemyError, OSError):  # the other figures are worth having all the more
            for kind, count in (await services.reconciliation.count_open()).items():
                FINDINGS.labels(kind).set(count)
        return raw(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return routes


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
