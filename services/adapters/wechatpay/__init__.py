"""WeChat Pay, API v3: signed calls, payments, encrypted notifications, the daily bill."""
