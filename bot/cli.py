"""`shebao …`: what an operator types. Each command is a few lines here and a module that does the work."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import staffing
from services.settings import Settings

ROOT = Path(__file__).parents[1]
"""Where `config.yml`, `domain.yml` and `data/` lie."""

app = typer.Typer(
    name="shebao", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None, help="Social insurance by talking: serve it, train it, look after it.",
)  # fmt: skip
sandbox = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The simulated peers.")
db = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The store.")
keys = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The vault's keys.")
jobs = typer.Typer(
    invoke_without_command=True, rich_markup_mode=None, help="Work that is dead or fails again and again."
)
evaluate = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="How well sentences are understood.")
for name, group in (("sandbox", sandbox), ("db", db), ("keys", keys), ("jobs", jobs), ("evaluate", evaluate)):
    app.add_typer(group, name=name)

ERRORS = {
    "bill_not_ready": "the gateway's bill is not there yet: it comes about 10:00 of the next day",
    "bill_unreadable": "the gateway's bill is not whole or not ours: nothing was compared; try again later",
    "bill_too_large": "the gateway's bill is larger than any bill of a day: nothing was compared",
    "bill_address_dead": "the gateway's bill could not be fetched in its 30 seconds: try again",
    "gateway_refused": "the payment gateway refuses its bill: the contract or the keys are not complete",
    "gateway_unavailable": "the payment gateway can't be reached: `shebao doctor` says more",
    "unavailable": "the tax bureau can't be reached: `shebao doctor` says more",
    "unknown_finding": "no open finding has this number: `shebao reconcile --list` shows them",
    "agreed_already": "you have said so already: somebody else has to",
    **staffing.ERRORS,
    "cannot_decrypt": "SHEBAO_ROOT_KEY_FILE does not fit this store: it was made with another root key",
}
OTHERS = {"asyncpg", "bot", "sqlalchemy"}
"""Whose errors say what is wrong in their first line."""


class Failure(Exception):
    """A command that can't do its work: one clear line, exit code 1."""


def say(line: str) -> None:
    """One line of progress, for the operator's eyes only."""
    typer.echo(f"· {line}", err=True)


def read_settings(**given: Any) -> Settings:
    """The settings with the command's own options on top, completed in the sandbox."""
    from pydantic import ValidationError

    from bot.logs import configure as configure_logs

    configure_logs("CRITICAL")  # a command tells what went wrong by itself; what serves sets its own level
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        raise Failure(f"SHEBAO_{name}: {first['msg']}") from None
    if settings.sandbox:
        from bot.sandbox.settings import complete

        return complete(settings)
    return settings


staffing.register(app, read_settings)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Worker processes (more than 1: PostgreSQL only).")
    ] = None,
) -> None:
    """Serve the conversation; in the sandbox with simulated Alipay, WeChat and tax bureau."""
    from bot.serving import run

    run(read_settings(host=host, port=port, workers=workers), ROOT, say)


@app.command()
def train() -> None:
    """Train the model if its data has changed."""
    from bot.engine.training import ensure_model

    model = ensure_model(ROOT, read_settings().models_dir, say)
    typer.echo(str(model))


@app.command()
def chat(url: Annotated[str | None, typer.Option(help="A running service.")] = None) -> None:
    """The same conversation in the terminal, with a running `shebao serve`."""
    from bot.terminal import talk

    settings = read_settings()
    token = settings.rest_token.get_secret_value() if settings.rest_token else None
    talk(url or f"http://127.0.0.1:{settings.port}", token)


@app.command()
def parse(text: Annotated[str, typer.Argument(metavar="TEXT")]) -> None:
    """Show what is understood of TEXT, as Rasa's parse result."""
    import json

    from bot.evaluation import understand

    [result] = understand(ROOT, read_settings(), [text], say)
    typer.echo(json.dumps(result, ensure_ascii=False, indent=2))


@evaluate.command("nlu")
def evaluate_nlu(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE...")],
) -> None:
    """Intents and entities of labelled sentences (Rasa's YAML), with what is taken for what."""
    from bot.evaluation import report

    typer.echo(report(ROOT, read_settings(), files, say))


