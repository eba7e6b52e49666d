"""The simulated gateway's wire: every shape of request, and what it says to wrong ones."""

import base64
import json
from urllib.parse import quote, urlencode

import httpx2
import pytest

from services.adapters.alipay.signing import (
    read_private_key,
    read_public_keys,
    request_text,
    sign,
    split_answer,
    verifies,
)
from tests.alipay.conftest import Town


def request(town: Town, method: str, biz: dict[str, object] | None = None, **more: str) -> dict[str, str]:
    """Unsigned parameters, as a client makes them."""
    common = {
        "app_id": town.keys.alipay_app_id,
        "method": method,
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2026-11-23 10:00:00",
        "version": "1.0",
    }
    if biz is not None:
        common["biz_content"] = json.dumps(biz, ensure_ascii=False)
    return common | more


def signed(town: Town, parameters: dict[str, str]) -> dict[str, str]:
    key = read_private_key(town.keys.app_private_key_file.read_text())
    text = request_text(parameters).encode(parameters.get("charset", "utf-8"))
    return parameters | {"sign": sign(text, key)}


async def get(town: Town, parameters: dict[str, str]) -> tuple[str, dict[str, str]]:
    async with httpx2.AsyncClient(verify=False) as http:
        return opened(town, await http.get(town.gateway_url, params=parameters))


