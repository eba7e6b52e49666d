"""Whoever is named as one calls them: 潘奶奶 is in no book. The name on the ID card is asked for, with the reason."""

from actions.slots import PERSON_NAME
from actions.talk import Talk
from services.domain.kin import is_pet_name


async def by_pet_name(talk: Talk, token: str | None) -> bool:
    """Whether the name as it was typed is only what somebody is called."""
    if token is None:
        return False
    return is_pet_name((await talk.services.vault.open(talk.conversation_id, token)).strip(" 。.，,!！"))


async def tell_not_heard(talk: Talk, asked: str | None) -> None:
    """The answer to the question after a number or a name was neither: 我记不得号码了, or 潘奶奶."""
    said = talk.turn.token("text")
    if asked == PERSON_NAME and await by_pet_name(talk, said):
        talk.tell("others.pet_name")
    elif said:
        talk.tell("others.not_heard", number=asked != PERSON_NAME)
