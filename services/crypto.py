"""Sealed records: authenticated encryption that says by itself how, and under which key, it was made.

A record is `version (1 byte) · algorithm (1) · key id (26 ASCII) · nonce (12) · ciphertext and tag`.
Its place (table and column, row, key) is authenticated with it, so a value that was moved does not open.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.domain.errors import ServiceError

RECORD_VERSION = 1
KEY_ID_LENGTH = 26
NONCE_LENGTH = 12
TAG_LENGTH = 16
ROOT_KEY_LENGTH = 32
_HEAD = 2 + KEY_ID_LENGTH
_BODY = _HEAD + NONCE_LENGTH


class Algorithm(IntEnum):
    """How a record is encrypted. SM4 is there for operators who must use the national algorithms."""

    AES_256_GCM = 1
    SM4_GCM = 2


class CannotDecrypt(ServiceError):
    """The one error of decrypting: wrong key, wrong place, damaged or destroyed, which is not told."""

    code = "cannot_decrypt"


class Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes: ...


class Sm4Gcm:
    """SM4 in GCM mode with the interface of `AESGCM`; the key is 16 bytes."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes) -> bytes:
        tag = data[-TAG_LENGTH:]
        decryptor = Cipher(self._algorithm, modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(associated_data)
        return decryptor.update(data[:-TAG_LENGTH]) + decryptor.finalize()


_CIPHERS: dict[int, Callable[[bytes], Aead]] = {
    Algorithm.AES_256_GCM: AESGCM,
    Algorithm.SM4_GCM: lambda key: Sm4Gcm(key[:16]),
}


@dataclass(frozen=True, repr=False)
class Key:
    """A key ready for use. `key_id` names it in records."""

    key_id: str
    algorithm: Algorithm
    cipher: Aead

    def seal(self, place: str, value: bytes) -> bytes:
        """`value` as a record that opens only at `place`."""
        nonce = os.urandom(NONCE_LENGTH)
        head = bytes((RECORD_VERSION, self.algorithm)) + self.key_id.encode("ascii")
        return head + nonce + self.cipher.encrypt(nonce, value, head + place.encode())

    def open(self, place: str, record: bytes) -> bytes:
        """What `seal` was given. `CannotDecrypt` for anything else."""
        head, nonce, body = record[:_HEAD], record[_HEAD:_BODY], record[_BODY:]
        expected = bytes((RECORD_VERSION, self.algorithm)) + self.key_id.encode("ascii")
        if head != expected or len(body) < TAG_LENGTH:
            raise CannotDecrypt
        try:
            return self.cipher.decrypt(nonce, body, head + place.encode())
        except InvalidTag:
            raise CannotDecrypt from None


def make_key(key_id: str, algorithm: Algorithm, secret: bytes) -> Key:
    return Key(key_id, algorithm, _CIPHERS[algorithm](secret))


def derive(secret: bytes, label: str) -> bytes:
    """A 32-byte key for one use out of a stored one (HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"shebao/" + label.encode()).derive(secret)


def key_id_of(record: bytes) -> str:
    """Which key a record needs. `CannotDecrypt` if it is no record of ours."""
    if len(record) < _BODY + TAG_LENGTH or record[0] != RECORD_VERSION:
        raise CannotDecrypt
    try:
        return record[2:_HEAD].decode("ascii")
    except UnicodeDecodeError:
        raise CannotDecrypt from None


def index_of(key: bytes, label: str, value: str) -> str:
    """Blind index: 64 hex digits by which equal values of one label are found, and nothing else is learnt."""
    return hmac.new(key, f"{label}\x00{value}".encode(), hashlib.sha256).hexdigest()


def hash_reference(reference: str) -> str:
    """How a random reference of at least 128 bits (state, ticket) is stored."""
    return hashlib.sha256(reference.encode()).hexdigest()


def read_root_key(path: Path) -> bytes:
    """The 32 bytes of the root key file: raw, or 64 hex digits. ValueError says what is wrong with it."""
    content = path.read_bytes()
    if len(content) == ROOT_KEY_LENGTH:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        raise ValueError(f"{path} holds no root key: 32 bytes or 64 hex digits are wanted") from None
    if len(key) != ROOT_KEY_LENGTH:
        raise ValueError(f"{path} holds a key of the wrong length: 32 bytes or 64 hex digits are wanted")
    return key


class Secret:
    """A decrypted value for a short time: it shows itself nowhere and travels nowhere."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash of an ID number is an ID number

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("personal data is not pickled")
