"""The network that stands for the paper's in these tests, among the backbones."""

import pytest

from tests.models.given import backbone
from tests.training.small_data import mini


@pytest.fixture(scope="module", autouse=True)
def mini_backbone():
    with backbone(mini):
        yield
