"""Roles of the staff, and what each may do (`reliability` 4.3)."""

from enum import StrEnum


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Right(StrEnum):
    READ_REFUNDS = "read_refunds"
    PROPOSE_REFUND = "propose"
    APPROVE_REFUND = "approve"
    SETTLE_FINDING = "settle_finding"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.AGENT: frozenset({Right.READ_REFUNDS, Right.PROPOSE_REFUND}),
    Role.SUPERVISOR: frozenset(Right),
    Role.AUDITOR: frozenset({Right.READ_REFUNDS}),
    Role.OPERATOR: frozenset({Right.READ_REFUNDS, Right.SETTLE_FINDING}),
}
"""A case shows masked names and pseudonyms only, so whoever looks after the machine may read it."""
