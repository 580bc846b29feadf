"""The figures in the pages are those of the result that is kept."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts" / "benchmark_figures.py"
    spec = importlib.util.spec_from_file_location("benchmark_figures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_show_the_result(script):
    for path, text in script.wanted(script.read()).items():
        assert path.read_text(encoding="utf-8") == text, f"run {script.__doc__.splitlines()[2]}"


def test_a_page_without_marks_is_refused(script):
    with pytest.raises(ValueError, match="marks are missing"):
        script.replaced("no marks", "figures")
