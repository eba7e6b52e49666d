"""The Rasa component that tells what a sentence is for: its intent, and for a question its topic."""

import re
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RESPONSE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.nlu import today
from bot.engine.nlu.clauses import parts_of
from bot.engine.nlu.linear import LinearModel, train
from bot.engine.nlu.meaning import read
from bot.engine.nlu.reader import READING, SHAPE
from bot.engine.nlu.shape import features, only_values, shape_of, topic_features
from bot.engine.nlu.values import TOPIC

FAQ, INFORM, UNKNOWN, PAY = "faq", "inform", "out_of_scope", "pay_insurance"
SURE, TOPIC_SURE = 0.6, 0.12
"""How sure it must be of each half that a sentence asks for two things."""
RANKED = 5
SAYS_SOMETHING = re.compile(r"\w")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SentenceClassifier(GraphComponent):
    """Two linear models: intents over words and shape, topics of `faq` over words."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"threshold": 0.25, "strength": 40.0, "topic_strength": 20.0}

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._intents: LinearModel | None = None
        self._topics: LinearModel | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceClassifier":
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_kwargs: Any,
    ) -> "SentenceClassifier":
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._intents = LinearModel.load(folder, "intents")
            component._topics = LinearModel.load(folder, "topics")
        return component

    def train(self, training_data: TrainingData) -> Resource:
        examples = [message for message in training_data.intent_examples if message.get(TEXT)]
        self._intents = train(
            [features(m.get(READING), m.get(SHAPE)) for m in examples],
            [m.get(INTENT) for m in examples],
            strength=self._config["strength"],
            seen=2,
        )
        questions = [message for message in examples if message.get(INTENT_RESPONSE_KEY)]
        self._topics = train(
            [topic_features(m.get(READING)) for m in questions],
            [m.get(INTENT_RESPONSE_KEY).partition("/")[2] for m in questions],
            strength=self._config["topic_strength"],
            seen=1,
        )
        with self._storage.write_to(self._resource) as folder:
            self._intents.save(folder, "intents")
            self._topics.save(folder, "topics")
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._classify(message)
        return messages

    def _classify(self, message: Message) -> None:
        ranking = self._rank(message)
        question = self._question_beside_wish(message) if ranking[0][0] in {FAQ, PAY} else None
        if question:
            ranking = _first(ranking, PAY, 1.0)
        name, confidence = ranking[0]
        intent: dict[str, Any] = {"name": name, "confidence": confidence}
        if name == FAQ:
            topics = self._rank_topics(message)
            intent["full_retrieval_intent_name"] = f"{FAQ}/{topics[0][0]}"
            _add_topic(message, topics)
        elif question:
            message.set(
                ENTITIES, [*message.get(ENTITIES, []), _topic_entity(message, *question)], add_to_output=True
            )
        message.set(INTENT, intent, add_to_output=True)
        message.set(
            "intent_ranking",
            [{"name": label, "confidence": chance} for label, chance in ranking[:RANKED]],
            add_to_output=True,
        )

    def _rank(self, message: Message) -> list[tuple[str, float]]:
        """Intents by probability; a sentence of values only informs, and a doubtful one is out of scope."""
        if self._intents is None:
            raise RuntimeError("the classifier has neither been trained nor loaded")
        ranking = self._intents.rank(features(message.get(READING), message.get(SHAPE)))
        if only_values(message.get(SHAPE)):
            return _first(ranking, INFORM, 1.0)
        if ranking[0][1] < self._config["threshold"] or not SAYS_SOMETHING.search(message.get(READING)):
            return _first(ranking, UNKNOWN, 1 - ranking[0][1])
        return ranking

    def _question_beside_wish(self, message: Message) -> tuple[str, float] | None:
        """交居民医保，顺便问一下退休年龄: the topic of the question, where another part of the sentence asks to pay.
        Of what is asked nothing is to be paid: the values of the question are not those of the sentence."""
        question, asked, pays, named = None, None, False, False
        for part in parts_of(message.get(TEXT) or ""):
            normal, values = read(part.text, today.today())
            alone = Message({READING: normal.text, SHAPE: shape_of(normal.text, values)})
            name, chance = self._rank(alone)[0]
            if name == PAY and chance >= SURE:
                pays, named = True, named or any(value.entity == "insurance" for value in values)
            elif name == FAQ and chance >= SURE and question is None:
                topic = self._rank_topics(alone)[0]
                question, asked = (topic, part) if topic[1] >= TOPIC_SURE else (None, None)
        if not pays or asked is None:
            return None
        if named:
            kept = [one for one in message.get(ENTITIES, []) if not asked.start <= one["start"] < asked.end]
            message.set(ENTITIES, kept, add_to_output=True)
        return question

    def _rank_topics(self, message: Message) -> list[tuple[str, float]]:
        if self._topics is None:
            raise RuntimeError("the classifier has neither been trained nor loaded")
        return self._topics.rank(topic_features(message.get(READING)))


def _first(ranking: list[tuple[str, float]], name: str, chance: float) -> list[tuple[str, float]]:
    rest = [(label, value * (1 - chance)) for label, value in ranking if label != name]
    return [(name, chance), *rest]


def _add_topic(message: Message, topics: list[tuple[str, float]]) -> None:
    """The topic as Rasa's response selector would give it, and as an entity for the dialogue."""
    topic, chance = topics[0]
    response = {"intent_response_key": f"{FAQ}/{topic}", "confidence": chance}
    ranking = [
        {"intent_response_key": f"{FAQ}/{name}", "confidence": value} for name, value in topics[:RANKED]
    ]
    message.set(
        "response_selector",
        {"all_retrieval_intents": [FAQ], FAQ: {"response": response, "ranking": ranking}},
        add_to_output=True,
    )
    entity = _topic_entity(message, topic, chance)
    message.set(ENTITIES, [*message.get(ENTITIES, []), entity], add_to_output=True)


def _topic_entity(message: Message, topic: str, chance: float) -> dict[str, Any]:
    return {
        "entity": TOPIC,
        "value": topic,
        "start": 0,
        "end": len(message.get(TEXT) or ""),
        "confidence_entity": chance,
        "extractor": "SentenceClassifier",
    }
