"""The texts that WeChat Pay signs, its keys, and what it encrypts (`protocols` 8).

RSA is PKCS#1 v1.5 with SHA-256, encryption AES-256-GCM with the merchant's APIv3 key.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.adapters.alipay.signing import sign

SCHEME = "WECHATPAY2-SHA256-RSA2048"
ALGORITHM = "AEAD_AES_256_GCM"
API_V3_KEY_BYTES = 32
PUBLIC_KEY_ID = "PUB_KEY_ID_"
"""What the serial begins with when the platform signs with its public key and not with a certificate."""
HEADERS = (
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-signature",
    "wechatpay-serial",
    "wechatpay-signature-type",
)
_BLOCK = re.compile(r"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----.+?-----END \1-----", re.DOTALL)


class Undecipherable(ValueError):
    """Not encrypted with our key, or not in the shape of an encrypted resource."""


@lru_cache(maxsize=8)
def read_private_key(pem: str) -> RSAPrivateKey:
    """The merchant's key; reading it also proves it. ValueError when it is no RSA key."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the merchant's key of WeChat Pay is not an RSA key")
    return key


def read_platform_keys(pem: str, public_key_id: str = "") -> dict[str, RSAPublicKey]:
    """Serial -> key, of every certificate in the text, and of its public key by `public_key_id`.

    ValueError when there is none, or when a public key has no id.
    """
    keys: dict[str, RSAPublicKey] = {}
    for block in _BLOCK.finditer(pem):
        if block[1] == "CERTIFICATE":
            serial, key = read_certificate(block[0])
        elif public_key_id:
            serial, key = public_key_id, _rsa(load_pem_public_key(block[0].encode()))
        else:
            raise ValueError("the platform's public key needs its id, PUB_KEY_ID_…")
        keys[serial] = key
    if not keys:
        raise ValueError("no certificate and no public key of WeChat Pay was given")
    return keys


def read_certificate(pem: str) -> tuple[str, RSAPublicKey]:
    """Serial number as WeChat Pay writes it, and key."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return f"{certificate.serial_number:X}", _rsa(certificate.public_key())


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise ValueError("a key of WeChat Pay is not an RSA key")
    return key


def request_text(method: str, target: str, timestamp: str, nonce: str, body: str) -> bytes:
    """What a request signs; `target` is the path with its query."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n".encode()


def answer_text(timestamp: str, nonce: str, body: str) -> bytes:
    """What an answer or a notification signs."""
    return f"{timestamp}\n{nonce}\n{body}\n".encode()


def bridge_text(app_id: str, timestamp: str, nonce: str, package: str) -> bytes:
    """What the page signs that opens the cashier inside WeChat."""
    return f"{app_id}\n{timestamp}\n{nonce}\n{package}\n".encode()


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """Who signs: number, serial of the own certificate, and its key."""

    mch_id: str
    serial: str
    key: RSAPrivateKey

    def authorization(self, method: str, target: str, *, timestamp: str, nonce: str, body: str) -> str:
        signature = sign(request_text(method, target, timestamp, nonce, body), self.key)
        fields = {
            "mchid": self.mch_id,
            "nonce_str": nonce,
            "signature": signature,
            "timestamp": timestamp,
            "serial_no": self.serial,
        }
        return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def encrypt(plain: bytes, *, key: bytes, nonce: str, associated: str) -> str:
    """Base64 of ciphertext and tag. `nonce` is 12 characters."""
    sealed = AESGCM(key).encrypt(nonce.encode(), plain, associated.encode())
    return base64.b64encode(sealed).decode("ascii")


def decrypt(resource: Mapping[str, Any], key: bytes) -> bytes:
    """The content of an encrypted resource `{algorithm?, ciphertext, associated_data?, nonce}`."""
    if resource.get("algorithm", ALGORITHM) != ALGORITHM:
        raise Undecipherable("unknown algorithm")
    parts = [resource.get(name) or "" for name in ("ciphertext", "nonce", "associated_data")]
    if not all(isinstance(part, str) for part in parts):
        raise Undecipherable("not an encrypted resource")
    ciphertext, nonce, associated = parts
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(key).decrypt(nonce.encode(), sealed, associated.encode())
    except (binascii.Error, ValueError, InvalidTag) as error:
        raise Undecipherable("not encrypted with our key") from error
