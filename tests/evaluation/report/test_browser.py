"""The report in a browser: no complaints, nothing fetched, nothing wider than the screen."""

import pytest

from tests.evaluation.made_up import made_up, rows_of
from tests.serving.browser import BROWSER, browser_tab

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs a Chromium or Chrome browser"),
]


def test_it_fits_wide_and_narrow_screens(tmp_path):
    groups = {"race": ["a rather long name of a group", "b"] * 30}
    evaluation = made_up(rows_of(60, **groups), against=True, pictures=True)
    evaluation.save(tmp_path / "out")
    with browser_tab(tmp_path / "profile") as tab:
        for width in (1200, 400):
            tab.show_as(width)
            tab.open((tmp_path / "out" / "report.html").as_uri())
            shown = tab.run("document.documentElement.scrollWidth")
            assert shown <= width, f"{shown} pixels wide on a screen of {width}"
            broken = "[...document.images].filter(one => !one.naturalWidth).length"
            assert tab.run(broken) == 0
            assert tab.complaints() == []
            assert not [one for one in tab.addresses() if not one.startswith(("file:", "data:"))]
