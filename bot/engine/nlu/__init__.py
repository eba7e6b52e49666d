"""What a Chinese sentence means: values by rules, intents by a small linear model, one rule per intent."""
