"""One line of waiting messages per conversation: first come, first served, and not too long."""

import asyncio


class ConversationBusy(Exception):
    """Too many messages of this conversation wait already; the channel asks the resident to wait."""


class Place:
    """A place in a line. It is reached when the one before has left."""

    def __init__(self, before: "Place | None") -> None:
        self._before = before
        self._left = asyncio.Event()

    async def reached(self) -> None:
        if self._before is not None:
            await self._before._left.wait()
            self._before = None

    def leave(self) -> None:
        self._left.set()


class Lines:
    """The lines of this process."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._lines: dict[str, list[Place]] = {}

    def enter(self, conversation_id: str) -> Place:
        """The last place of the line. Not async, so that the order is the order of the calls."""
        line = self._lines.setdefault(conversation_id, [])
        if len(line) >= self._longest:
            raise ConversationBusy
        place = Place(line[-1] if line else None)
        line.append(place)
        return place

    def leave(self, conversation_id: str, place: Place) -> None:
        line = self._lines[conversation_id]
        line.remove(place)
        if not line:
            del self._lines[conversation_id]
        place.leave()
