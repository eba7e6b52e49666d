"""A natural person as the outside world knows them. The fields never appear in a log, an event or a `repr`."""

from dataclasses import dataclass

from services.domain.kinds import IdType


@dataclass(frozen=True, kw_only=True, repr=False)
class Person:
    """`id_number` is normalised (upper case, half width, no spaces); `name` uses `·` between its parts."""

    id_type: IdType
    id_number: str
    name: str

    def __repr__(self) -> str:
        return "Person(***)"

    def __reduce__(self) -> str:
        raise TypeError("personal data is not pickled")
