"""What can go wrong in a turn that Rasa itself would hide.

EngineError
├── EngineSilent     the turn ended without a message
├── EngineStuck      the policies asked for action after action without listening
├── TurnTooLong      the turn did not end within its time
└── BadActionResult  an action returned what can't be an event
"""


class EngineError(Exception):
    """Base. The text names what failed, never what was said."""


class EngineSilent(EngineError):
    pass


class EngineStuck(EngineError):
    pass


class TurnTooLong(EngineError):
    pass


class BadActionResult(EngineError):
    pass
