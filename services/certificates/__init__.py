"""Official papers: issued once for the same facts, sealed at rest, verifiable by anybody who holds them."""

from services.certificates.checking import Checked, CheckedItem, Verdict
from services.certificates.service import Certificates, Document, NotYet
from services.certificates.tickets import PaperFile

__all__ = [
    "Certificates",
    "Checked",
    "CheckedItem",
    "Document",
    "NotYet",
    "PaperFile",
    "Verdict",
]
