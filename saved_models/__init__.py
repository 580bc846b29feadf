"""The models that ship with the package: a folder each of model.keras, CARD.md, metrics.json."""

from pathlib import Path

ROOT = Path(__file__).parent
MODEL_FILE = "model.keras"
METRICS_FILE = "metrics.json"


def names() -> list[str]:
    """Return the names of the shipped models, sorted."""
    return sorted(path.parent.name for path in ROOT.glob(f"*/{MODEL_FILE}"))


def folder(name: str) -> Path:
    """Return the folder of the shipped model `name`.

    Raises:
        KeyError: no model of this name ships.
    """
    if name not in names():
        raise KeyError(name)
    return ROOT / name
