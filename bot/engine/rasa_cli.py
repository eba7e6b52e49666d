"""`shebao rasa …`: Rasa's own commands on our project, with what can't work named and what to use instead."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.engine.training import training_files
from services.settings import Settings

INSTEAD: dict[str, str] = {
    "run": "Rasa's server does not start on this Sanic: use `shebao serve`",
    "shell": "use `shebao chat`, or `shebao rasa shell nlu` for the understanding alone",
    "x": "there is none in this release: use `shebao serve`",
    "interactive": "use `shebao chat` and write down what is missing in data/nlu",
    "init": "this is a project already",
    "test": "there are no stories to test: use `shebao rasa test nlu` or `shebao evaluate nlu`",
    "export": "conversations lie in the service's own store, redacted",
    "evaluate": "there are no markers: use `shebao evaluate nlu`",
}
WORKS = {("shell", "nlu"), ("run", "actions"), ("test", "nlu")}
HALVES = {("train", "nlu"), ("train", "core")}
QUIET = {"RASA_TELEMETRY_ENABLED": "false"}


def run(arguments: Sequence[str], root: Path, settings: Settings) -> int:
    """Run the command in `root`; its exit code, or 2 for one that can't work."""
    words = [word for word in arguments if not word.startswith("-")]
    asks = not {"-h", "--help"}.isdisjoint(arguments)
    if words and words[0] in INSTEAD and tuple(words[:2]) not in WORKS and not asks:
        print(f"shebao: rasa {words[0]} does not work here: {INSTEAD[words[0]]}", file=sys.stderr)
        return 2
    given = list(arguments) or ["--help"]
    if words[:1] == ["test"] and "--no-plot" not in given:
        given.append("--no-plot")  # plots need matplotlib, which is left out
    given += _data(words, given, root)
    if tuple(words[:2]) in HALVES and "--out" not in given and not asks:
        given += ["--out", str(settings.data_dir.absolute() / "half-models")]  # not where `serve` looks
    environment = {**os.environ, **QUIET, **_exported(settings), "PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "ignore", "-m", "bot.engine.rasa_cli", *given]
    code = subprocess.run(command, cwd=root, env=environment, check=False).returncode
    return code if arguments else 2


def _data(words: Sequence[str], given: Sequence[str], root: Path) -> list[str]:
    """Where the training data lies, for commands that would look into all of `data/`."""
    files = [str(path.relative_to(root)) for path in training_files(root)]
    if words[:2] == ["train", "nlu"]:
        return [] if "--nlu" in given or "-u" in given else ["--nlu", "data/nlu"]
    if words[:2] == ["train", "core"]:
        return [] if "--stories" in given or "-s" in given else ["--stories", "data/rules.yml"]
    if words[:1] == ["train"] or words[:2] == ["data", "validate"]:
        return [] if "--data" in given else ["--data", *files]
    return []


def _exported(settings: Settings) -> dict[str, str]:
    """The completed settings for a stock action server, which reads them from its environment."""
    values = {
        name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
        for name, value in settings
        if value is not None and value != ""
    }
    return {f"SHEBAO_{name.upper()}": str(value) for name, value in values.items()}


def main() -> None:
    """The process that runs the command: the stand-ins are installed by importing this package."""
    if sys.argv[1:3] == ["run", "actions"]:
        _serve_actions()
        return
    import structlog
    from rasa.utils import log_utils

    level = logging.DEBUG if "--debug" in sys.argv or "-vv" in sys.argv else logging.WARNING
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    log_utils.configure_structlog = lambda *_args, **_options: None  # it insists on a client of Sentry
    from rasa.__main__ import main as rasa

    try:
        rasa()
    except Exception as error:
        if level == logging.DEBUG:
            raise
        first, *_ = [*str(error).splitlines(), ""]
        sys.exit(f"shebao: rasa failed: {type(error).__name__}: {first}")


def _serve_actions() -> None:
    """The stock action server over our actions; its `Sanic.run` must not fork."""
    from functools import partialmethod

    from sanic import Sanic

    Sanic.run = partialmethod(Sanic.run, single_process=True)  # type: ignore[assignment]
    from rasa_sdk.__main__ import main_from_args
    from rasa_sdk.endpoint import create_argument_parser

    options = create_argument_parser().parse_args(sys.argv[3:])
    options.actions = options.actions or "actions.run_flow"
    main_from_args(options)


if __name__ == "__main__":
    main()
