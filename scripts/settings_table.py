"""Write the table of all settings of a training run into docs/training.md."""

import dataclasses
from pathlib import Path

from keras_dldl.training.config import TrainConfig
from keras_dldl.training.settings import setting_of

PAGE = Path(__file__).parents[1] / "docs" / "training.md"
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"


def table() -> str:
    """Return the table: name, default, what is allowed, what it does."""
    lines = ["| setting | default | allowed | |", "|---|---|---|---|"]
    defaults = TrainConfig().to_dict()
    for field in dataclasses.fields(TrainConfig):
        setting, default = setting_of(field), _in_yaml(defaults[field.name])
        help = setting.help.replace("|", "\\|")
        lines.append(f"| `{field.name}` | {default} | {setting.allowed()} | {help} |")
    return "\n".join(lines) + "\n"


def _in_yaml(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if value or value == 0 else "none"


def with_table(page: str) -> str:
    """Return the page with the table anew between its two marks."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
