"""The only home of `import rasa`. The stand-ins come first, since Rasa's modules import what is left out."""

from bot.engine.stubs import install

install()
