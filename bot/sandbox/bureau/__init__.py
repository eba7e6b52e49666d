"""The simulated tax bureau: a peer with books of its own, reached over HTTP only."""

from bot.sandbox.bureau.routes import blueprint

__all__ = ["blueprint"]
