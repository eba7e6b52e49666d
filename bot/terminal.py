"""The conversation in a terminal: the same REST channel that any program uses."""

import secrets
from typing import Any

import httpx2 as httpx
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.prompt import Prompt

Choices = list[tuple[str, str]]
REFUSALS = {
    401: "the service wants its token: set SHEBAO_REST_TOKEN",
    404: "the service's REST channel is off: set SHEBAO_REST_TOKEN or SHEBAO_REST_ENABLED there",
}


class NoAnswer(ValueError):
    """Why the service did not answer, and what to do."""


def talk(url: str, token: str | None = None) -> None:
    """Talk until 退出 or the end of input."""
    console = Console(highlight=False)
    sender = f"terminal-{secrets.token_hex(8)}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
        choices = _turn(http, console, sender, "/greet")
        while True:
            try:
                said = Prompt.ask("[bold]您[/bold]", console=console).strip()
            except (EOFError, KeyboardInterrupt):
                break
            if said in {"退出", "exit", "quit"}:
                break
            try:
                choices = _turn(http, console, sender, _picked(said, choices))
            except NoAnswer as error:  # it may be back for the next sentence
                console.print(f"[red]{escape(str(error))}[/red]")
    console.print("再见。")


def _picked(said: str, choices: Choices) -> str:
    """A number picks the numbered button; anything else is said as it is."""
    if said.isdigit() and 1 <= int(said) <= len(choices):
        return choices[int(said) - 1][1]
    return said


def _turn(http: httpx.Client, console: Console, sender: str, text: str) -> Choices:
    """Say `text`, show what comes back. `NoAnswer` says why nothing does."""
    try:
        answer = http.post("/webhooks/rest/webhook", json={"sender": sender, "message": text})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"{http.base_url} does not answer ({type(error).__name__}): is `shebao serve` running?"
        raise NoAnswer(reason) from None
    if answer.status_code in REFUSALS:
        raise NoAnswer(REFUSALS[answer.status_code])
    if answer.status_code != httpx.codes.OK:
        raise NoAnswer(f"the service failed with status {answer.status_code}; please say it again")
    choices: Choices = []
    for message in answer.json():
        _show(console, message, choices)
    return choices


def _show(console: Console, message: dict[str, Any], choices: Choices) -> None:
    card = message.get("custom") or {}
    console.print(Panel(escape(message.get("text", "")), border_style="cyan", expand=False))
    for link in (card.get("url"), card.get("cashier_url"), message.get("image")):
        if link:
            console.print(f"  → {link}", soft_wrap=True, markup=False)
    options = [
        (o["title"], o["payload"])
        for o in (*card.get("options", []), *card.get("items", []))
        if "payload" in o
    ]
    buttons = [(b["title"], b["payload"]) for b in message.get("buttons") or []]
    for title, payload in (*options, *buttons):
        choices.append((title, payload))
        console.print(f"  {len(choices)}. {escape(title)}")
