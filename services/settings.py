"""One frozen object from `SHEBAO_*` and `.env`; nothing else reads the environment."""

import re
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

REQUIRED = (
    "root_key_file",
    "alipay_gateway_url",
    "alipay_oauth_url",
    "alipay_app_id",
    "alipay_seller_id",
    "alipay_private_key_file",
    "alipay_public_key_file",
    "bureau_url",
    "bureau_token",
    "signing_key_file",
    "signing_cert_file",
)
WECHAT = ("wechat_app_id", "wechat_secret", "wechat_token", "wechat_aes_key", "wechat_api_url")
"""All of them, or none: then there is no WeChat channel."""
WECHATPAY = (
    "wechatpay_mch_id",
    "wechatpay_serial",
    "wechatpay_private_key_file",
    "wechatpay_platform_key_file",
    "wechatpay_api_v3_key",
    "wechatpay_url",
)
"""All of them, or none: then there is no WeChat Pay."""
API_V3_KEY_BYTES = 32
AES_KEY = re.compile(r"[A-Za-z0-9]{43}")
FILES = ("calendar_file",)
KEY_FILES = (
    "root_key_file",
    "alipay_private_key_file",
    "alipay_public_key_file",
    "signing_key_file",
    "signing_cert_file",
    "wechatpay_private_key_file",
    "wechatpay_platform_key_file",
)
PEER_URLS = (
    "alipay_gateway_url",
    "alipay_page_url",
    "alipay_oauth_url",
    "bureau_url",
    "wechat_api_url",
    "wechatpay_url",
)
SANDBOX_MARK = b"shebao-sandbox"
"""Stands in every key file that the sandbox makes for itself."""

LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


