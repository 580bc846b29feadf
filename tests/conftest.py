"""What tests of several parts share, made once in a run."""

import os
import pickle

import pytest


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """An export of `tiny_model()` as version 2 of "m", read again as always: see `exporter`.

    One for all processes of a run, as it takes half a minute.
    """
    from keras_dldl.export import export_model
    from tests.evaluation.given import tiny_model

    def made(folder):
        return export_model(tiny_model(), "saved-model", folder / "m", version=2)

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return made(folder)
    import fcntl

    result = folder.with_name("exported.pickle")
    with open(folder.with_name("exported.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            result.write_bytes(pickle.dumps(made(folder.parent)))
    return pickle.loads(result.read_bytes())


@pytest.fixture(scope="module")
def mini_backbone():
    """Have a network of two convolutions, "mini", among the backbones; give its name."""
    from tests.models.given import backbone
    from tests.training.small_data import mini

    with backbone(mini) as name:
        yield name
