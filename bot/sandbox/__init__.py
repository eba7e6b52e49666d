"""The simulated outside world: Alipay, WeChat Pay, the tax bureau, the WeChat API, a clock. Reached over HTTP only.

Its books (`sandbox.db`) are its own; the service never opens them.
"""