def opened(town: Town, answer: httpx2.Response) -> tuple[str, dict[str, str]]:
    """Name and content of an answer, which is always 200 and always signed, object first."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html;charset=utf-8"
    members = split_answer(answer.text)
    node, last = members
    assert last == "sign"
    raw, content = members[node]
    keys = read_public_keys(town.keys.gateway_public_key_file.read_text())
    assert verifies(raw.encode(), members["sign"][1], keys)
    return node, content


ORDER: dict[str, object] = {
    "out_trade_no": "GZ1ORDER",
    "total_amount": "400.00",
    "subject": "城乡居民基本医疗保险",
}
PRECREATE = "alipay.trade.precreate"


async def test_everything_in_the_query_by_get(town: Town) -> None:
    node, content = await get(town, signed(town, request(town, PRECREATE, ORDER)))
    assert (node, content["code"]) == ("alipay_trade_precreate_response", "10000")


@pytest.mark.parametrize("in_query", [True, False])
async def test_by_post_with_common_parameters_in_the_query_or_in_the_form(town: Town, in_query: bool) -> None:
    parameters = signed(town, request(town, PRECREATE, ORDER, format="json"))
    form = {"biz_content": parameters.pop("biz_content")}
    async with httpx2.AsyncClient(verify=False) as http:
        if in_query:
            answer = await http.post(town.gateway_url, params=parameters, data=form)
        else:
            answer = await http.post(town.gateway_url, data=parameters | form)
    assert opened(town, answer)[1]["code"] == "10000"


async def test_the_charset_is_read_before_anything_is_decoded(town: Town) -> None:
    parameters = signed(town, request(town, PRECREATE, ORDER, charset="GBK"))
    biz = parameters.pop("biz_content")
    query = "&".join(f"{name}={quote(value, encoding='gbk', safe='')}" for name, value in parameters.items())
    async with httpx2.AsyncClient(verify=False) as http:
        answer = await http.post(
            f"{town.gateway_url}?{query}",
            content=f"biz_content={quote(biz, encoding='gbk', safe='')}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    assert opened(town, answer)[1]["code"] == "10000"
    answered = await get(town, signed(town, request(town, PRECREATE, ORDER)))
    assert answered[1]["code"] == "10000"  # the same subject: it was understood


MISSING = {
    "method": "isv.missing-method",
    "app_id": "isv.missing-app-id",
    "sign_type": "isv.missing-signature-type",
    "sign": "isv.missing-signature",
    "timestamp": "isv.missing-timestamp",
    "version": "isv.missing-version",
}
WRONG = [
    ({"app_id": "2021000000000000"}, "isv.invalid-app-id"),
    ({"method": "alipay.trade.everything"}, "isv.invalid-method"),
    ({"timestamp": "now"}, "isv.invalid-timestamp"),
    ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
    ({"biz_content": "[1]"}, "isv.invalid-parameter"),
    ({"biz_content": "{"}, "isv.invalid-parameter"),
    ({"charset": "klingon"}, "isv.invalid-charset"),
]


async def test_a_missing_parameter_is_named(town: Town) -> None:
    right = signed(town, request(town, PRECREATE, ORDER))
    for missing, sub_code in MISSING.items():
        parameters = {name: value for name, value in right.items() if name != missing}
        _, content = await get(town, parameters)
        assert (content["code"], content["sub_code"]) == ("40001", sub_code)


async def test_a_wrong_parameter_is_named(town: Town) -> None:
    for changes, sub_code in WRONG:
        parameters = request(town, PRECREATE, ORDER) | changes
        _, content = await get(town, signed(town, parameters | {"charset": "utf-8"}) | changes)
        assert (content["code"], content["sub_code"]) == ("40002", sub_code)


async def test_a_request_that_was_changed_or_signed_by_another_is_refused(town: Town) -> None:
    right = signed(town, request(town, PRECREATE, ORDER))
    changed = right | {"biz_content": right["biz_content"].replace("400", "4")}
    other_key = read_private_key(town.keys.gateway_private_key_file.read_text())
    foreign = right | {"sign": sign(request_text(right).encode(), other_key)}
    for wrong in (changed, foreign, right | {"sign": "AAAA"}, right | {"sign": "no"}, right | {"more": "1"}):
        _, content = await get(town, wrong)
        assert content["sub_code"] == "isv.invalid-signature"


async def test_a_name_that_comes_twice_is_refused(town: Town) -> None:
    right = signed(town, request(town, PRECREATE, ORDER))
    async with httpx2.AsyncClient(verify=False) as http:
        twice = f"{town.gateway_url}?{urlencode(right)}&out=1&out=2"
        _, content = opened(town, await http.get(twice))
    assert content["sub_code"] == "isv.invalid-parameter"


async def test_a_body_that_is_no_form_is_refused(town: Town) -> None:
    async with httpx2.AsyncClient(verify=False) as http:
        _, content = opened(town, await http.post(town.gateway_url, json={"method": PRECREATE}))
        broken = await http.post(
            town.gateway_url,
            content=b"biz_content=%ff%fe",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    assert content["code"] == "40002"
    assert opened(town, broken)[1]["code"] == "40002"


WRONG_ORDERS: list[dict[str, object]] = [
    {"total_amount": "1e3"},
    {"total_amount": "-1"},
    {"total_amount": "0.001"},
    {"total_amount": True},
    {"total_amount": None},
    {"subject": "a/b"},
    {"subject": ""},
    {"subject": "长" * 257},
    {"out_trade_no": "GZ-1"},
    {"out_trade_no": {"a": 1}},
    {"time_expire": "tomorrow"},
    {"timeout_express": "99d"},
    {"qr_code_timeout_express": "soon"},
]


async def test_a_wrong_order_is_refused(town: Town) -> None:
    for changes in WRONG_ORDERS:
        _, content = await get(town, signed(town, request(town, PRECREATE, ORDER | changes)))
        assert content["code"] in {"40002", "40004"}, changes
        assert content["sub_code"] in {"ACQ.INVALID_PARAMETER", "isv.invalid-parameter"}, changes


async def test_only_a_bad_oauth_code_answers_error_response(town: Town) -> None:
    parameters = request(town, "alipay.system.oauth.token", grant_type="authorization_code", code="x")
    node, content = await get(town, signed(town, parameters))
    assert (node, content["sub_code"]) == ("error_response", "isv.code-invalid")
    node, content = await get(
        town, signed(town, request(town, "alipay.trade.query", {"out_trade_no": "GZ1NONE"}))
    )
    assert (node, content["sub_code"]) == ("alipay_trade_query_response", "ACQ.TRADE_NOT_EXIST")


async def test_a_token_is_refreshed(town: Town) -> None:
    from bot.sandbox.alipay import people
    from bot.sandbox.alipay.desk import Desk
    from tests.alipay.conftest import WANG

    desk = Desk(books=town.books, keys=town.keys, base_url=town.base)
    code = await people.consent(desk, user_id=WANG, scope="auth_user")
    method = "alipay.system.oauth.token"
    _, first = await get(
        town, signed(town, request(town, method, grant_type="authorization_code", code=code))
    )
    assert "code" not in first
    assert first["user_id"] == WANG
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    _, second = await get(town, signed(town, request(town, method, **refresh)))
    assert second["access_token"] != first["access_token"]
    share = "alipay.user.info.share"
    _, old = await get(town, signed(town, request(town, share, auth_token=first["access_token"])))
    assert (old["code"], old["sub_code"]) == ("20001", "aop.invalid-auth-token")
    _, new = await get(town, signed(town, request(town, share, auth_token=second["access_token"])))
    assert (new["user_name"], new["cert_type"]) == ("王小芳", "0")
    town.advance(days=16)
    _, late = await get(town, signed(town, request(town, share, auth_token=second["access_token"])))
    assert late["sub_code"] == "aop.auth-token-time-out"


async def test_keys_are_given_to_an_outside_client(town: Town) -> None:
    async with httpx2.AsyncClient(verify=False) as http:
        keys = (await http.get(f"{town.base}/sandbox/keys")).json()
    assert keys["alipay_app_id"] == town.keys.alipay_app_id
    text = b"anything"
    made = sign(text, read_private_key(keys["gateway_private_key"]))
    assert verifies(text, made, read_public_keys(keys["gateway_public_key"]))
    assert len(base64.b64decode(keys["wechat_aes_key"] + "=")) == 32
    assert not {"bureau_token", "root_key_file", "wechat_secret"} & set(keys)
