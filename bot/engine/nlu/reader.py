"""The Rasa component that reads values: entities with canonical values, and the sentence's shape."""

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.nlu import today
from bot.engine.nlu.meaning import read
from bot.engine.nlu.shape import shape_of

READING, SHAPE = "reading", "shape"
"""Message attributes for the classifier: the normalised sentence, and the same with values as marks."""


@DefaultV1Recipe.register(
    [DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR],
    is_trainable=False,
)
class ValueReader(GraphComponent):
    """Grammar, nothing learnt: the same sentence has the same values with every model."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "ValueReader":
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._read(message)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        for message in training_data.training_examples:
            if message.get(TEXT):
                self._read(message)
        return training_data

    def _read(self, message: Message) -> None:
        normal, values = read(message.get(TEXT) or "", today.today())
        message.set(READING, normal.text)
        message.set(SHAPE, shape_of(normal.text, values))
        entities = []
        for value in values:
            start, end = normal.span(value.start, value.end)
            entities.append(
                {
                    "entity": value.entity,
                    "value": value.value,
                    "start": start,
                    "end": end,
                    "confidence_entity": 1.0,
                    "extractor": "ValueReader",
                }
            )
        message.set(ENTITIES, entities, add_to_output=True)
