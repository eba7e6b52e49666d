"""One frozen object from `SHEBAO_*` and `.env`; nothing else reads the environment."""

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting with its default for the sandbox. In production `problems()` must be empty."""

    model_config = SettingsConfigDict(
        env_prefix="SHEBAO_", env_file=".env", frozen=True, extra="ignore"
    )

    env: Literal["sandbox", "production"] = "sandbox"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    public_url: str = ""
    data_dir: Path = Path("var")
    database_url: str = ""
    clock: datetime | None = None
    log_level: str = "INFO"

    root_key_file: Path | None = None
    rest_enabled: bool | None = None  # default: on in the sandbox, off in production
    rest_token: SecretStr | None = None

    alipay_gateway_url: str = ""
    alipay_oauth_url: str = ""
    alipay_app_id: str = ""
    alipay_seller_id: str = ""
    alipay_private_key_file: Path | None = None
    alipay_public_key_file: Path | None = None

    bureau_url: str = ""
    bureau_token: SecretStr | None = None

    wechat_app_id: str = ""
    wechat_secret: SecretStr | None = None
    wechat_token: SecretStr | None = None
    wechat_aes_key: SecretStr | None = None
    wechat_api_url: str = ""
    wechat_plain: bool = False  # plain mode: sandbox only

    # Policy. Periods in minutes or days; each is an assumption of `reliability` or `business-rules`.
    order_minutes: int = Field(default=15, ge=1, le=120)
    quote_minutes: int = Field(default=15, ge=1, le=15)
    consent_minutes: int = 10
    verification_minutes: int = 10
    idle_minutes: int = 30
    document_minutes: int = 10
    document_downloads: int = 3
    max_message_chars: int = 1000
    order_prefix: str = "GZ1"  # deployment and epoch: a restored backup gets a new one

    @cached_property
    def base_url(self) -> str:
        """What links begin with, without a slash at the end."""
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @cached_property
    def database(self) -> str:
        """SQLAlchemy URL with an async driver."""
        url = self.database_url or f"sqlite:///{self.data_dir.absolute()}/shebao.db"
        for plain, driver in (("sqlite://", "sqlite+aiosqlite://"), ("postgresql://", "postgresql+asyncpg://")):
            if url.startswith(plain):
                return url.replace(plain, driver, 1)
        return url

    @property
    def sandbox(self) -> bool:
        return self.env == "sandbox"

    @property
    def rest_open(self) -> bool:
        return self.sandbox if self.rest_enabled is None else self.rest_enabled
