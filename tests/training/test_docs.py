"""docs/training.md says of every setting what the code says."""

import dataclasses
from pathlib import Path

from keras_dldl.training.config import TrainConfig
from keras_dldl.training.settings import setting_of

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_table_of_settings_is_that_of_the_code():
    """`python scripts/settings_table.py` writes it anew."""
    lines = PAGE.read_text(encoding="utf-8").split("<!-- settings: begin -->")[1].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:3] == "| `"]
    fields = dataclasses.fields(TrainConfig)
    assert [row[0] for row in rows] == [f"`{field.name}`" for field in fields]
    for (_, default, allowed, help), field in zip(rows, fields, strict=True):
        setting = setting_of(field)
        assert (allowed, help) == (setting.allowed(), setting.help)
        value = getattr(TrainConfig(), field.name)
        if isinstance(value, (str, float)):
            assert default == str(value)
