"""Where ports meet adapters: the one composition root of the business."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.adapters.alipay.client import AlipayClient
from services.adapters.alipay.gateway import AlipayGateway
from services.adapters.alipay.identity import AlipayIdentity
from services.adapters.bureau.client import BureauClient
from services.adapters.clock import make_clock
from services.adapters.wechatpay.client import WechatPayClient
from services.adapters.wechatpay.gateway import WechatPayGateway
from services.certificates import Certificates
from services.crypto import derive, read_root_key
from services.declaration import Declarations
from services.domain.workdays import use_calendar
from services.durable import Durable
from services.enrolment import Enrolments
from services.exports import Exports
from services.exports.service import EVERY as EXPORTS_EVERY
from services.identity import Identity
from services.insured import InsuredPersons
from services.joblist import JobList
from services.notices import Notices
from services.payment import Payment
from services.ports import Clock, IdentityProvider, PaymentGateway, TaxBureau
from services.reconciliation import Reconciliation
from services.records import Records
from services.refunds import Refunds
from services.reminders import Reminders
from services.retention import EVERY as RETENTION_EVERY
from services.retention import Retention
from services.settings import Settings
from services.staff import Staff
from services.store.session import Database
from services.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the conversation and the routes may call: capabilities, never adapters."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    identity: Identity
    enrolments: Enrolments
    declarations: Declarations
    insured: InsuredPersons
    payment: Payment
    refunds: Refunds
    staff: Staff
    records: Records
    certificates: Certificates
    exports: Exports
    reminders: Reminders
    reconciliation: Reconciliation
    notices: Notices
    durable: Durable
    jobs: JobList
    peers: "Peers"

    async def open(self) -> None:
        """Read or make the vault's keys; call once in each process, before the first turn."""
        await self.vault.prepare()

    async def close(self) -> None:
        await self.peers.close()
        await self.database.close()

    def secret(self, label: str) -> bytes:
        """32 secret bytes for one use, the same in every process of this service."""
        return _secret(self.settings, label)


class Peers:
    """The connections to the outside, for asking whether they stand and for closing them."""

    def __init__(
        self, *, bureau: BureauClient, alipay: AlipayClient, wechatpay: WechatPayClient | None = None
    ) -> None:
        self._bureau, self._alipay, self._wechatpay = bureau, alipay, wechatpay

    async def ping_bureau(self) -> None:
        await self._bureau.ping()

    async def ping_gateway(self) -> None:
        """The gateway that everybody pays with."""
        await self._alipay.ping()

    async def ping_wechatpay(self) -> None:
        """Nothing when it is not set up."""
        if self._wechatpay is not None:
            await self._wechatpay.ping()

    async def close(self) -> None:
        await self._bureau.close()
        await self._alipay.close()
        if self._wechatpay is not None:
            await self._wechatpay.close()


def bootstrap(settings: Settings) -> Services:
    """Everything wired; nothing is connected yet. `settings.problems()` must be empty."""
    if settings.calendar_file:
        use_calendar(settings.calendar_file)
    clock = make_clock(settings)
    database = Database(settings.database)
    alipay = AlipayClient(
        gateway_url=settings.alipay_gateway_url,
        app_id=settings.alipay_app_id,
        private_key_pem=_read(settings.alipay_private_key_file),
        public_key_pem=_read(settings.alipay_public_key_file),
        clock=clock,
        page_url=settings.alipay_page_url,
    )
    gateway = AlipayGateway(
        alipay,
        seller_id=settings.alipay_seller_id,
        notify_url=f"{settings.base_url}/notify/alipay",
        return_url=f"{settings.base_url}/return/alipay/cashier",
    )
    gateways: dict[str, PaymentGateway] = {gateway.provider: gateway}
    wechatpay = _connect_wechatpay(settings, clock) if settings.wechatpay_mch_id else None
    if wechatpay is not None:
        second = WechatPayGateway(
            wechatpay, app_id=settings.wechat_app_id, notify_url=f"{settings.base_url}/notify/wechatpay"
        )
        gateways[second.provider] = second
    token = settings.bureau_token
    bureau = BureauClient(settings.bureau_url, token.get_secret_value() if token else "")
    return wire(
        settings,
        clock=clock,
        database=database,
        bureau=bureau,
        gateways=gateways,
        provider=AlipayIdentity(alipay, oauth_url=settings.alipay_oauth_url),
        peers=Peers(bureau=bureau, alipay=alipay, wechatpay=wechatpay),
    )


