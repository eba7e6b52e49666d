"""Alipay: gateway client, payments, consent and verification."""
