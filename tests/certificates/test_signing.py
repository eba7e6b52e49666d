"""The signature: independent validators accept it, and reject the paper with one byte changed."""

import io
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import SignatureCoverageLevel, async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from bot.sandbox.keys import ensure_keys
from services.certificates.press import Press
from services.certificates.signing import Signer
from services.settings import Settings
from tests.certificates.test_paper import RESIDENT_MEDICAL, facts_of
from tests.conftest import FixedClock

PDFSIG = shutil.which("pdfsig")


@pytest.fixture
async def pdf(press: Press, clock: FixedClock) -> bytes:
    return (await press.make("payment_record", facts_of(RESIDENT_MEDICAL), clock.now())).pdf


async def is_sound(pdf: bytes, signer: Signer) -> bool:
    _, _, der = pem.unarmor(signer.cert_file.read_bytes())
    trusted = ValidationContext(trust_roots=[x509.Certificate.load(der)], allow_fetching=False)
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    status = await async_validate_pdf_signature(signature, signer_validation_context=trusted)
    whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    return bool(status.bottom_line and status.intact and status.valid and status.trusted and whole)


def by_poppler(pdf: bytes, folder: Path) -> str:
    file = folder / "paper.pdf"
    file.write_bytes(pdf)
    done = subprocess.run([str(PDFSIG), str(file)], capture_output=True, text=True, check=False)
    return done.stdout


async def test_the_signature_holds(pdf: bytes, signer: Signer, clock: FixedClock) -> None:
    assert await is_sound(pdf, signer)
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.docmdp_level is MDPPerm.NO_CHANGES
    signed_at = signature.self_reported_timestamp
    assert isinstance(signed_at, datetime)
    assert signed_at == clock.now()


async def test_one_changed_byte_breaks_it(pdf: bytes, signer: Signer) -> None:
    start, length, after, rest = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0].byte_range
    assert (start, after + rest) == (0, len(pdf))
    stream = pdf.index(b"stream") + 200
    for place in (stream, length // 2, after + rest - 10):
        changed = bytearray(pdf)
        changed[place] ^= 1
        assert not await _holds(bytes(changed), signer), place


async def _holds(pdf: bytes, signer: Signer) -> bool:
    try:
        return await is_sound(pdf, signer)
    except Exception:
        return False  # not even a document any more


async def test_what_is_added_breaks_it(pdf: bytes, signer: Signer) -> None:
    assert not await _holds(pdf + b"\n% and a line more\n", signer)


async def test_poppler_agrees(pdf: bytes, tmp_path: Path) -> None:
    assert "Signature Validation: Signature is Valid." in by_poppler(pdf, tmp_path)
    assert "Total document signed" in by_poppler(pdf, tmp_path)
    changed = bytearray(pdf)
    changed[pdf.index(b"stream") + 200] ^= 1
    assert "Signature is Valid" not in by_poppler(bytes(changed), tmp_path)


def test_the_key_must_be_that_of_the_certificate(tmp_path: Path, signer: Signer) -> None:
    other = ensure_keys(tmp_path)
    mixed = {"signing_key_file": other.signing_key_file, "signing_cert_file": signer.cert_file}
    with pytest.raises(ValueError, match="is not the certificate of the key"):
        Signer.named(Settings(_env_file=None, **mixed))
    with pytest.raises(ValueError, match="SHEBAO_SIGNING_KEY_FILE"):
        Signer.named(Settings(_env_file=None))


def test_the_service_itself_does_not_load_the_library() -> None:
    code = "import sys, services.bootstrap; sys.exit('pyhanko.sign' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
