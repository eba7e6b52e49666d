"""Web sessions (`reliability` 4.1): a sealed cookie, idle and absolute limits, renewal, exit.

The cookie carries its own times under a MAC, so that a session outlives a restart of the process; what
this process saw later (a message, a renewal, an exit) counts more than the cookie.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from services.adapters.clock import SHANGHAI
from services.ports import Clock

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)
RENEWAL_GRACE = timedelta(minutes=1)
SWEEP = timedelta(minutes=1)
COOKIE = "shebao_session"


@dataclass(frozen=True, kw_only=True, repr=False)
class WebSession:
    """What the cookie says. `reference` is a secret; `sender` is made from it and is not."""

    reference: str
    generation: int
    started: datetime
    seen: datetime

    @property
    def sender(self) -> str:
        return sender_of("browser", self.reference)


@dataclass
class _Life:
    """What this process knows of a session beyond its cookie."""

    seen: datetime
    expires: datetime
    generation: int
    renewed: datetime
    ended: bool = False


class Sessions:
    def __init__(
        self, *, key: bytes, clock: Clock, idle: timedelta = IDLE, absolute: timedelta = ABSOLUTE
    ) -> None:
        self._key, self._clock, self._idle, self._absolute = key, clock, idle, absolute
        self._lives: dict[str, _Life] = {}
        self._swept = clock.now()

    def begin(self) -> WebSession:
        now = self._clock.now()
        return WebSession(reference=secrets.token_urlsafe(32), generation=1, started=now, seen=now)

    def find(self, cookie: str | None) -> WebSession | None:
        """The live session of a cookie, or None: none, forged, idle too long, too old, ended, replaced."""
        session = self._unseal(cookie or "")
        if session is None:
            return None
        life = self._lives.get(session.sender)
        if life is not None:
            if life.ended or not self._current(session, life):
                return None
            session = replace(session, seen=max(session.seen, life.seen))
        return session if self._alive(session.started, session.seen) else None

    def touch(self, session: WebSession) -> WebSession:
        """The resident is here: the idle time begins anew."""
        now = self._clock.now()
        life = self._lives.get(session.sender)
        if life is not None:
            life.seen = now
        return replace(session, seen=now)

    def open(self, session: WebSession) -> None:
        """A socket of this session is open: from here on its words count, not its cookie."""
        self._note(session)

    def act(self, sender: str) -> bool:
        """The resident says something on an open socket; False if the session is over by now."""
        life = self._lives.get(sender)
        now = self._clock.now()
        if life is None or life.ended or now - life.seen > self._idle or now > life.expires:
            return False
        life.seen = now
        return True

    def renew(self, session: WebSession) -> WebSession:
        """A new cookie for the same conversation; the old one is refused after a moment."""
        session = replace(session, generation=session.generation + 1)
        self._note(session)
        self._lives[session.sender].renewed = self._clock.now()
        return session

    def end(self, session: WebSession) -> None:
        self._note(session)
        self._lives[session.sender].ended = True

    def seal(self, session: WebSession) -> str:
        """The cookie's value."""
        body = ".".join(
            (
                session.reference,
                str(session.generation),
                str(int(session.started.timestamp())),
                str(int(session.seen.timestamp())),
            )
        )
        return f"{body}.{self._mac('cookie', body)}"

    def ticket(self, session: WebSession) -> str:
        """What the page shows when it opens the socket, beside the cookie that the browser adds by itself."""
        return self._mac("ticket", session.reference)

    def admits(self, session: WebSession, ticket: object) -> bool:
        return isinstance(ticket, str) and hmac.compare_digest(
            ticket.encode(errors="replace"), self.ticket(session).encode()
        )

    def _unseal(self, cookie: str) -> WebSession | None:
        body, _, mac = cookie.rpartition(".")
        if not hmac.compare_digest(mac.encode(errors="replace"), self._mac("cookie", body).encode()):
            return None
        reference, generation, started, seen = body.split(".")
        return WebSession(
            reference=reference,
            generation=int(generation),
            started=datetime.fromtimestamp(int(started), SHANGHAI),
            seen=datetime.fromtimestamp(int(seen), SHANGHAI),
        )

    def _mac(self, purpose: str, text: str) -> str:
        message = f"web-session:{purpose}:{text}".encode(errors="replace")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()

    def _alive(self, started: datetime, seen: datetime) -> bool:
        now = self._clock.now()
        return now - seen <= self._idle and now - started <= self._absolute

    def _current(self, session: WebSession, life: _Life) -> bool:
        if session.generation >= life.generation:
            return True
        replaced_just_now = self._clock.now() - life.renewed <= RENEWAL_GRACE
        return session.generation == life.generation - 1 and replaced_just_now

    def _note(self, session: WebSession) -> None:
        self._forget_old()
        life = self._lives.get(session.sender)
        if life is None:
            self._lives[session.sender] = _Life(
                seen=session.seen,
                expires=session.started + self._absolute,
                generation=session.generation,
                renewed=session.started,
            )
            return
        life.seen = max(life.seen, session.seen)
        life.generation = max(life.generation, session.generation)

    def _forget_old(self) -> None:
        now = self._clock.now()
        if abs(now - self._swept) < SWEEP:
            return
        self._swept = now
        for sender in [sender for sender, life in self._lives.items() if now > life.expires]:
            del self._lives[sender]


def sender_of(kind: str, secret: str) -> str:
    """The conversation's name made from a secret: logs and rows hold this, never the secret."""
    digest = hashlib.sha256(f"web-sender:{kind}:{secret}".encode(errors="replace")).hexdigest()
    return f"{kind}-{digest[:32]}"


def origin_of(url: str) -> str:
    """`https://host:port` of a URL; empty when it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
