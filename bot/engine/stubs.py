"""Stand-ins for packages that Rasa imports at the top of its modules and that this service never uses.

TensorFlow and the clients of foreign chat platforms are left out of the environment (`pyproject.toml`,
`override-dependencies`). The finder is appended to `sys.meta_path`, so a package that is installed wins.
A stand-in can be imported, subclassed, named in an annotation or an `except` clause; whoever calls one
gets `ImportError`.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ROOTS = frozenset(
    {
        "absl", "aio_pika", "aiogram", "aiormq", "boto3", "botocore", "cachecontrol", "confluent_kafka",
        "dns", "fbmessenger", "kafka", "keras", "matplotlib", "mattermostwrapper", "psycopg2", "pymongo",
        "rocketchat_API", "sanic_jwt", "sentry_sdk", "slack", "slack_sdk", "structlog_sentry", "tensorflow",
        "tensorflow_addons", "tensorflow_hub", "tensorflow_text", "twilio", "webexteamssdk", "webexpythonsdk",
    }
)  # fmt: skip
BRANCHES = frozenset({"google.auth", "google.cloud", "google.oauth2", "google.resumable_media"})
"""Parts of the `google` namespace only: `google.protobuf`, if it is installed, must stay what it is."""


def install() -> None:
    """Let the packages above be imported; a second call changes nothing."""
    if not any(isinstance(finder, StubFinder) for finder in sys.meta_path):
        sys.meta_path.append(StubFinder())


class _StubType(type):
    """The attributes of a stand-in are stand-ins too, so that `tf.keras.layers.Layer` has a value."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _stub(f"{cls.__qualname__}.{name}", cls.__module__)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__dict__.get("_stub") is not True:
            return super().__call__(*args, **kwargs)  # a subclass that Rasa defines, such as an error
        if len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]  # a bare decorator
        raise ImportError(f"{cls.__module__} is not part of this service")


class StubModule(ModuleType):
    """A module whose every name is a stand-in class derived from `Exception`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _stub(name, self.__name__)


class StubFinder(MetaPathFinder, Loader):
    """Finds nothing but the listed packages and what lies below them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "google" or fullname.split(".", 1)[0] in ROOTS or _in_branch(fullname):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StubModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def _in_branch(fullname: str) -> bool:
    return ".".join(fullname.split(".")[:2]) in BRANCHES


def _stub(qualname: str, module: str) -> Any:
    body = {"__module__": module, "__qualname__": qualname, "_stub": True}
    return _StubType(qualname.rsplit(".", 1)[-1], (Exception,), body)
