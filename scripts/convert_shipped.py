"""Writes `model.tflite` of the shipped models anew, from their `model.keras`.

    python scripts/convert_shipped.py [NAME...]

To be run whenever a shipped model changes; a test holds both to the same values.
"""

import sys

from keras_dldl import saved_models
from keras_dldl.export import export_model


def main(names: list[str]) -> None:
    """Convert the models of these names, or all of them."""
    for name in names or saved_models.names():
        place = saved_models.folder(name) / saved_models.LIGHT_FILE
        # Image and mirror image apart: prediction averages them, and evaluation wants both.
        result = export_model(name, "litert", place, mirror=False, force=True)
        print(f"{place}  {result.size / 1e6:.1f} MB  {result.parity.value:.2g} from Keras")


if __name__ == "__main__":
    main(sys.argv[1:])
