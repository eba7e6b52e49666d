"""Consent and verification through our adapter and the simulated pages."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from services.domain.errors import Refused
from services.domain.kinds import IdType
from services.domain.people import Person
from services.ports import VerificationStatus
from tests.alipay.conftest import LI, WANG, Town, look, press

WANG_HERSELF = Person(id_type=IdType.RESIDENT_ID_CARD, id_number="520103198602140004", name="王小芳")


def consent_url(town: Town) -> str:
    return town.identity.authorization_url(
        state="c3RhdGU=/+", redirect_uri=f"{town.base}/oauth/alipay/callback?x=1"
    )


async def consented(town: Town, account: str, button: str = "同意") -> dict[str, list[str]]:
    back = await press(consent_url(town), button, account=account)
    assert back.text.startswith("back: /oauth/alipay/callback")
    return parse_qs(urlsplit(str(back.url)).query)


async def test_who_agrees_is_known_by_name_and_number(town: Town) -> None:
    query = await consented(town, WANG)
    assert (query["state"], query["x"], query["source"]) == (["c3RhdGU=/+"], ["1"], ["alipay_wallet"])
    profile = await town.identity.exchange(query["auth_code"][0])
    assert (profile.name, profile.id_type, profile.id_number, profile.mobile) == (
        "王小芳",
        IdType.RESIDENT_ID_CARD,
        "520103198602140004",
        "13900000011",
    )
    assert profile.subject
    again = await town.identity.exchange((await consented(town, WANG))["auth_code"][0])
    assert again.subject == profile.subject


async def test_who_refuses_comes_back_without_a_code(town: Town) -> None:
    query = await consented(town, WANG, "拒绝")
    assert "auth_code" not in query
    assert query["state"] == ["c3RhdGU=/+"]


async def test_a_code_works_once_and_for_a_day(town: Town) -> None:
    code = (await consented(town, WANG))["auth_code"][0]
    await town.identity.exchange(code)
    with pytest.raises(Refused, match="consent_code"):
        await town.identity.exchange(code)
    late = (await consented(town, WANG))["auth_code"][0]
    town.advance(hours=25)
    with pytest.raises(Refused, match="consent_code"):
        await town.identity.exchange(late)
    with pytest.raises(Refused, match="consent_code"):
        await town.identity.exchange("invented")


async def test_a_document_that_alipay_does_not_share_is_missing(town: Town) -> None:
    profile = await town.identity.exchange((await consented(town, LI))["auth_code"][0])
    assert (profile.name, profile.id_type, profile.id_number, profile.mobile) == ("李建国", None, None, None)


async def test_silent_consent_shares_nothing(town: Town) -> None:
    url = consent_url(town).replace("auth_user", "auth_base")
    query = parse_qs(urlsplit(str((await press(url, "同意", account=WANG)).url)).query)
    with pytest.raises(Refused, match="consent_code"):
        await town.identity.exchange(query["auth_code"][0])


@pytest.mark.parametrize(
    "old, new",
    [
        ("127.0.0.1%3A", "example.com%3A"),
        ("http%3A", "javascript%3A"),
        ("app_id=", "app_id=9"),
        ("scope=", "scope=x"),
        ("state=", "state=" + "x" * 101),
    ],
)
async def test_a_consent_link_that_is_not_ours_leads_nowhere(town: Town, old: str, new: str) -> None:
    query = urlsplit(consent_url(town)).query.replace(old, new)
    async with httpx2.AsyncClient(verify=False) as browser:
        page = await browser.get(f"{town.base}/sandbox/alipay/oauth?{query}")
    assert page.status_code == 400
    assert "<form" not in page.text


async def test_verification_is_pending_until_the_person_acts(town: Town) -> None:
    back = f"{town.base}/return/alipay/verification"
    started = await town.identity.start_verification(WANG_HERSELF, request_no="T1", return_url=back)
    assert await town.identity.find_verification(started.certify_id) is VerificationStatus.PENDING
    page = await look(started.url)
    assert "520103198602140004" not in page.text
    assert "王小芳" not in page.text
    done = await press(started.url, "通过")
    assert done.text.startswith("back: /return/alipay/verification")
    assert await town.identity.find_verification(started.certify_id) is VerificationStatus.PASSED
    assert (await look(started.url)).find("button") is None


async def test_the_same_request_is_the_same_try_and_another_person_is_refused(town: Town) -> None:
    first = await town.identity.start_verification(WANG_HERSELF, request_no="T1", return_url=town.base)
    again = await town.identity.start_verification(WANG_HERSELF, request_no="T1", return_url=town.base)
    assert again.certify_id == first.certify_id
    other = Person(id_type=IdType.RESIDENT_ID_CARD, id_number="520103198602140004", name="王大芳")
    with pytest.raises(Refused, match="gateway_refused"):
        await town.identity.start_verification(other, request_no="T1", return_url=town.base)


async def test_who_does_not_pass_has_failed_for_good(town: Town) -> None:
    started = await town.identity.start_verification(WANG_HERSELF, request_no="T2", return_url=town.base)
    await press(started.url, "不通过")
    assert await town.identity.find_verification(started.certify_id) is VerificationStatus.FAILED
    assert "核验没有通过" in (await look(started.url)).text


async def test_a_name_that_does_not_belong_to_the_number_never_passes(town: Town) -> None:
    other = Person(id_type=IdType.RESIDENT_ID_CARD, id_number="520103198602140004", name="王大芳")
    started = await town.identity.start_verification(other, request_no="T3", return_url=town.base)
    await press(started.url, "通过")
    assert await town.identity.find_verification(started.certify_id) is VerificationStatus.FAILED


async def test_a_document_that_alipay_cannot_verify_is_refused(town: Town) -> None:
    person = Person(id_type=IdType.FOREIGN_PASSPORT, id_number="E12345678", name="SMITH JOHN")
    with pytest.raises(Refused, match="id_type_not_verifiable"):
        await town.identity.start_verification(person, request_no="T4", return_url=town.base)


async def test_an_unknown_try_is_refused(town: Town) -> None:
    with pytest.raises(Refused, match="gateway_refused"):
        await town.identity.find_verification("0" * 32)
