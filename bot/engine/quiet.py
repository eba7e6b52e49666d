"""Keeps Rasa's own loggers silent: they print what residents say, at DEBUG and, when a turn fails, at ERROR.

What fails is raised by the engine and logged once, by the service, without the text.
"""

import logging
import sys
import warnings
from typing import Any

LOGGERS = ("rasa", "rasa_sdk", "apscheduler", "dask", "matplotlib")
SILENT = logging.CRITICAL + 1


class Silence:
    """A logger that takes any call of structlog's interface and does nothing."""

    def __getattr__(self, _name: str) -> Any:
        return self._nothing

    def _nothing(self, *_args: Any, **_values: Any) -> "Silence":
        return self


def silence_rasa() -> None:
    """Silence every logger of the Rasa modules imported so far; call it again after a model is loaded."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(SILENT)
    for name, module in list(sys.modules.items()):
        if name.startswith(("rasa.", "rasa_sdk.")) and "structlogger" in vars(module):
            vars(module)["structlogger"] = Silence()
    warnings.filterwarnings("ignore", module=r"rasa(_sdk)?\.")
