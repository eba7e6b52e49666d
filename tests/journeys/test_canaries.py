"""Personal data planted in a whole conversation, with debug logs on: none is found where it must not be."""

from collections.abc import Callable

from tests.canary import find_canaries, plant
from tests.journeys.driver import Town
from tests.journeys.people import everybody, who
