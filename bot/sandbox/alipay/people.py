"""Consent and verification at the simulated Alipay: codes, tokens, tries."""

import re
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.sandbox import residents
from bot.sandbox.alipay.desk import Call, Desk, Failure
from bot.sandbox.alipay.store import CertifyRow, ConsentRow
from services.domain.kinds import IdType

CODE_LIVES = timedelta(days=1)
TOKEN_LIVES = timedelta(seconds=1_296_000)
REFRESH_LIVES = timedelta(seconds=2_592_000)
CERT_TYPES = {
    IdType.RESIDENT_ID_CARD: "0",
    IdType.HK_MACAO_TRAVEL_PERMIT: "11",
    IdType.TAIWAN_TRAVEL_PERMIT: "12",
}
"""`cert_type` of a shared profile; a document that is not listed is not shared."""
VERIFIABLE = frozenset(
    {
        "IDENTITY_CARD",
        "HOME_VISIT_PERMIT_HK_MC",
        "HOME_VISIT_PERMIT_TAIWAN",
        "RESIDENCE_PERMIT_HK_MC",
        "RESIDENCE_PERMIT_TAIWAN",
    }
)
BIZ_CODES = frozenset({"FACE", "SMART_FACE", "CERT_PHOTO", "CERT_PHOTO_FACE"})
OUTER_ORDER = re.compile(r"[0-9A-Za-z]{1,32}")
MISMATCH = "姓名与证件号码不一致"


async def consent(desk: Desk, *, user_id: str, scope: str) -> str:
    """The person agrees: a new `auth_code`."""
    code = secrets.token_hex(16)
    row = ConsentRow(code=code, user_id=user_id, scope=scope, code_until=desk.now() + CODE_LIVES)
    async with desk.books.database.begin() as session:
        session.add(row)
    return code


async def give_token(desk: Desk, call: Call) -> dict[str, Any]:
    """`alipay.system.oauth.token`: a code, or a refresh token, becomes an access token."""
    grant, now = call.parameters.get("grant_type", ""), desk.now()
    async with desk.books.database.begin() as session:
        if grant == "authorization_code":
            row = await session.get(ConsentRow, call.parameters.get("code", ""))
            if row is None or row.access_token or now > row.code_until:
                raise Failure("40002", "isv.code-invalid", "授权码code无效")
        elif grant == "refresh_token":
            wanted = ConsentRow.refresh_token == call.parameters.get("refresh_token", "")
            row = await session.scalar(select(ConsentRow).where(wanted))
            if row is None or row.token_since is None or now > row.token_since + REFRESH_LIVES:
                raise Failure("40002", "isv.refresh-token-invalid", "刷新令牌refresh_token无效")
        else:
            raise Failure("40002", "isv.grant-type-invalid", "授权类型grant_type无效")
        row.access_token, row.refresh_token = f"authusrB{secrets.token_hex(16)}", secrets.token_hex(20)
        row.token_since = now
    return {
        "access_token": row.access_token,
        "user_id": row.user_id,
        "alipay_user_id": desk.open_id(f"old|{row.user_id}"),
        "open_id": desk.open_id(row.user_id),
        "auth_start": now.strftime("%Y-%m-%d %H:%M:%S"),
        "expires_in": int(TOKEN_LIVES.total_seconds()),
        "re_expires_in": int(REFRESH_LIVES.total_seconds()),
        "refresh_token": row.refresh_token,
    }


