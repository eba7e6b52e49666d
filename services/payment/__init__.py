"""Paying: drafts, orders, evidence, posting, refunds. `Payment` is the way in."""

from services.payment.desk import CASHIER
from services.payment.model import Bill, Changed, Checkout, Draft, OrderBill, OrderView, Placed
from services.payment.service import Payment

__all__ = ["CASHIER", "Bill", "Changed", "Checkout", "Draft", "OrderBill", "OrderView", "Payment", "Placed"]