def wire(
    settings: Settings,
    *,
    clock: Clock,
    database: Database,
    bureau: TaxBureau,
    gateways: Mapping[str, PaymentGateway],
    provider: IdentityProvider,
    peers: Peers,
) -> Services:
    """The capabilities over their ports: the same for real peers and for a test's own."""
    vault = Vault(database, clock, root_key=_root_key(settings))
    identity = Identity(database=database, vault=vault, provider=provider, clock=clock, settings=settings)
    notices = Notices(database=database, clock=clock)
    durable = Durable(database=database, clock=clock)
    payment = Payment(
        database=database,
        clock=clock,
        gateways=gateways,
        bureau=bureau,
        durable=durable,
        notices=notices,
        get_person=identity.get_person,
        settings=settings,
    )
    retention = Retention(database=database, clock=clock, vault=vault, identity=identity)
    durable.repeat("retention", RETENTION_EVERY, retention.sweep)
    records = Records(bureau=bureau, get_person=identity.get_person, refunded_on=payment.mending.refunded_on)
    certificates = Certificates(
        database=database,
        clock=clock,
        vault=vault,
        records=records,
        persons=identity,
        pending_payments=payment.pending_payments,
        durable=durable,
        notices=notices,
        settings=settings,
        secret=_secret(settings, "certificates"),
    )
    exports = Exports(
        database=database, clock=clock, vault=vault, settings=settings, secret=_secret(settings, "exports")
    )
    durable.repeat("exports", EXPORTS_EVERY, exports.purge)
    enrolments = Enrolments(bureau=bureau, get_person=identity.get_person)
    reminders = Reminders(
        database=database,
        clock=clock,
        durable=durable,
        notices=notices,
        enrolments=enrolments,
        conversations=identity.find_conversations,
    )
    reconciliation = Reconciliation(
        database=database,
        clock=clock,
        gateways=gateways,
        bureau=bureau,
        payment=payment,
        durable=durable,
        settings=settings,
    )
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        vault=vault,
        identity=identity,
        enrolments=enrolments,
        declarations=Declarations(bureau=bureau, get_person=identity.get_person),
        insured=InsuredPersons(
            database=database, vault=vault, bureau=bureau, identity=identity, clock=clock, settings=settings
        ),
        payment=payment,
        refunds=Refunds(payment.desk),
        staff=Staff(database=database, clock=clock),
        records=records,
        certificates=certificates,
        exports=exports,
        reminders=reminders,
        reconciliation=reconciliation,
        notices=notices,
        durable=durable,
        jobs=JobList(database=database, clock=clock),
        peers=peers,
    )


def _connect_wechatpay(settings: Settings, clock: Clock) -> WechatPayClient:
    key = settings.wechatpay_api_v3_key
    return WechatPayClient(
        url=settings.wechatpay_url,
        mch_id=settings.wechatpay_mch_id,
        serial=settings.wechatpay_serial,
        private_key_pem=_read(settings.wechatpay_private_key_file),
        platform_key_pem=_read(settings.wechatpay_platform_key_file),
        platform_key_id=settings.wechatpay_platform_key_id,
        api_v3_key=key.get_secret_value() if key else "",
        clock=clock,
    )


def _secret(settings: Settings, label: str) -> bytes:
    return derive(_root_key(settings), label)


def _root_key(settings: Settings) -> bytes:
    if settings.root_key_file is None:
        raise ValueError("SHEBAO_ROOT_KEY_FILE is not set")
    return read_root_key(settings.root_key_file)


def _read(path: Path | None) -> str:
    if path is None:
        raise ValueError("a key file of a payment gateway is not set")
    return path.read_text(encoding="ascii")
