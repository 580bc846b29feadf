"""How often each training image comes in an epoch, as the settings say."""

from typing import Any

from keras_dldl.data.sampling import Sampling, make_sampling
from keras_dldl.training.config import TrainConfig


def sampling_of(config: TrainConfig, data: Any) -> Sampling | None:
    """Return how often each training image comes in an epoch of `config`; None: once."""
    labels, weights = data.rows("train")["label"].to_numpy(), None
    if config.image_weights is not None:
        from keras_dldl.data.image_weights import read_image_weights

        weights = read_image_weights(config.image_weights, data)
    origins = None if config.data_sampling == "natural" else data.origins("train")
    return make_sampling(
        config.sampling, labels, data.grid, config.sampling_beta, weights,
        origins=origins, by_origin=config.data_sampling,
    )  # fmt: skip
