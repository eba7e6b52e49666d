"""The operator's signature on a paper (PAdES B-B): whoever changes one byte of it breaks the signature.

The paper is certified, so no change is allowed afterwards, not even filling in a form. No seal is drawn. The
library is large, so only the process that prints imports this.
"""

import asyncio
import hashlib
import io
from datetime import datetime
from functools import cache
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from services.certificates.signing import Signer

FIELD = "Signature"
DIGEST = "sha256"
ID_BYTES = 16
ROOM = 2048
"""Bytes that a signature takes beside the certificates."""


def sign(signer: Signer, pdf: bytes, at: datetime) -> bytes:
    """`pdf` with a signature that says it was made at `at`."""
    dated = _DatedSigner(
        PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm=DIGEST,
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        ),
        signer=_prepare(signer),
    )
    dated.at = at
    room = signer.cert_file.stat().st_size + ROOM
    signed = asyncio.run(dated.async_sign_pdf(_Writer(io.BytesIO(pdf)), bytes_reserved=2 * room))
    return bytes(signed.getvalue())


class _DatedSigner(PdfSigner):
    """The time is the service's, not that of the machine."""

    at: datetime

    def init_signing_session(self, pdf_out: Any, existing_fields_only: bool = False) -> Any:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.at
        return session


class _Writer(IncrementalPdfFileWriter):
    """The same paper gets the same identifier, so that it is signed to the same bytes."""

    @classmethod
    def _handle_id(cls, prev: Any) -> Any:
        prev.stream.seek(0)
        made = hashlib.sha256(prev.stream.read()).digest()[:ID_BYTES]
        return generic.ArrayObject([generic.ByteStringObject(made)] * 2)

    def _update_meta(self) -> None:
        """Title and time stay as they were drawn: here the time of the machine would be written."""


class _KeptKey(SimpleSigner):
    """The key is parsed and checked once, not at each paper, which takes as long as all the rest."""

    key: RSAPrivateKey

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        return self.key.sign(data, PKCS1v15(), SHA256())


@cache
def _prepare(signer: Signer) -> SimpleSigner:
    """Key and certificates as the library wants them."""
    loaded = [asn1_x509.Certificate.load(cert.public_bytes(Encoding.DER)) for cert in signer.chain]
    private = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    ready = _KeptKey(
        signing_cert=loaded[0],
        signing_key=asn1_keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore.from_certs(loaded),  # type: ignore[no-untyped-call]
    )
    ready.key = signer.key
    return ready
