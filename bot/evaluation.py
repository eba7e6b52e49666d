"""How well sentences are understood: one parse, or a report over labelled files in Rasa's YAML."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from services.adapters.clock import make_clock
from services.crypto import ROOT_KEY_LENGTH
from services.ports import Clock
from services.settings import Settings

Say = Callable[[str], None]
ANNOTATION = re.compile(r"\[(?P<text>[^\]]+)\](?:\{(?P<full>[^}]*)\}|\((?P<short>[^)]+)\))")


@dataclass(frozen=True)
class Labelled:
    text: str
    intent: str
    entities: frozenset[tuple[str, str]]


def understand(root: Path, settings: Settings, sentences: Sequence[str], say: Say) -> list[dict[str, Any]]:
    """Rasa's parse result of each sentence, by the model that `serve` would use."""
    from bot.engine.nlu.today import set_clock
    from bot.engine.training import ensure_model

    model = ensure_model(root, settings.models_dir, say)
    clock = make_clock(settings)
    set_clock(lambda: clock.now().date())
    return asyncio.run(_parse_all(model, sentences, clock))


def report(root: Path, settings: Settings, files: Sequence[Path], say: Say) -> str:
    """Accuracy of intents, precision and recall of entities, and the confusions, most frequent first."""
    labelled = [example for file in files for example in read_examples(file)]
    results = understand(root, settings, [example.text for example in labelled], say)
    confusions: Counter[tuple[str, str]] = Counter()
    entities: dict[str, Counter[str]] = {}
    for example, result in zip(labelled, results, strict=True):
        found = intent_of(result)
        if found != example.intent:
            confusions[example.intent, found] += 1
        _count(entities, example.entities, entities_of(result))
    right = len(labelled) - confusions.total()
    lines = [f"intents   {right}/{len(labelled)} right ({right / max(len(labelled), 1):.1%})"]
    lines += [
        f"  {count:4d} × {meant} taken for {taken}" for (meant, taken), count in confusions.most_common()
    ]
    lines.append("entities  precision  recall  (right, extra, missed)")
    for name, count in sorted(entities.items()):
        right, extra, missed = count["right"], count["extra"], count["missed"]
        precision, recall = right / max(right + extra, 1), right / max(right + missed, 1)
        lines.append(f"  {name:18} {precision:8.1%} {recall:7.1%}  ({right}, {extra}, {missed})")
    return "\n".join(lines)


def read_examples(file: Path) -> list[Labelled]:
    """The examples of a Rasa NLU file. An entity's value is its `value`, else the text itself."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"{file}: not YAML in UTF-8" + (f", line {mark.line + 1}" if mark else "")) from None
    blocks = content.get("nlu") if isinstance(content, dict) else None
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise ValueError(f"{file} is no NLU file: a list of intents under `nlu` is wanted")
    found = [
        _example(line, str(block["intent"]), file)
        for block in blocks
        if "intent" in block
        for line in _lines(block.get("examples"))
    ]
    if not found:
        raise ValueError(f"{file} has no examples")
    return found


def _lines(examples: Any) -> list[str]:
    """The sentences of a block: one text with a dash before each, or Rasa's longer form with `text`."""
    if isinstance(examples, list):
        texts = [str(entry.get("text") if isinstance(entry, dict) else entry).strip() for entry in examples]
    else:
        texts = [line.strip().removeprefix("- ").strip() for line in str(examples or "").splitlines()]
    return [text for text in texts if text]


def intent_of(result: dict[str, Any]) -> str:
    """The intent, with its topic for the questions (`faq/<topic>`)."""
    intent = result["intent"]
    return str(intent.get("full_retrieval_intent_name") or intent["name"])


def entities_of(result: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(_entity(e["entity"], e["value"]) for e in result["entities"])


def _entity(name: str, value: object) -> tuple[str, str]:
    """A number of a person is a token of the vault, which no label can foretell."""
    return name, "(a token)" if name == "id_number" else str(value)


async def _parse_all(model: Path, sentences: Sequence[str], clock: Clock) -> list[dict[str, Any]]:
    """As the service does it: numbers of persons become tokens first, here of a vault that nobody keeps."""
    from bot.engine.agent import Engine
    from bot.redaction import Redactor
    from services.store.schema import all_tables
    from services.store.session import Database
    from services.vault import Vault

    database = Database("sqlite+aiosqlite://")
    tables = all_tables()
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.create_all)
    redactor = Redactor(Vault(database, clock, root_key=os.urandom(ROOT_KEY_LENGTH)))
    engine = await Engine.load(model, database=database, actions=[])
    try:
        return [
            await engine.parse(await redactor.redact("parse:", sentence, names=False))
            for sentence in sentences
        ]
    finally:
        await database.close()


def _example(line: str, intent: str, file: Path) -> Labelled:
    entities = set()
    for match in ANNOTATION.finditer(line):
        if match["full"] is not None:
            try:
                label = yaml.safe_load("{" + match["full"] + "}")
                entities.add(_entity(label["entity"], label.get("value", match["text"])))
            except (yaml.YAMLError, KeyError, TypeError):
                raise ValueError(f"{file}: no `entity` in the label {match[0]}") from None
        else:
            name, _, value = match["short"].partition(":")
            entities.add(_entity(name, value or match["text"]))
    return Labelled(ANNOTATION.sub(lambda m: m["text"], line), intent, frozenset(entities))


def _count(
    entities: dict[str, Counter[str]], meant: frozenset[tuple[str, str]], found: frozenset[tuple[str, str]]
) -> None:
    for outcome, pairs in (("right", meant & found), ("missed", meant - found), ("extra", found - meant)):
        for name, _ in pairs:
            entities.setdefault(name, Counter())[outcome] += 1
