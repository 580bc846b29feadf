"""What the tests of comparisons share."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def reports_without_pictures():
    """Have cells evaluated without drawing reports, which takes longer than their training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_dldl.evaluation.report.report_html", lambda *_: "a report")
        yield
