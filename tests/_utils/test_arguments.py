"""Whole numbers: what counts as one, and what is said of the rest."""

import numpy as np
import pytest

from keras_dldl._utils.arguments import check_integer
from keras_dldl.errors import ConfigError


def test_whole_numbers_pass_as_int():
    for value in (3, np.int64(3), np.uint8(3)):
        found = check_integer("n", value, minimum=3)
        assert found == 3 and type(found) is int


@pytest.mark.parametrize("value", [2, -1, 3.0, 2.5, float("nan"), float("inf"), True, "3", None])
def test_all_else_is_refused(value):
    with pytest.raises(ConfigError, match="`n` .* whole number, 3 or more. Received: n="):
        check_integer("n", value, minimum=3)
