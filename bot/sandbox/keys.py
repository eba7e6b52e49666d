"""Keys, ids and secrets of the sandbox: made once per data folder, the same for every process."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from sanic import Blueprint, Request
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from services.settings import SANDBOX_MARK

RSA_BITS = 2048
ROOT_KEY_BYTES = 32
PLATFORM_NAME = "WeChat Pay, played by the sandbox"
SIGNER_NAME = "Shebao Sandbox (demonstration, no legal effect)"


@dataclass(frozen=True, kw_only=True, repr=False)
class SandboxKeys:
    """What the sandbox's peers and the service share. Files are PEM; the root key is 32 raw bytes."""

    alipay_app_id: str
    alipay_seller_id: str
    app_private_key_file: Path
    app_public_key_file: Path
    gateway_private_key_file: Path
    gateway_public_key_file: Path
    bureau_token: str
    wechat_app_id: str
    wechat_secret: str
    wechat_token: str
    wechat_aes_key: str
    wechatpay_mch_id: str
    wechatpay_serial: str
    wechatpay_api_v3_key: str
    wechatpay_platform_key_id: str
    wechatpay_merchant_private_key_file: Path
    wechatpay_merchant_public_key_file: Path
    wechatpay_platform_private_key_file: Path
    wechatpay_platform_public_key_file: Path
    wechatpay_platform_cert_file: Path
    signing_key_file: Path
    signing_cert_file: Path
    root_key_file: Path


def ensure_keys(data_dir: Path) -> SandboxKeys:
    """The keys of this data folder, made where they are missing. Two processes may start at once."""
    folder = data_dir / "sandbox-keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder):
        for name in ("app", "gateway"):
            _ensure_pair(folder, name)
        for name in ("wechatpay-merchant", "wechatpay-platform"):
            _ensure_pair(folder, name, PrivateFormat.PKCS8)
        _ensure_certificate(folder, "wechatpay-platform", PLATFORM_NAME)
        _ensure_certificate(folder, "signing", SIGNER_NAME)
        _ensure(folder / "root.key", lambda: SANDBOX_MARK + os.urandom(ROOT_KEY_BYTES - len(SANDBOX_MARK)))
        ids = _ensure_ids(folder / "ids.json")
    return SandboxKeys(
        app_private_key_file=folder / "app-private.pem",
        app_public_key_file=folder / "app-public.pem",
        gateway_private_key_file=folder / "gateway-private.pem",
        gateway_public_key_file=folder / "gateway-public.pem",
        signing_key_file=folder / "signing-private.pem",
        signing_cert_file=folder / "signing-cert.pem",
        wechatpay_merchant_private_key_file=folder / "wechatpay-merchant-private.pem",
        wechatpay_merchant_public_key_file=folder / "wechatpay-merchant-public.pem",
        wechatpay_platform_private_key_file=folder / "wechatpay-platform-private.pem",
        wechatpay_platform_public_key_file=folder / "wechatpay-platform-public.pem",
        wechatpay_platform_cert_file=folder / "wechatpay-platform-cert.pem",
        root_key_file=folder / "root.key",
        **ids,
    )


def pem(file: Path) -> str:
    """The key in a file without the sandbox's mark above it, which not every client can skip."""
    text = file.read_text("ascii")
    return text[text.index("-----BEGIN") :]


