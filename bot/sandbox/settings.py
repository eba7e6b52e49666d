"""What the sandbox fills in by itself: its own keys and the addresses of the peers that it plays."""

from pathlib import Path

from pydantic import SecretStr

from bot.sandbox.keys import SandboxKeys, ensure_keys
from services.settings import Settings


def complete(settings: Settings) -> Settings:
    """`settings` with sandbox keys and addresses wherever the operator has given none.

    Development and production run the same code: only these values differ.
    """
    if not settings.sandbox:
        return settings
    keys = ensure_keys(settings.data_dir)
    given = {name: value for name, value in _defaults(settings, keys).items() if not getattr(settings, name)}
    return settings.model_copy(update=given)


def _defaults(settings: Settings, keys: SandboxKeys) -> dict[str, str | Path | SecretStr]:
    sandbox = f"http://127.0.0.1:{settings.port}/sandbox"
    return {
        "root_key_file": keys.root_key_file,
        "alipay_gateway_url": f"{sandbox}/alipay/gateway.do",
        "alipay_page_url": f"{settings.base_url}/sandbox/alipay/gateway.do",
        "alipay_oauth_url": f"{settings.base_url}/sandbox/alipay/oauth",
        "alipay_app_id": keys.alipay_app_id,
        "alipay_seller_id": keys.alipay_seller_id,
        "alipay_private_key_file": keys.app_private_key_file,
        "alipay_public_key_file": keys.gateway_public_key_file,
        "bureau_url": f"{sandbox}/bureau",
        "bureau_token": SecretStr(keys.bureau_token),
        "signing_key_file": keys.signing_key_file,
        "signing_cert_file": keys.signing_cert_file,
        "wechat_app_id": keys.wechat_app_id,
        "wechat_secret": SecretStr(keys.wechat_secret),
        "wechat_token": SecretStr(keys.wechat_token),
        "wechat_aes_key": SecretStr(keys.wechat_aes_key),
        "wechat_api_url": f"{sandbox}/wechat",
        "wechatpay_mch_id": keys.wechatpay_mch_id,
        "wechatpay_serial": keys.wechatpay_serial,
        "wechatpay_private_key_file": keys.wechatpay_merchant_private_key_file,
        "wechatpay_platform_key_file": keys.wechatpay_platform_public_key_file,
        "wechatpay_platform_key_id": keys.wechatpay_platform_key_id,
        "wechatpay_api_v3_key": SecretStr(keys.wechatpay_api_v3_key),
        "wechatpay_url": f"{sandbox}/wechatpay",
        "wechatpay_bridge_url": f"{settings.base_url}/sandbox/wechatpay/bridge",
    }
