"""Paying: drafts, orders, evidence, posting, refunds. `Payment` is the way in."""

from services.payment.desk import CASHIER
from services.payment.model import Changed, Draft, OrderView, Placed
from services.payment.service import Payment

__all__ = ["CASHIER", "Changed", "Draft", "OrderView", "Payment", "Placed"]
