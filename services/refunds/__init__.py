"""Refunds that somebody asks for: the case, its evidence, who decides, and the way of the money."""

from services.refunds.model import CaseView, Part, Refundable
from services.refunds.service import Refunds

__all__ = ["CaseView", "Part", "Refundable", "Refunds"]
