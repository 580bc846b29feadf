"""How fast models are on this machine, in every engine, and how near to Keras they stay."""

from keras_dldl.benchmark.engines import ENGINES
from keras_dldl.benchmark.run import DEFAULT_MODELS, BenchmarkOptions, run_benchmark
from keras_dldl.benchmark.tables import markdown, text

__all__ = ["DEFAULT_MODELS", "ENGINES", "BenchmarkOptions", "markdown", "run_benchmark", "text"]
