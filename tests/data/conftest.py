"""What tests of data sets share."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path):
    """An empty folder for a data set."""
    folder = tmp_path / "data set"
    folder.mkdir()
    return folder


@pytest.fixture
def real_annotations():
    """Return the folder of published annotation files, which are not ours to ship."""
    folder = os.environ.get("KERAS_DLDL_REAL_ANNOTATIONS")
    if not folder:
        pytest.skip("KERAS_DLDL_REAL_ANNOTATIONS does not name a folder of annotation files")
    return Path(folder)
