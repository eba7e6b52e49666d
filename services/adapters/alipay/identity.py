"""Consent (OAuth) and real-name verification by Alipay (`protocols` 2)."""

from typing import Any, NoReturn
from urllib.parse import urlencode

from services.adapters.alipay.client import AlipayClient, Rejected
from services.domain.errors import OutcomeUnknown, Refused
from services.domain.kinds import IdType
from services.domain.people import Person
from services.ports import ConsentedProfile, Verification, VerificationStatus

SHARED_TYPES = {
    "0": IdType.RESIDENT_ID_CARD,
    "11": IdType.HK_MACAO_TRAVEL_PERMIT,
    "12": IdType.TAIWAN_TRAVEL_PERMIT,
}
"""`cert_type` of the shared profile. `0` is documented; `11` and `12` are not verified with Alipay.
Any other document counts as not shared, and is asked for."""

VERIFIABLE_TYPES = {
    IdType.RESIDENT_ID_CARD: "IDENTITY_CARD",
    IdType.HK_MACAO_TRAVEL_PERMIT: "HOME_VISIT_PERMIT_HK_MC",
    IdType.TAIWAN_TRAVEL_PERMIT: "HOME_VISIT_PERMIT_TAIWAN",
    IdType.HK_MACAO_RESIDENCE_PERMIT: "RESIDENCE_PERMIT_HK_MC",
    IdType.TAIWAN_RESIDENCE_PERMIT: "RESIDENCE_PERMIT_TAIWAN",
}
BAD_CODE = frozenset(
    {"isv.code-invalid", "aop.invalid-auth-token", "aop.auth-token-time-out", "isv.grant-type-invalid"}
)


class AlipayIdentity:
    """`IdentityProvider` over Alipay. `oauth_url` is the consent page without its parameters."""

    def __init__(self, client: AlipayClient, oauth_url: str) -> None:
        self._client = client
        self._oauth_url = oauth_url

    def authorization_url(self, *, state: str, redirect_uri: str) -> str:
        parameters = {
            "app_id": self._client.app_id,
            "scope": "auth_user",
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{self._oauth_url}?{urlencode(parameters)}"

    async def exchange(self, code: str) -> ConsentedProfile:
        """Who consented. A code works once, so after `OutcomeUnknown` consent has to be asked again."""
        try:
            token = await self._client.call(
                "alipay.system.oauth.token",
                arguments={"grant_type": "authorization_code", "code": code},
            )
            shared = await self._client.call(
                "alipay.user.info.share", common={"auth_token": _required(token, "access_token")}
            )
        except Rejected as rejected:
            _refuse(rejected)
        id_type = SHARED_TYPES.get(_text(shared, "cert_type") or "")
        return ConsentedProfile(
            subject=_text(shared, "open_id") or _required(shared, "user_id"),
            name=_text(shared, "user_name"),
            id_type=id_type,
            id_number=_text(shared, "cert_no") if id_type else None,
            mobile=_text(shared, "mobile"),
        )

    async def start_verification(self, person: Person, *, request_no: str, return_url: str) -> Verification:
        """`request_no`: at most 32 letters and digits, a new one for each try."""
        kind = VERIFIABLE_TYPES.get(person.id_type)
        if kind is None:
            raise Refused("id_type_not_verifiable")
        biz = {
            "outer_order_no": request_no,
            "biz_code": "FACE",
            "identity_param": {
                "identity_type": "CERT_INFO",
                "cert_type": kind,
                "cert_name": person.name,
                "cert_no": person.id_number,
            },
            "merchant_config": {"return_url": return_url, "face_reserve_strategy": "never"},
        }
        try:
            answer = await self._client.call("alipay.user.certify.open.initialize", biz)
        except Rejected as rejected:
            _refuse(rejected)
        certify_id = _required(answer, "certify_id")
        url = self._client.link("alipay.user.certify.open.certify", {"certify_id": certify_id})
        return Verification(certify_id=certify_id, url=url)

    async def find_verification(self, certify_id: str) -> VerificationStatus:
        """Not passed and without a reason means that it is still going on."""
        try:
            answer = await self._client.call("alipay.user.certify.open.query", {"certify_id": certify_id})
        except Rejected as rejected:
            _refuse(rejected)
        if answer.get("passed") == "T":
            return VerificationStatus.PASSED
        return VerificationStatus.FAILED if answer.get("fail_reason") else VerificationStatus.PENDING


def _refuse(rejected: Rejected) -> NoReturn:
    code = "consent_code" if rejected.sub_code in BAD_CODE else "gateway_refused"
    raise Refused(code, sub_code=rejected.sub_code) from rejected


def _text(answer: dict[str, Any], name: str) -> str | None:
    return str(answer[name]) if answer.get(name) else None


def _required(answer: dict[str, Any], name: str) -> str:
    value = _text(answer, name)
    if value is None:
        raise OutcomeUnknown("gateway_unreadable")
    return value
