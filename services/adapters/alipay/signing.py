"""RSA2 (PKCS#1 v1.5, SHA-256, base64), and the texts that Alipay signs (`protocols` 1.1, 1.2, 4.1)."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

_END = "-----END PUBLIC KEY-----"
_SPACE = " \t\r\n"


class Unreadable(ValueError):
    """An answer that does not have the shape of one. It says nothing about what happened."""


@lru_cache(maxsize=8)
def read_private_key(pem: str) -> RSAPrivateKey:
    """A private key; reading it also proves it, which takes 40 ms. ValueError when it is no RSA key."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the Alipay private key is not an RSA key")
    return key


def read_public_keys(pem: str) -> tuple[RSAPublicKey, ...]:
    """Every RSA public key in the text: two are valid while Alipay changes its key (`reliability` P18)."""
    blocks = [block + _END for block in pem.split(_END) if block.strip()]
    keys = tuple(key for key in (load_pem_public_key(block.encode()) for block in blocks) if _is_rsa(key))
    if not keys:
        raise ValueError("no RSA public key of Alipay was given")
    return keys  # type: ignore[return-value]


def _is_rsa(key: object) -> bool:
    return isinstance(key, RSAPublicKey)


def sign(text: bytes, key: RSAPrivateKey) -> str:
    return base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode("ascii")


def verifies(text: bytes, signature: str, keys: Sequence[RSAPublicKey]) -> bool:
    """True when one of `keys` made `signature` over `text`."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(_verifies(text, raw, key) for key in keys)


def _verifies(text: bytes, signature: bytes, key: RSAPublicKey) -> bool:
    try:
        key.verify(signature, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def request_text(parameters: Mapping[str, str]) -> str:
    """What a request signs: everything but `sign` and empty values."""
    kept = {name: value for name, value in parameters.items() if name != "sign" and value != ""}
    return _join(kept)


def notification_text(form: Mapping[str, str]) -> str:
    """What a notification signs: everything that came, but neither `sign` nor `sign_type`."""
    return _join({name: value for name, value in form.items() if name not in {"sign", "sign_type"}})


def _join(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))


def split_answer(text: str) -> dict[str, tuple[str, Any]]:
    """The members of an answer: name -> (exact characters, value).

    Signatures cover the exact characters, so they are cut out and never written anew.
    Raises `Unreadable` for anything but one JSON object without repeated names.
    """
    decoder = json.JSONDecoder()
    members: dict[str, tuple[str, Any]] = {}
    at = _expect(text, _skip(text, 0), "{")
    while True:
        name, at = _decode(decoder, text, _skip(text, at))
        if not isinstance(name, str) or name in members:
            raise Unreadable("repeated or nameless member")
        start = _skip(text, _expect(text, _skip(text, at), ":"))
        value, at = _decode(decoder, text, start)
        members[name] = (text[start:at], value)
        at = _skip(text, at)
        if text[at : at + 1] != ",":
            break
        at += 1
    if _skip(text, _expect(text, at, "}")) != len(text):
        raise Unreadable("text after the object")
    return members


def _decode(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise Unreadable("not an object")
    return at + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
