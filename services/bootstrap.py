"""Where ports meet adapters: the one composition root of the business."""

from dataclasses import dataclass

from services.adapters.alipay.client import AlipayClient
from services.adapters.alipay.gateway import AlipayGateway
from services.adapters.alipay.identity import AlipayIdentity
from services.adapters.bureau.client import BureauClient
from services.adapters.clock import SandboxClock, SystemClock
from services.certificates import Certificates
from services.declaration import Declarations
from services.enrolment import Enrolments
from services.identity import Identity
from services.notices import Notices
from services.payment import Payment
from services.ports import Clock
from services.records import Records
from services.settings import Settings
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
    payment: Payment
    records: Records
    certificates: Certificates
    notices: Notices
