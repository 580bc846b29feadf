"""Whether a crop shows a face at all, by the last of the detector's three networks alone.

Where faces are cut out already the detector is not run; its O-Net (Zhang et al. 2016), which has
the last word on every candidate, takes a millisecond for a crop and loads in 20.
"""

import logging
from collections.abc import Callable
from functools import cache

import numpy as np

from keras_dldl.interpreters import is_installed

SIDE = 48
# A share of the crop's side: without it, crops of the usual margin are as wide as candidates are.
BORDER = 0.06
_LOGGER = logging.getLogger(__name__)


def score_of_crop(crop: np.ndarray) -> float | None:
    """Return the network's confidence that a crop is a face, 0 ... 1.

    Args:
        crop: (S, S, 3), 0 ... 255.

    Returns:
        None where LiteRT, which runs it, is not installed.
    """
    network = _network()
    if network is None:
        return None
    from PIL import Image

    border = round(BORDER * len(crop))
    inner = np.asarray(crop)[border : len(crop) - border, border : len(crop) - border]
    pixels = np.clip(np.rint(inner), 0, 255).astype(np.uint8)
    reduced = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    outputs = network((np.asarray(reduced, np.float32)[None] - 127.5) / 128)
    no, yes = outputs.ravel()[-2:].astype(np.float64)
    return float(1 / (1 + np.exp(np.clip(no - yes, -500, 500))))


@cache
def _network() -> Callable[[np.ndarray], np.ndarray] | None:
    if not is_installed("litert"):
        return None
    from keras_dldl.faces.detectors.cascade_networks import output_network

    try:
        return output_network()
    except Exception as error:  # such as another release of the package that holds the weights
        _LOGGER.warning("Crops are not checked for faces. Received: %s", error)
        return None
