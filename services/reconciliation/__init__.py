"""Reconciliation: gateways × our orders and journal × the bureau, day by day. `Reconciliation` is the way in."""

from services.reconciliation.facts import Kind
from services.reconciliation.findings import Finding
from services.reconciliation.service import REASONS, Reconciliation, Report

__all__ = ["REASONS", "Finding", "Kind", "Reconciliation", "Report"]
