"""The one table of methods, and the way to a method of the user's own."""

from collections.abc import Mapping
from typing import Any

from keras_dldl._utils.arguments import check_choice, did_you_mean
from keras_dldl._utils.imports import load_class, make
from keras_dldl.errors import ConfigError
from keras_dldl.labels import DECODERS
from keras_dldl.methods.base import Method

_DISTRIBUTION = "keras_dldl.methods.distribution"
_RANKING = "keras_dldl.methods.ranking"
_REGRESSION = "keras_dldl.methods.regression"

# Places and not classes, so that the names can be listed without loading Keras.
METHODS = {
    "dldl-v2": f"{_DISTRIBUTION}:DLDLv2",
    "dldl": f"{_DISTRIBUTION}:DLDL",
    "er": f"{_DISTRIBUTION}:ExpectationRegression",
    "dex": f"{_DISTRIBUTION}:DEX",
    "mean-variance": f"{_DISTRIBUTION}:MeanVariance",
    "sord": f"{_DISTRIBUTION}:SORD",
    "unimodal-concentrated": f"{_DISTRIBUTION}:UnimodalConcentrated",
    "ranking-bce": f"{_RANKING}:RankingBCE",
    "ranking-l2": f"{_RANKING}:RankingL2",
    "or-cnn": f"{_RANKING}:RankingBCE",  # the same method by the name of its first paper
    "coral": f"{_RANKING}:CORAL",
    "mr-l1": f"{_REGRESSION}:MetricRegressionL1",
    "mr-l2": f"{_REGRESSION}:MetricRegressionL2",
}


def find_method(name: str) -> type[Method]:
    """Return the method of this name, or a class `module:Class` of the user's own.

    Raises:
        ConfigError: there is no such method, module or class, or it is not a `Method`.

    >>> find_method("dldl-v2").__name__
    'DLDLv2'
    """
    if not isinstance(name, str) or (name not in METHODS and ":" not in name):
        raise ConfigError(
            f"A method must be one of {', '.join(METHODS)}, or `module:Class` for one of your own."
            f"{did_you_mean(name, METHODS)} Received: {name!r}"
        )
    found = load_class(METHODS.get(name, name), Method, "method", "keras_dldl.methods.Method")
    if name not in METHODS and ":" not in found.name:
        raise ConfigError(
            "A method of your own must not set `name`: its models find it by its place, "
            f"`module:Class`. Received: {name!r}, whose name is {found.name!r}"
        )
    check_choice("decoder", found.decoder, DECODERS)
    return found


def get_method(method: str | Method | Mapping[str, Any], **options: Any) -> Method:
    """Return the method that a name and its options, a config or a `Method` means.

    Raises:
        ConfigError: there is no such method, or it has no such option.

    >>> get_method("dldl-v2", expectation_weight=0.1)
    DLDLv2(sigma=2.0, expectation_weight=0.1, kl_reduction='sum')
    """
    if isinstance(method, Method):
        return method
    if isinstance(method, Mapping) and "name" in method and set(method) <= {"name", "options"}:
        return get_method(method["name"], **method.get("options", {}))
    found = find_method(method)
    allowed = found.option_defaults()
    for option in options:
        if option not in allowed:
            raise ConfigError(
                f"Options of the method {method} are {', '.join(allowed) or 'none'}."
                f"{did_you_mean(option, allowed)} Received: {option}={options[option]!r}"
            )
    return make(found, "method", **options) if ":" in found.name else found(**options)
