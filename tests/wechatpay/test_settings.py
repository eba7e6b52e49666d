"""Settings and keys of the second gateway: all or none, nothing of the sandbox's in production."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.sandbox.keys import ensure_keys, public_view
from bot.sandbox.settings import complete
from services.bootstrap import bootstrap
from services.settings import WECHATPAY, Settings


@pytest.fixture
def settings(tmp_path: Path, shared_keys: Path) -> Settings:
    (tmp_path / "sandbox-keys").symlink_to(shared_keys / "sandbox-keys")
    return complete(Settings(_env_file=None, data_dir=tmp_path))


def changed(settings: Settings, **changes: Any) -> str:
    return "\n".join(settings.model_copy(update=changes).problems())


def test_the_sandbox_fills_everything_in(settings: Settings) -> None:
    assert settings.problems() == []
    assert settings.wechatpay_url.endswith("/sandbox/wechatpay")
    assert settings.wechat_pays_with == "alipay"


def test_all_of_them_or_none(settings: Settings) -> None:
    for name in WECHATPAY:
        assert f"SHEBAO_{name.upper()} is not set" in changed(settings, **{name: None})
    assert changed(settings, **dict.fromkeys(WECHATPAY)) == ""
    assert "SHEBAO_WECHAT_PAYS_WITH" in changed(
        settings, wechat_pays_with="wechatpay", **dict.fromkeys(WECHATPAY)
    )


def test_what_can_not_be_right_is_said(settings: Settings) -> None:
    assert "32 bytes" in changed(settings, wechatpay_api_v3_key=SecretStr("short"))
    assert "SHEBAO_WECHAT_APP_ID" in changed(settings, wechat_app_id="")
    assert "can't be read" in changed(settings, wechatpay_private_key_file=Path("nowhere.pem"))
    with pytest.raises(ValidationError):
        Settings(_env_file=None, wechat_pays_with="cash")


def test_production_refuses_the_sandbox_s_keys_and_address(settings: Settings) -> None:
    found = changed(settings, env="production")
    for name in ("PRIVATE_KEY_FILE", "PLATFORM_KEY_FILE", "URL"):
        assert f"SHEBAO_WECHATPAY_{name}" in found


async def test_it_is_wired_where_it_is_set(settings: Settings) -> None:
    for found, wanted in (
        (settings, {"alipay", "wechatpay"}),
        (settings.model_copy(update=dict.fromkeys(WECHATPAY)), {"alipay"}),
    ):
        services = bootstrap(found)
        assert set(services.payment._desk.gateways) == wanted
        await services.close()


def test_an_older_data_folder_gets_what_is_new_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox-keys"
    first = ensure_keys(tmp_path)
    ids = json.loads((folder / "ids.json").read_text())
    kept = {name: value for name, value in ids.items() if not name.startswith("wechatpay_")}
    (folder / "ids.json").write_text(json.dumps(kept))
    (folder / "wechatpay-platform-cert.pem").unlink()
    second = ensure_keys(tmp_path)
    assert second.alipay_app_id == first.alipay_app_id
    assert len(second.wechatpay_api_v3_key) == 32
    assert second.wechatpay_platform_cert_file.is_file()
    assert ensure_keys(tmp_path) == second


def test_outside_clients_see_the_keys(shared_keys: Path) -> None:
    shown = public_view(ensure_keys(shared_keys))
    assert shown["wechatpay_merchant_private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert shown["wechatpay_platform_public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert shown["wechatpay_platform_cert"].startswith("-----BEGIN CERTIFICATE-----")
    assert shown["wechatpay_platform_key_id"].startswith("PUB_KEY_ID_")
