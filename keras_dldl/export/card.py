"""What a client needs to know of an exported model, as plain JSON values."""

from typing import Any

from keras_dldl.models import FaceModel


def model_card(model: FaceModel, format: str, mirror: bool, **more: Any) -> dict[str, Any]:
    """Return what it takes to feed the exported model and to read its answers.

    `keras_dldl.light.ModelCard` reads it.

    Args:
        model: what was exported.
        format: the name of the format.
        mirror: whether image and mirror image are averaged inside.
        **more: anything else to note.
    """
    import keras_dldl

    return {
        "keras_dldl": keras_dldl.__version__,
        "format": format,
        "name": model.name,
        "task": model.grid.task,
        "unit": model.grid.unit,
        "grid": model.grid.get_config(),
        "labels": model.grid.labels64.tolist(),
        "decoder": model.method.decoder,
        "input_size": model.input_size,
        "alignment": {
            **model.alignment.get_config(),
            "five_points": model.alignment.template(model.input_size).tolist(),
        },
        "mirror_averaged": mirror,
        "backbone": model.backbone_name,
        "method": model.method.get_config(),
        "calibration": model.calibration and model.calibration.get_config(),
        **more,
    }
