"""What several tests of exports share."""

import pytest

from tests.evaluation.given import run_in_process


@pytest.fixture
def in_process(monkeypatch):
    """Exports are read again in this process, which is quicker; one test uses the other one."""
    run_in_process(monkeypatch)
