"""What tests of several parts share, made once in a run."""

import pytest


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """An export of `tiny_model()` as version 2 of "m", read again as always: see `exporter`."""
    from keras_dldl.export import export_model
    from tests.evaluation.given import tiny_model

    place = tmp_path_factory.mktemp("export") / "m"
    return export_model(tiny_model(), "saved-model", place, version=2)


@pytest.fixture(scope="module")
def mini_backbone():
    """Have a network of two convolutions, "mini", among the backbones; give its name."""
    from tests.models.given import backbone
    from tests.training.small_data import mini

    with backbone(mini) as name:
        yield name
