"""The figures in the pages are those of the result that is kept."""

import pytest

from tests.scripts_case import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("benchmark_figures")


def test_pages_show_the_result(script):
    for path, text in script.wanted(script.read()).items():
        assert path.read_text(encoding="utf-8") == text, f"run {script.__doc__.splitlines()[2]}"


def test_a_page_without_marks_is_refused(script):
    with pytest.raises(ValueError, match="marks are missing"):
        script.replaced("no marks", script.BEGIN, "figures")