@sandbox.command("load")
def sandbox_load(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE")]) -> None:
    """Add or replace residents from a YAML file; a bad file changes nothing."""
    import asyncio

    settings = read_settings()
    if not settings.sandbox:
        raise Failure("this is not a sandbox: SHEBAO_ENV is production")
    from bot.sandbox.opening import load_residents

    count = asyncio.run(load_residents(settings, file))
    typer.echo(f"{count} residents loaded")


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the store to the newest revision."""
    from services.store import schema

    schema.upgrade(read_settings().database)
    typer.echo("the store is up to date")


@keys.command("rotate")
def keys_rotate() -> None:
    """New keys for the vault; what is sealed is sealed anew. Goes on where it stopped."""
    from bot.upkeep import rotate_keys

    typer.echo(rotate_keys(read_settings()))


@jobs.callback()
def jobs_list(context: typer.Context) -> None:
    """List the work that is dead or fails again and again: job, state, kind, subject, code, since, tries."""
    if context.invoked_subcommand is not None:
        return
    from bot.upkeep import list_jobs

    lines = list_jobs(read_settings())
    typer.echo("\n".join(lines) if lines else "nothing is dead or failing")


@jobs.command("replay")
def jobs_replay(
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="As listed.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are listed.")] = False,
) -> None:
    """Have JOB, or all, tried again at once; what was done already is not done twice."""
    from bot.upkeep import replay_jobs

    if (job is None) is not everything:
        raise typer.BadParameter("either JOB or --all")
    replayed = replay_jobs(read_settings(), job)
    if job is not None and not replayed:
        raise Failure(f"no dead or failing job {job} that nobody works on")
    typer.echo(f"{replayed} {'job is' if replayed == 1 else 'jobs are'} tried again")


@app.command()
def reconcile(
    day: Annotated[
        str | None, typer.Argument(metavar="[DAY]", help="An ISO day, or `yesterday`.", show_default=False)
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Open findings of all days, oldest first.")] = False,
    accept: Annotated[
        str | None, typer.Option(metavar="FINDING", help="Two people decide that nothing is left to do.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who decides, with --accept.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why, with --accept: a word of docs/reconciliation.md.")
    ] = None,
) -> None:
    """Match DAY between gateways, orders and tax bureau; mend what evidence allows. 0: nothing is open."""
    from bot.reconciling import REASONS, accept_finding, list_open, read_day, reconcile_day

    if [day is not None, listed, accept is not None].count(True) != 1:
        raise typer.BadParameter("give a DAY, --list or --accept FINDING")
    settings = read_settings()
    if accept is not None:
        if reason not in REASONS:
            raise typer.BadParameter(f"--reason is one of {', '.join(REASONS)}")
        if name is None:
            raise typer.BadParameter("--accept needs --as NAME")
        typer.echo(accept_finding(settings, accept, name, staffing.ask_secret(), reason))
        return
    if listed:
        lines, open_ = list_open(settings)
    else:
        try:
            lines, open_ = reconcile_day(settings, read_day(settings, day or ""))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    typer.echo("\n".join(lines))
    raise typer.Exit(1 if open_ else 0)


@app.command()
def worker() -> None:
    """Work off what must still happen: calls, messages, expiries, postings."""
    from bot.upkeep import run_worker

    run_worker(read_settings())


@app.command()
def doctor() -> None:
    """Check configuration, keys, clock, store, model and peers, and say what to mend."""
    from bot.doctor import examine

    if not examine(read_settings(), typer.echo):
        raise typer.Exit(1)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def rasa(context: typer.Context) -> None:
    """The engine's own commands: train, data validate, test nlu, run actions, …"""
    from bot.engine.rasa_cli import run

    raise typer.Exit(run(context.args, ROOT, read_settings()))


def main() -> None:
    """Entrance of the script. Every failure is one line on stderr and exit code 1."""
    try:
        app(prog_name="shebao")
    except Exception as error:
        if os.environ.get("SHEBAO_LOG_LEVEL", "").upper() == "DEBUG" and not isinstance(error, Failure):
            raise
        sys.exit(f"shebao: {in_one_line(error)}")


def in_one_line(error: Exception) -> str:
    """What is wrong, for an operator; our own errors may say a line for each thing to mend."""
    from bot.engine.training import TrainingFailed
    from services.domain.errors import ServiceError

    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if isinstance(error, Failure | ValueError):
        return "\n".join(lines)
    if isinstance(error, TrainingFailed):
        return f"training failed: {lines[-1].strip()}"
    if isinstance(error, ServiceError):
        return ERRORS.get(error.code, error.code)
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in OTHERS:
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}"


if __name__ == "__main__":
    main()
