"""Says which folder holds which package; the rest of the metadata is in pyproject.toml.

The commands and the shipped models lie beside the package in the source tree, and inside it once
installed: cli/ is keras_dldl.cli, saved_models/ is keras_dldl.saved_models.
"""

from setuptools import find_packages, setup

BESIDE = {"keras_dldl.cli": "cli", "keras_dldl.saved_models": "saved_models"}

setup(
    packages=find_packages(include=["keras_dldl", "keras_dldl.*"]) + list(BESIDE),
    package_dir={"keras_dldl": "keras_dldl", **BESIDE},
    package_data={
        "keras_dldl": ["py.typed", "**/*.html", "configs/**/*.yaml", "serving/page/*"],
        "keras_dldl.saved_models": [
            "*/model.tflite",
            "*/CARD.md",
            "*/metrics.json",
            "*/*.yaml",
        ],
    },
)
