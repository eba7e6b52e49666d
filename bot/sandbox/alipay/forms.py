"""The hidden field against forgery: it belongs to one page for an hour, and needs no cookie and no Origin."""

import hashlib
import hmac
import time

FIELD = "form_token"
LIVES_SECONDS = 3600


def make(secret: bytes, page: str) -> str:
    """A token for the page that `page` describes (its path and everything it was asked for)."""
    until = str(int(time.time()) + LIVES_SECONDS)
    return f"{until}.{_mac(secret, page, until)}"


def fits(secret: bytes, page: str, token: str) -> bool:
    until, _, mac = token.partition(".")
    genuine = hmac.compare_digest(mac.encode(), _mac(secret, page, until).encode())
    return genuine and until.isdigit() and int(until) >= time.time()


def _mac(secret: bytes, page: str, until: str) -> str:
    return hmac.new(secret, f"{until}|{page}".encode(), hashlib.sha256).hexdigest()
