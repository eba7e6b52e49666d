"""The bureau of the payment tests, which also gives up payments and refunds what it has booked."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from services.domain.errors import Refused
from services.domain.people import Person
from services.ports import Posting, RefundApplication, RefundStage
from tests.payment.peers import FakeBureau


class RefundingBureau(FakeBureau):
    """`stage` moves an application on; nothing moves by itself."""

    async def post_payment(
        self, *, declaration_no: str, key: str, amount: Decimal, paid_at: datetime, paid_by: Person
    ) -> Posting:
        if key in self.table("withdrawn"):
            raise Refused("withdrawn")
        return await super().post_payment(
            declaration_no=declaration_no, key=key, amount=amount, paid_at=paid_at, paid_by=paid_by
        )

    async def withdraw_payments(self, keys: Sequence[str]) -> None:
        await self.before("withdraw_payments")
        if any(self.table("payments").get(key, {}).get("booked_on") for key in keys):
            raise Refused("already_booked")
        for key in keys:
            self.table("payments").pop(key, None)
            self.table("withdrawn")[key] = True
        await self.after("withdraw_payments")

    async def file_refund(
        self, *, key: str, payment_key: str, amount: Decimal, reason: str
    ) -> RefundApplication:
        await self.before("file_refund")
        if "file_refund" in self.refuses:
            raise Refused(self.refuses["file_refund"])
        row = self.table("refunds").setdefault(
            key,
            {
                "payment": payment_key,
                "amount": str(amount),
                "reason": reason,
                "stage": "accepted",
                "times": 0,
            },
        )
        row["times"] += 1
        await self.after("file_refund")
        return self._application(key)

    async def find_refund(self, key: str) -> RefundApplication | None:
        await self.before("find_refund")
        return self._application(key) if key in self.table("refunds") else None

    def stage(self, key: str, stage: str) -> None:
        self.table("refunds")[key]["stage"] = stage

    def _application(self, key: str) -> RefundApplication:
        stage = RefundStage(self.table("refunds")[key]["stage"])
        paid_on = self.clock.now().date() if stage is RefundStage.PAID else None
        return RefundApplication(application_no=f"TS-{key}", stage=stage, paid_on=paid_on)