class Settings(BaseSettings):
    """Every setting with its default for the sandbox. In production `problems()` must be empty."""

    model_config = SettingsConfigDict(env_prefix="SHEBAO_", env_file=".env", frozen=True, extra="ignore")

    env: Literal["sandbox", "production"] = "sandbox"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    public_url: str = ""
    data_dir: Path = Path("var")
    models_dir: Path = Path("models")
    database_url: str = ""
    clock: datetime | None = None
    log_level: LogLevel = "INFO"
    calendar_file: Path | None = None  # working days, when the official ones come late: docs/calendar.md

    root_key_file: Path | None = None
    rest_enabled: bool | None = None  # default: on in the sandbox, off in production
    rest_token: SecretStr | None = None

    alipay_gateway_url: str = ""
    alipay_page_url: str = ""  # the gateway as a resident's browser reaches it, where that is another address
    alipay_oauth_url: str = ""
    alipay_app_id: str = ""
    alipay_seller_id: str = ""
    alipay_private_key_file: Path | None = None
    alipay_public_key_file: Path | None = None

    bureau_url: str = ""
    bureau_token: SecretStr | None = None

    signing_key_file: Path | None = None  # PEM; signs the papers
    signing_cert_file: Path | None = None  # PEM, first the certificate of the key, then those above it

    wechat_app_id: str = ""
    wechat_secret: SecretStr | None = None
    wechat_token: SecretStr | None = None
    wechat_aes_key: SecretStr | None = None
    wechat_api_url: str = ""
    wechat_plain: bool = False  # plain mode: sandbox only

    wechatpay_mch_id: str = ""
    wechatpay_serial: str = ""  # of the merchant's own certificate
    wechatpay_private_key_file: Path | None = None
    wechatpay_platform_key_file: Path | None = None  # PEM: the platform's certificates, or its public key
    wechatpay_platform_key_id: str = ""  # PUB_KEY_ID_…, with a public key
    wechatpay_api_v3_key: SecretStr | None = None
    wechatpay_url: str = ""
    wechatpay_bridge_url: str = ""  # sandbox only: what WeChat's browser does, for another browser
    wechat_pays_with: Literal["alipay", "wechatpay"] = "alipay"  # conversations in WeChat

    # Policy. Periods in minutes or days; each is an assumption of `reliability` or `business-rules`.
    order_minutes: int = Field(default=15, ge=1, le=120)
    quote_minutes: int = Field(default=15, ge=1, le=15)
    consent_minutes: int = 10
    verification_minutes: int = 10
    idle_minutes: int = 30
    others_floor_ms: int = Field(default=800, ge=0, le=10_000)  # before that "nothing found" is not told
    document_minutes: int = 10
    document_downloads: int = 3
    max_message_chars: int = 1000
    order_prefix: str = "GZ1"  # deployment and epoch: a restored backup gets a new one
    restored_at: AwareDatetime | None = (
        None  # when a backup was put back: nothing new is paid before its bills
    )

    @cached_property
    def base_url(self) -> str:
        """What links begin with, without a slash at the end."""
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @cached_property
    def database(self) -> str:
        """SQLAlchemy URL with an async driver."""
        url = self.database_url or f"sqlite:///{self.data_dir.absolute()}/shebao.db"
        for plain, driver in (
            ("sqlite://", "sqlite+aiosqlite://"),
            ("postgresql://", "postgresql+asyncpg://"),
        ):
            if url.startswith(plain):
                return url.replace(plain, driver, 1)
        return url

    @cached_property
    def uses_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @property
    def sandbox(self) -> bool:
        return self.env == "sandbox"

    @property
    def rest_open(self) -> bool:
        return self.sandbox if self.rest_enabled is None else self.rest_enabled

    def problems(self) -> list[str]:
        """What keeps the service from starting, a line each with what to do (`reliability` 4.4)."""
        found = [f"SHEBAO_{name.upper()} is not set" for name in REQUIRED if not getattr(self, name)]
        found += [
            f"SHEBAO_{name.upper()}: {path} can't be read"
            for name in (*KEY_FILES, *FILES)
            if (path := getattr(self, name)) and not path.is_file()
        ]
        found += self._wechat_problems() + self._wechatpay_problems()
        if self.workers > 1 and self.uses_sqlite:
            found.append(
                "SHEBAO_WORKERS: SQLite serves one worker; set SHEBAO_DATABASE_URL to PostgreSQL for more"
            )
        return found if self.sandbox else found + self._production_problems()

    def _wechat_problems(self) -> list[str]:
        if not any(getattr(self, name) for name in WECHAT):
            return []
        found = [f"SHEBAO_{name.upper()} is not set" for name in WECHAT if not getattr(self, name)]
        if self.wechat_aes_key and not AES_KEY.fullmatch(self.wechat_aes_key.get_secret_value()):
            found.append("SHEBAO_WECHAT_AES_KEY must be the 43 letters and digits of EncodingAESKey")
        return found

    def _wechatpay_problems(self) -> list[str]:
        if not any(getattr(self, name) for name in WECHATPAY):
            if self.wechat_pays_with == "wechatpay":
                return ["SHEBAO_WECHAT_PAYS_WITH=wechatpay needs the settings SHEBAO_WECHATPAY_…"]
            return []
        found = [f"SHEBAO_{name.upper()} is not set" for name in WECHATPAY if not getattr(self, name)]
        if not self.wechat_app_id:
            found.append("SHEBAO_WECHATPAY_…: the service account is missing, set SHEBAO_WECHAT_APP_ID")
        key = self.wechatpay_api_v3_key
        if key and len(key.get_secret_value().encode()) != API_V3_KEY_BYTES:
            found.append("SHEBAO_WECHATPAY_API_V3_KEY must have 32 bytes")
        return found

    def _production_problems(self) -> list[str]:
        found = []
        for name in KEY_FILES:
            path = getattr(self, name)
            if path and path.is_file() and SANDBOX_MARK in path.read_bytes():
                found.append(f"SHEBAO_{name.upper()} is a sandbox key: use the operator's own")
        for name in PEER_URLS:
            url = getattr(self, name)
            if url and (not url.startswith("https://") or "/sandbox/" in url):
                found.append(f"SHEBAO_{name.upper()} must be the real peer's https address, not {url}")
        if not self.public_url.startswith("https://"):
            found.append("SHEBAO_PUBLIC_URL must begin with https://")
        if self.rest_open and not self.rest_token:
            found.append(
                "the REST channel is on without SHEBAO_REST_TOKEN: set it, or SHEBAO_REST_ENABLED=false"
            )
        if self.wechat_plain:
            found.append("SHEBAO_WECHAT_PLAIN is for the sandbox only")
        if self.wechatpay_bridge_url:
            found.append("SHEBAO_WECHATPAY_BRIDGE_URL is for the sandbox only")
        if self.clock:
            found.append("SHEBAO_CLOCK is for the sandbox only")
        return found
