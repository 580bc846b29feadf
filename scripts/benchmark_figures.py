"""Writes the figures of `keras-dldl benchmark` into docs/engines.md and the README, from JSON.

python scripts/benchmark_figures.py [RESULT]

RESULT is what `keras-dldl benchmark --json` printed: it becomes docs/benchmark.json. Without it the
pages are written from the file that is there. Only the text between the
marks is replaced.
"""

import json
import sys
from pathlib import Path
from typing import Any

from marked import replaced

from keras_dldl._utils.text_tables import markdown_table

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs" / "benchmark.json"
BEGIN = "<!-- figures: scripts/benchmark_figures.py -->"
FLOAT = ("litert", "onnx", "openvino")
WHOLE = ("litert-int8-dynamic", "litert-int8")
# As fast as litert, or slower: the page says so in a sentence.
NOT_SHOWN = ("openvino", "litert-float16")


def main(arguments: list[str]) -> None:
    """Bring the pages up to date."""
    from keras_dldl._utils import files

    if arguments:
        files.write_text(SOURCE, Path(arguments[0]).read_text(encoding="utf-8"))
    for path, text in wanted(read()).items():
        files.write_text(path, text)


def read() -> dict[str, Any]:
    """Return the result that the pages tell of."""
    return json.loads(SOURCE.read_text(encoding="utf-8"))


def wanted(result: dict[str, Any]) -> dict[Path, str]:
    """Return what every page with figures should hold."""
    figures = {ROOT / "docs" / "engines.md": table(result), ROOT / "README.md": short(result)}
    return {
        path: replaced(path.read_text(encoding="utf-8"), BEGIN, figures[path]) for path in figures
    }


def table(result: dict[str, Any]) -> str:
    """Return a row an engine, a column a model: milliseconds, and images a second in batches."""
    models = {model["name"]: model["engines"] for model in result["models"]}
    names = dict.fromkeys(name for engines in models.values() for name in engines)
    names = [name for name in names if name not in NOT_SHOWN]
    of = result["machine"]
    rows = [[name, *(timing(engines.get(name)) for engines in models.values())] for name in names]
    return (
        f"{of['processor']}, {of['cores']} cores, {result['rounds']} rounds in turn.\n\n"
        + markdown_table(["engine", *models], rows, numbers=False)
    )


def timing(engine: dict[str, Any] | None) -> str:
    """Return milliseconds of one face, the ratio to VGG-16, and images a second."""
    if engine is None:
        return "-"
    many = f"{engine['images_per_second']:,.0f}/s"
    return f"{engine['milliseconds']:.1f} ms ({engine['ratio']:.0f}x), {many}"


def short(result: dict[str, Any]) -> str:
    """Return a sentence on the last model: the fastest engine in float32 and in 8 bits."""
    of, model = result["machine"], result["models"][-1]
    exact, small = (
        max((model["engines"][name] for name in names), key=lambda one: one["ratio"])
        for names in (FLOAT, WHOLE)
    )
    return (
        f"On {of['cores']} cores ({of['processor']}), `{model['name']}` needs "
        f"{exact['milliseconds']:.1f} ms per face in float32 and {small['milliseconds']:.1f} ms in "
        f"8 bits: {exact['ratio']:.0f} and {small['ratio']:.0f} times as fast as VGG-16 in Keras."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
