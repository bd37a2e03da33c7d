"""What several test modules share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab_browser import browser, browser_page, lab, lab_server

__all__ = ["browser", "browser_page", "lab", "lab_server"]


@pytest.fixture(scope="session")
def compiled_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile into a folder of the tests' own from here on, which all their processes share."""
    before = os.environ.get("NUMBA_CACHE_DIR")
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    os.environ["NUMBA_CACHE_DIR"] = str(shared / "compiled")
    yield
    if before is None:
        del os.environ["NUMBA_CACHE_DIR"]
    else:
        os.environ["NUMBA_CACHE_DIR"] = before