async def share(desk: Desk, call: Call) -> dict[str, Any]:
    """`alipay.user.info.share`: what the person has consented to."""
    token = call.parameters.get("auth_token", "")
    async with desk.books.database.read() as session:
        row = await session.scalar(select(ConsentRow).where(ConsentRow.access_token == token))
    if row is None or row.token_since is None or row.scope != "auth_user":
        raise Failure("20001", "aop.invalid-auth-token", "无效的访问令牌")
    if desk.now() > row.token_since + TOKEN_LIVES:
        raise Failure("20001", "aop.auth-token-time-out", "访问令牌已过期")
    person = await residents.find_resident(desk.books, alipay_user_id=row.user_id)
    if person is None:
        raise Failure("20001", "aop.invalid-auth-token", "无效的访问令牌")
    cert_type = CERT_TYPES.get(IdType(person.id_type))
    shared = {
        "code": "10000",
        "msg": "Success",
        "user_id": row.user_id,
        "open_id": desk.open_id(row.user_id),
        "nick_name": f"{person.name[:1]}**",
        "is_certified": "T",
        "user_type": "2",
        "user_status": "T",
        "user_name": person.name,
        "mobile": person.mobile,
    }
    if cert_type is not None:
        shared |= {"cert_type": cert_type, "cert_no": person.id_number}
    return {name: value for name, value in shared.items() if value}


async def initialize(desk: Desk, call: Call) -> dict[str, Any]:
    """`alipay.user.certify.open.initialize`; the same number with the same person is the same try."""
    order, facts = call.text("outer_order_no", longest=64), _identity(call)
    if not OUTER_ORDER.fullmatch(order) or call.text("biz_code") not in BIZ_CODES:
        raise Failure("40002", "isv.invalid-parameter", "参数无效：outer_order_no, biz_code")
    async with desk.books.database.begin() as session:
        row = await session.scalar(select(CertifyRow).where(CertifyRow.outer_order_no == order))
        if row is None:
            row = CertifyRow(
                certify_id=secrets.token_hex(16),
                page=secrets.token_urlsafe(20),
                outer_order_no=order,
                **facts,
            )
            session.add(row)
        elif {name: getattr(row, name) for name in facts} != facts:
            raise Failure("40004", "OUTER_ORDER_NO_CONFLICT", "商户请求单号重复")
    return {"code": "10000", "msg": "Success", "certify_id": row.certify_id}


async def certify_result(desk: Desk, call: Call) -> dict[str, Any]:
    """`alipay.user.certify.open.query`; not passed without a reason means not finished."""
    row = await find_try(desk, certify_id=call.text("certify_id", longest=64))
    answer = {"code": "10000", "msg": "Success", "passed": "T" if row.passed else "F"}
    return answer | {"fail_reason": row.fail_reason} if row.fail_reason else answer


async def find_try(desk: Desk, **key: str) -> CertifyRow:
    async with desk.books.database.read() as session:
        row = await session.scalar(select(CertifyRow).filter_by(**key))
    if row is None:
        raise Failure("40004", "CERTIFY_ID_NOT_EXIST", "认证单据不存在")
    return row


async def decide(desk: Desk, page: str, *, passed: bool) -> CertifyRow:
    """The person acted on the page. The first act counts; a wrong name never passes."""
    row = await find_try(desk, page=page)
    known = await residents.find_resident(desk.books, id_number=row.cert_no)
    reason = "" if passed else "人脸比对未通过"
    if passed and known is not None and known.name != row.cert_name:
        passed, reason = False, MISMATCH
    async with desk.books.database.begin() as session:
        stored = await session.get_one(CertifyRow, row.certify_id)
        if stored.passed is None:
            stored.passed, stored.fail_reason = passed, reason
    return stored


def _identity(call: Call) -> dict[str, str]:
    """The person and the way back, as columns."""
    person, merchant = call.biz.get("identity_param"), call.biz.get("merchant_config")
    if not isinstance(person, dict) or not isinstance(merchant, dict):
        raise Failure("40002", "isv.invalid-parameter", "参数无效：identity_param, merchant_config")
    facts = {
        "cert_type": person.get("cert_type"),
        "cert_name": person.get("cert_name"),
        "cert_no": person.get("cert_no"),
        "return_url": merchant.get("return_url"),
    }
    complete = all(isinstance(value, str) and value for value in facts.values())
    if not complete or person.get("identity_type") != "CERT_INFO" or facts["cert_type"] not in VERIFIABLE:
        raise Failure("40002", "isv.invalid-parameter", "参数无效：identity_param, merchant_config")
    return {name: str(value) for name, value in facts.items()}
