"""Trains the model when what it is made of has changed, in a process of its own, all or nothing.

A model's file is named after the fingerprint of its sources, so "is it up to date" is "is it there".
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

KEPT_MODELS = 2
TRAINING_SECONDS = 600
PACKAGES = ("rasa", "scikit-learn", "sklearn-crfsuite", "numpy", "scipy")
COMPONENTS = Path(__file__).parent / "nlu"
NOT_FOR_TRAINING = {"sandbox", "faq"}
"""Folders of `data/` that hold no examples."""

QUIET = {"RASA_TELEMETRY_ENABLED": "false", "RASA_MAX_CACHE_SIZE": "0", "TQDM_DISABLE": "1"}


class TrainingFailed(Exception):
    """The text is the end of the training's own output: training data, nothing that anybody said."""


class NoModel(Exception):
    """There is no trained model in the folder."""


def ensure_model(root: Path, models_dir: Path, progress: Callable[[str], None] | None = None) -> Path:
    """The archive of an up-to-date model, trained first if need be. Waits for a training that is under way.

    `root` holds `config.yml`, `domain.yml` and `data/`. `progress` gets one line per step.
    """
    tell = progress or (lambda _line: None)
    models_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(models_dir):
        model = models_dir / f"{fingerprint(root)}.tar.gz"
        if not model.exists():
            tell("training the model: its data or components have changed")
            began = time.monotonic()
            _train(root, models_dir, model)
            tell(f"trained {model.name} in {time.monotonic() - began:.0f} s")
        os.utime(model)
        _forget_old(models_dir)
    return model


def latest_model(models_dir: Path) -> Path:
    """The newest model in the folder, whatever it was trained from. `NoModel` if there is none."""
    models = _by_age(models_dir)
    if not models:
        raise NoModel(f"no model in {models_dir}: run `shebao train`")
    return models[0]


def fingerprint(root: Path) -> str:
    """16 hex digits over everything that decides what a training makes."""
    digest = hashlib.sha256(f"python {sys.version_info[:2]}".encode())
    for package in PACKAGES:
        digest.update(f"{package} {version(package)}\n".encode())
    for base, path in _sources(root):
        digest.update(f"{path.relative_to(base)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def training_files(root: Path) -> list[Path]:
    """What lies in `data/` and holds examples or rules."""
    return sorted(path for path in (root / "data").iterdir() if path.name not in NOT_FOR_TRAINING)


def _sources(root: Path) -> Iterator[tuple[Path, Path]]:
    yield root, root / "config.yml"
    yield root, root / "domain.yml"
    for place in training_files(root):
        yield from ((root, path) for path in _files(place))
    yield from ((COMPONENTS, path) for path in _files(COMPONENTS))


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted(path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _train(root: Path, models_dir: Path, model: Path) -> None:
    workplace = models_dir / f".training-{os.getpid()}"
    shutil.rmtree(workplace, ignore_errors=True)
    workplace.mkdir()
    try:
        done = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "bot.engine.training",
                str(root.absolute()),
                str(workplace.absolute()),
            ],
            cwd=Path(__file__).parents[2],
            env=os.environ | QUIET,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TRAINING_SECONDS,
            check=False,
        )
        made = workplace / "model.tar.gz"
        if done.returncode or not made.exists():
            raise TrainingFailed(done.stdout.decode(errors="replace")[-2000:])
        _sync(made)
        made.replace(model)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _forget_old(models_dir: Path) -> None:
    for model in _by_age(models_dir)[KEPT_MODELS:]:
        model.unlink()
    for left_over in models_dir.glob(".training-*"):
        shutil.rmtree(left_over, ignore_errors=True)


def _by_age(models_dir: Path) -> list[Path]:
    return sorted(models_dir.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime_ns, reverse=True)


@contextmanager
def _only_one(models_dir: Path) -> Iterator[None]:
    with (models_dir / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(root: Path, folder: Path) -> int:
    """The training process: `model.tar.gz` in `folder`, or an exit code that is not 0."""
    from rasa.model_training import train

    from bot.engine.quiet import silence_rasa

    silence_rasa()
    result = train(
        str(root / "domain.yml"),
        str(root / "config.yml"),
        [str(path) for path in training_files(root)],
        output=str(folder),
        fixed_model_name="model",
        force_training=True,
    )
    return int(result.code or result.model is None)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
