"""What an operator would set in production, with keys of their own."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

WECHAT = {
    "wechat_app_id": "wx0123456789abcdef",
    "wechat_secret": "s" * 32,
    "wechat_token": "t" * 32,
    "wechat_aes_key": "k" * 43,
    "wechat_api_url": "https://api.weixin.qq.com",
}


def production(folder: Path) -> dict[str, Any]:
    """A complete production configuration over SQLite; no channel but the web page."""
    return {
        "env": "production",
        "data_dir": folder,
        "public_url": "https://shebao.example.gov.cn",
        "alipay_gateway_url": "https://openapi.alipay.com/gateway.do",
        "alipay_oauth_url": "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
        "alipay_app_id": "2021000000000000",
        "alipay_seller_id": "2088000000000000",
        "bureau_url": "https://bureau.example.gov.cn/api",
        "bureau_token": "a token of the bureau's",
        **own_keys(folder),
    }


def own_keys(folder: Path) -> dict[str, Path]:
    """Keys as an operator makes them, without the sandbox's mark."""
    files = {
        "root_key_file": folder / "root.key",
        "alipay_private_key_file": folder / "app-private.pem",
        "alipay_public_key_file": folder / "alipay-public.pem",
        "signing_key_file": folder / "signing.pem",
        "signing_cert_file": folder / "signing-cert.pem",
    }
    if not files["root_key_file"].exists():
        folder.mkdir(parents=True, exist_ok=True)
        key = generate_private_key(65537, 2048)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        files["root_key_file"].write_bytes(secrets.token_bytes(32))
        files["alipay_private_key_file"].write_bytes(private)
        files["alipay_public_key_file"].write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        files["signing_key_file"].write_bytes(private)
        files["signing_cert_file"].write_bytes(_certificate(key).public_bytes(Encoding.PEM))
    return files


def _certificate(key: RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Operator")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, SHA256())
    )


def environment(settings: dict[str, Any]) -> dict[str, str]:
    return {f"SHEBAO_{name.upper()}": str(value) for name, value in settings.items()}
