"""Every route has been thought about: who may call it. A new route fails here until it is in the table."""

from pathlib import Path

import pytest

OPEN = "anybody"
SESSION = "the page's own session"
SIGNED = "signed by the platform"
LINK = "whoever holds the link"
CODE = "whoever holds the code, within a budget"
STATE = "whoever comes back from a page with our single-use state"
GATED = "sandbox, or a bearer token"
OPERATOR = "the operator's network"
SANDBOX = "only in the sandbox"

POLICIES = {
    "/": OPEN,
    "/web/": SESSION,
    "/socket.io": SESSION,
    "/webhooks/rest/webhook": GATED,
    "/model/parse": GATED,
    "/webhooks/wechat": SIGNED,
    "/notify/alipay": SIGNED,
    "/oauth/alipay/callback": STATE,
    "/return/alipay/": STATE,
    "/pay/": LINK,
    "/documents/": LINK,
    "/verify/": CODE,
    "/healthz": OPEN,
    "/readyz": OPEN,
    "/metrics": OPERATOR,
    "/sandbox/": SANDBOX,
}
