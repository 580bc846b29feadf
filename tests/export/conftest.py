"""What several tests of exports share."""

import pytest

from keras_dldl.export import export_model
from tests.evaluation.given import run_in_process, tiny_model


@pytest.fixture(scope="session")
def result(tmp_path_factory):
    """An export of `tiny_model()` as version 2 of "m", read again as always: see `exporter`."""
    place = tmp_path_factory.mktemp("export") / "m"
    return export_model(tiny_model(), "saved-model", place, version=2)


@pytest.fixture
def in_process(monkeypatch):
    """Exports are read again in this process, which is quicker; one test uses the other one."""
    run_in_process(monkeypatch)
