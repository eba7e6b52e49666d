"""Web sessions: sealed, limited in idle and in absolute time, renewed, ended."""

from datetime import timedelta

import pytest

from bot.channels.web.sessions import Sessions
from tests.conftest import FixedClock

KEY = b"k" * 32


@pytest.fixture
def sessions(clock: FixedClock) -> Sessions:
    return Sessions(key=KEY, clock=clock)


def test_a_cookie_is_found_again_and_names_a_sender_that_does_not_tell_the_secret(sessions: Sessions) -> None:
    session = sessions.begin()
    found = sessions.find(sessions.seal(session))
    assert found is not None
    assert found.sender == session.sender
    assert len(session.reference) >= 43  # 256 bits in base64
    assert session.reference not in session.sender
    assert session.reference not in repr(session)


@pytest.mark.parametrize("cookie", [None, "", "x", "a.b.c.d.e", "é.1.2.3.4", "\ud800"])
def test_no_cookie_and_nonsense_are_no_session(sessions: Sessions, cookie: str | None) -> None:
    assert sessions.find(cookie) is None


def test_each_changed_character_makes_a_cookie_worthless(sessions: Sessions) -> None:
    cookie = sessions.seal(sessions.begin())
    for place in range(len(cookie)):
        changed = cookie[:place] + ("x" if cookie[place] != "x" else "y") + cookie[place + 1 :]
        assert sessions.find(changed) is None


def test_fifteen_idle_minutes_end_a_session_and_a_word_prolongs_it(
    sessions: Sessions, clock: FixedClock
) -> None:
    session = sessions.begin()
    sessions.open(session)
    clock.advance(minutes=14)
    assert sessions.act(session.sender)
    clock.advance(minutes=14)
    assert sessions.find(sessions.seal(session)) is not None
    clock.advance(minutes=2)
    assert sessions.find(sessions.seal(session)) is None
    assert not sessions.act(session.sender)


def test_twelve_hours_end_a_session_however_busy(sessions: Sessions, clock: FixedClock) -> None:
    session = sessions.begin()
    sessions.open(session)
    for _ in range(12 * 6):
        clock.advance(minutes=10)
        assert sessions.act(session.sender)
    clock.advance(minutes=1)
    assert not sessions.act(session.sender)
    assert sessions.find(sessions.seal(sessions.touch(session))) is None


def test_a_session_outlives_a_restart_but_not_its_limits(sessions: Sessions, clock: FixedClock) -> None:
    cookie = sessions.seal(sessions.begin())
    clock.advance(minutes=10)
    found = Sessions(key=KEY, clock=clock).find(cookie)
    assert found is not None
    clock.advance(minutes=6)
    assert Sessions(key=KEY, clock=clock).find(cookie) is None
    assert Sessions(key=b"other" * 8, clock=clock).find(cookie) is None


def test_after_a_restart_an_open_page_may_go_on_talking(sessions: Sessions, clock: FixedClock) -> None:
    session = sessions.begin()
    restarted = Sessions(key=KEY, clock=clock)
    assert not restarted.act(session.sender)
    found = restarted.find(sessions.seal(session))
    assert found is not None
    restarted.open(found)
    assert restarted.act(session.sender)


def test_a_renewed_session_keeps_its_conversation_and_the_old_cookie_stops(
    sessions: Sessions, clock: FixedClock
) -> None:
    session = sessions.begin()
    renewed = sessions.renew(session)
    assert renewed.sender == session.sender
    assert sessions.find(sessions.seal(session)) is not None, "requests under way are let through"
    clock.advance(minutes=2)
    assert sessions.find(sessions.seal(session)) is None
    assert sessions.find(sessions.seal(renewed)) is not None


def test_an_ended_session_is_not_found_again(sessions: Sessions) -> None:
    session = sessions.begin()
    sessions.end(session)
    assert sessions.find(sessions.seal(session)) is None
    assert not sessions.act(session.sender)


def test_a_ticket_belongs_to_its_session(sessions: Sessions) -> None:
    session, other = sessions.begin(), sessions.begin()
    assert sessions.admits(session, sessions.ticket(session))
    assert not sessions.admits(session, sessions.ticket(other))
    assert not sessions.admits(session, None)
    assert not sessions.admits(session, "\ud800")


def test_lives_past_the_absolute_limit_are_forgotten(clock: FixedClock) -> None:
    sessions = Sessions(key=KEY, clock=clock, absolute=timedelta(hours=1))
    for _ in range(100):
        sessions.open(sessions.begin())
    clock.advance(hours=2)
    sessions.open(sessions.begin())
    assert len(sessions._lives) == 1
