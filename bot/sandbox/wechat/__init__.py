"""WeChat's API as the sandbox plays it: the stable token, and customer-service messages with their limits."""

from bot.sandbox.wechat.api import blueprint, observe

__all__ = ["blueprint", "observe"]
