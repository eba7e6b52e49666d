"""Which key and certificate the operator signs papers with. The signing itself is `pades.py`, in the press."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from services.settings import Settings


@dataclass(frozen=True)
class Signer:
    """The files of the operator's key and certificate, PEM; the certificate comes first in its chain."""

    key_file: Path
    cert_file: Path

    @classmethod
    def named(cls, settings: Settings) -> Self:
        """ValueError when the settings name none, or two that don't belong together."""
        if settings.signing_key_file is None or settings.signing_cert_file is None:
            raise ValueError("SHEBAO_SIGNING_KEY_FILE and SHEBAO_SIGNING_CERT_FILE are not set")
        signer = cls(settings.signing_key_file, settings.signing_cert_file)
        if signer.key.public_key() != signer.chain[0].public_key():
            raise ValueError(f"{signer.cert_file} is not the certificate of the key in {signer.key_file}")
        return signer

    @cached_property
    def key(self) -> RSAPrivateKey:
        key = load_pem_private_key(self.key_file.read_bytes(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError(f"{self.key_file} is no RSA key")
        return key

    @cached_property
    def chain(self) -> list[Certificate]:
        return load_pem_x509_certificates(self.cert_file.read_bytes())
