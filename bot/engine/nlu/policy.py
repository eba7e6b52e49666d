"""Rasa's rule policy, but an intent named `restart` is the dialogue's own business.

The stock policy answers it with `action_restart`, which forgets the conversation: an open payment too.
"""

from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class FlowRulePolicy(RulePolicy):
    """Predicts from `data/rules.yml` alone."""

    @staticmethod
    def _find_action_from_default_actions(
        tracker: DialogueStateTracker,
    ) -> tuple[str | None, str | None]:
        return None, None
