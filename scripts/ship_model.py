"""Puts a model among those that ship: its file, its figures, and the tables that show them.

    python scripts/ship_model.py MODEL REPORT NAME

MODEL is the .keras file, REPORT the folder that `keras-dldl evaluate` wrote of it, and NAME the
folder in saved_models/. You write its CARD.md; the script replaces the figures in it.
"""

import json
import sys
from pathlib import Path

import card_figures

from keras_dldl import load_model, saved_models
from keras_dldl._utils import files
from keras_dldl.export import export_model


def main(model_file: str, report: str, name: str) -> None:
    """Write `saved_models/NAME/` and bring the tables up to date.

    Raises:
        ValueError: the report is of another model.
    """
    metrics = json.loads(Path(report, "metrics.json").read_text(encoding="utf-8"))
    measured, given = metrics["model"]["sha256"], files.sha256_of(model_file)
    if measured != given:
        raise ValueError(f"The report must be of {model_file}. Received: {measured}, not {given}")
    model = load_model(model_file)
    place = saved_models.ROOT / name / saved_models.LIGHT_FILE
    # Image and mirror image apart: prediction averages them, and evaluation wants both.
    result = export_model(model, "litert", place, mirror=False, force=True, with_keras=True)
    metrics["model"] |= {"name": name, "sha256": files.sha256_of(place)}
    files.write_text(place.parent / saved_models.METRICS_FILE, json.dumps(metrics, indent=2) + "\n")
    print(f"{place}  {result.size / 1e6:.1f} MB  {result.parity.value:.2g} from Keras")
    card_figures.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
