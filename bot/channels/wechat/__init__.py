"""The WeChat service account: text messages in encrypted mode, answered within five seconds or afterwards."""
