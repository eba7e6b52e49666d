"""Personal data planted in a whole conversation, with debug logs on: none is found where it must not be."""


