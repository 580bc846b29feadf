from pathlib import Path

import pytest

from tests.scripts_case import load_script

PAGE = (Path(__file__).parents[2] / "docs" / "distributions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    return load_script("distribution_figures")


def test_the_page_says_what_the_code_computes(script):
    assert script.wanted(PAGE) == PAGE, "run scripts/distribution_figures.py"


def test_the_figures_are_there():
    for name in ("sigma", "ends", "losses"):
        assert f"(images/distribution-{name}.png)" in PAGE
        assert (Path(__file__).parents[2] / "docs/images" / f"distribution-{name}.png").exists()


def test_what_the_page_says_of_its_figures(script):
    """Half to three quarters of sigma at the end, nothing three sigmas from it."""
    for sigma in script.SIGMAS:
        assert 0.5 < script.bias(0, sigma) / sigma < 0.75
        assert script.bias(3 * sigma, sigma) < 0.02 * sigma
        assert script.bias(100, sigma) == pytest.approx(-script.bias(0, sigma), abs=1e-3)
    (_, wide), (_, off) = (
        script.losses(script.guesses()[name]) for name in ("too wide", "shifted")
    )
    assert wide == pytest.approx(0, abs=1e-3) and off == pytest.approx(3, abs=1e-3)
