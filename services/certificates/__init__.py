"""Official papers: issued once for the same facts, signed, sealed at rest, verifiable by who holds them."""

from services.certificates.checking import Checked, CheckedItem, Verdict
from services.certificates.model import (
    PAYMENT_RECORD,
    TAX_CERTIFICATE,
    Document,
    Holder,
    NotYet,
    TaxTicket,
)
from services.certificates.service import Certificates
from services.certificates.tickets import PaperFile

__all__ = [
    "PAYMENT_RECORD",
    "TAX_CERTIFICATE",
    "Certificates",
    "Checked",
    "CheckedItem",
    "Document",
    "Holder",
    "NotYet",
    "PaperFile",
    "TaxTicket",
    "Verdict",
]
