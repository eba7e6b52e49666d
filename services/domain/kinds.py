"""The closed lists of the field: insured groups, insurances, payment types, identity documents."""

from enum import StrEnum


class InsuredGroup(StrEnum):
    FLEXIBLE = "flexible_employment"
    RESIDENT = "urban_rural_resident"


class Insurance(StrEnum):
    PENSION = "pension"
    MEDICAL = "medical"


class PaymentType(StrEnum):
    NORMAL = "normal"
    ARREARS = "arrears"


class EnrolmentStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class IdType(StrEnum):
    """Identity documents; the value is the official name (`identity-documents` 1)."""

    RESIDENT_ID_CARD = "居民身份证"
    HK_MACAO_TRAVEL_PERMIT = "港澳居民来往内地通行证"
    HK_MACAO_RESIDENCE_PERMIT = "港澳居民居住证"
    TAIWAN_TRAVEL_PERMIT = "台湾居民来往大陆通行证"
    TAIWAN_RESIDENCE_PERMIT = "台湾居民居住证"
    FOREIGN_PASSPORT = "外国护照"
    FOREIGN_PERMANENT_RESIDENT_ID = "外国人永久居留身份证"
    CHINESE_PASSPORT = "中国护照"
    FOREIGN_WORK_PERMIT = "外国人工作许可证"
    BIRTH_CERTIFICATE = "出生医学证明"


class RecordKind(StrEnum):
    """What the bureau can be asked for: declarations, booked payments, tier choices."""

    DECLARATION = "declaration"
    PAID = "paid"
    TIER_CHOICE = "tier_choice"
