"""How well sentences are understood: one parse, or a report over labelled files in Rasa's YAML."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from services.adapters.clock import make_clock
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
    return asyncio.run(_parse_all(model, sentences))


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
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not isinstance(content.get("nlu"), list):
        raise ValueError(f"{file} is no NLU file: a list under `nlu` is wanted")
    return [
        _example(line.removeprefix("- ").strip(), block["intent"])
        for block in content["nlu"]
        if "intent" in block
        for line in str(block.get("examples", "")).splitlines()
        if line.strip()
    ]


def intent_of(result: dict[str, Any]) -> str:
    """The intent, with its topic for the questions (`faq/<topic>`)."""
    name = str(result["intent"]["name"])
    if name != "faq":
        return name
    topics = [e["value"] for e in result["entities"] if e["entity"] == "faq_topic"]
    return f"faq/{topics[-1]}" if topics else name


def entities_of(result: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((e["entity"], str(e["value"])) for e in result["entities"] if e["entity"] != "faq_topic")


async def _parse_all(model: Path, sentences: Sequence[str]) -> list[dict[str, Any]]:
    from bot.engine.agent import Engine
    from services.store.session import Database

    database = Database("sqlite+aiosqlite://")
    engine = await Engine.load(model, database=database, actions=[])
    try:
        return [await engine.parse(sentence) for sentence in sentences]
    finally:
        await database.close()


def _example(line: str, intent: str) -> Labelled:
    entities = set()
    for match in ANNOTATION.finditer(line):
        if match["full"] is not None:
            label = yaml.safe_load("{" + match["full"] + "}")
            entities.add((label["entity"], str(label.get("value", match["text"]))))
        else:
            name, _, value = match["short"].partition(":")
            entities.add((name, value or match["text"]))
    return Labelled(ANNOTATION.sub(lambda m: m["text"], line), intent, frozenset(entities))


def _count(
    entities: dict[str, Counter[str]], meant: frozenset[tuple[str, str]], found: frozenset[tuple[str, str]]
) -> None:
    for outcome, pairs in (("right", meant & found), ("missed", meant - found), ("extra", found - meant)):
        for name, _ in pairs:
            entities.setdefault(name, Counter())[outcome] += 1