def public_view(keys: SandboxKeys) -> dict[str, str]:
    """What an outside client needs to play Alipay, WeChat or WeChat Pay against us. Keys are PEM."""
    return {
        "alipay_app_id": keys.alipay_app_id,
        "alipay_seller_id": keys.alipay_seller_id,
        "app_private_key": pem(keys.app_private_key_file),
        "app_public_key": pem(keys.app_public_key_file),
        "gateway_private_key": pem(keys.gateway_private_key_file),
        "gateway_public_key": pem(keys.gateway_public_key_file),
        "wechat_app_id": keys.wechat_app_id,
        "wechat_token": keys.wechat_token,
        "wechat_aes_key": keys.wechat_aes_key,
        "wechatpay_mch_id": keys.wechatpay_mch_id,
        "wechatpay_serial": keys.wechatpay_serial,
        "wechatpay_api_v3_key": keys.wechatpay_api_v3_key,
        "wechatpay_platform_key_id": keys.wechatpay_platform_key_id,
        "wechatpay_merchant_private_key": pem(keys.wechatpay_merchant_private_key_file),
        "wechatpay_merchant_public_key": pem(keys.wechatpay_merchant_public_key_file),
        "wechatpay_platform_private_key": pem(keys.wechatpay_platform_private_key_file),
        "wechatpay_platform_public_key": pem(keys.wechatpay_platform_public_key_file),
        "wechatpay_platform_cert": pem(keys.wechatpay_platform_cert_file),
    }


def blueprint(keys: SandboxKeys) -> Blueprint:
    routes = Blueprint("sandbox_keys")

    @routes.get("/sandbox/keys")
    async def show(_request: Request) -> HTTPResponse:
        return json_response(public_view(keys), headers={"Cache-Control": "no-store"})

    return routes


def _new_ids() -> dict[str, str]:
    return {
        "alipay_app_id": "2021" + _digits(12),
        "alipay_seller_id": "2088" + _digits(12),
        "bureau_token": secrets.token_urlsafe(32),
        "wechat_app_id": "wx" + secrets.token_hex(8),
        "wechat_secret": secrets.token_hex(16),
        "wechat_token": secrets.token_hex(16),
        "wechat_aes_key": _aes_key(),
        "wechatpay_mch_id": "16" + _digits(8),
        "wechatpay_serial": f"5{secrets.token_hex(20).upper()[1:]}",
        "wechatpay_api_v3_key": secrets.token_hex(16),
        "wechatpay_platform_key_id": "PUB_KEY_ID_01" + _digits(32),
    }


def _ensure_ids(file: Path) -> dict[str, str]:
    """The ids, with those that a newer version needs added to a file of an older one."""
    known = json.loads(file.read_text("utf-8")) if file.exists() else {}
    ids = {name: str(known.get(name, value)) for name, value in _new_ids().items()}
    if ids != known:
        _write(file, json.dumps(ids, indent=1).encode())
    return ids


def _aes_key() -> str:
    """43 letters and digits, as the platform makes it: base64 of 32 bytes without the last `=`."""
    while True:
        key = base64.b64encode(os.urandom(32)).decode("ascii").rstrip("=")
        if key.isalnum():
            return key


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))


def _ensure_pair(folder: Path, name: str, form: PrivateFormat = PrivateFormat.TraditionalOpenSSL) -> None:
    """A private key and its public key; the public one is always the private one's."""
    private, public = folder / f"{name}-private.pem", folder / f"{name}-public.pem"
    _ensure(private, lambda: _marked(_private_pem(generate_private_key(65537, RSA_BITS), form)))
    _ensure(public, lambda: _marked(_public_pem(private)))


def _ensure_certificate(folder: Path, name: str, subject: str) -> None:
    """A key, and a certificate that it has made for itself."""
    private = folder / f"{name}-private.pem"
    _ensure(private, lambda: _marked(_private_pem(generate_private_key(65537, RSA_BITS))))
    _ensure(folder / f"{name}-cert.pem", lambda: _marked(_self_made(private, subject)))


def _self_made(private: Path, subject: str) -> bytes:
    """Valid at whatever time the sandbox's clock may show."""
    key = load_pem_private_key(private.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the sandbox signs with RSA")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def _private_pem(key: RSAPrivateKey, form: PrivateFormat = PrivateFormat.TraditionalOpenSSL) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def _public_pem(private: Path) -> bytes:
    key = load_pem_private_key(private.read_bytes(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _marked(content: bytes) -> bytes:
    return b"# " + SANDBOX_MARK + b"\n" + content


def _ensure(file: Path, make: Callable[[], bytes]) -> None:
    if not file.exists():
        _write(file, make())


def _write(file: Path, content: bytes) -> None:
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
