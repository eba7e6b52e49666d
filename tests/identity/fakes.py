"""An identity provider in memory, with switches for what can go wrong."""

import asyncio

from services.domain.errors import Refused, ServiceError
from services.domain.kinds import IdType
from services.domain.people import Person
from services.ports import ConsentedProfile, Verification, VerificationStatus


class FakeProvider:
    """Codes are those in `profiles`, each good for one exchange; `decide` is the person at the other page."""

    def __init__(self) -> None:
        self.profiles: dict[str, ConsentedProfile] = {}
        self.people: dict[str, Person] = {}
        self.returns: dict[str, str] = {}
        self.statuses: dict[str, VerificationStatus] = {}
        self.calls: list[str] = []
        self.delay = 0.0
        self.failing: dict[str, list[ServiceError]] = {}

    def authorization_url(self, *, state: str, redirect_uri: str) -> str:
        return f"https://auth.example/authorize?state={state}&redirect_uri={redirect_uri}"

    async def exchange(self, code: str) -> ConsentedProfile:
        self._call("exchange")
        profile = self.profiles.pop(code, None)
        await asyncio.sleep(self.delay)
        if profile is None:
            raise Refused("consent_code")
        return profile

    async def start_verification(self, person: Person, *, request_no: str, return_url: str) -> Verification:
        self._call("start_verification")
        if person.id_type is IdType.FOREIGN_PASSPORT:
            raise Refused("id_type_not_verifiable")
        certify_id = f"certify-{len(self.people)}"
        self.people[certify_id] = person
        self.returns[certify_id] = return_url
        self.statuses[certify_id] = VerificationStatus.PENDING
        return Verification(
            certify_id=certify_id, url=f"https://auth.example/certify?certify_id={certify_id}"
        )

    async def find_verification(self, certify_id: str) -> VerificationStatus:
        self._call("find_verification")
        return self.statuses[certify_id]

    def fail(self, method: str, *errors: ServiceError) -> None:
        """The next calls of `method` end so."""
        self.failing[method] = list(errors)

    def decide(self, url: str, status: VerificationStatus = VerificationStatus.PASSED) -> str:
        """What somebody did on the page `url`; where the page sends them back to."""
        certify_id = url.partition("certify_id=")[2]
        self.statuses[certify_id] = status
        return self.returns[certify_id]

    def _call(self, method: str) -> None:
        self.calls.append(method)
        if self.failing.get(method):
            raise self.failing[method].pop(0)
