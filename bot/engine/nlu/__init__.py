"""What a Chinese sentence means: values by rules, intents by a small linear model. Two Rasa components and a policy."""
