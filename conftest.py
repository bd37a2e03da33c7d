"""Runs the code blocks of the README and the docs, each file in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser


@pytest.fixture(scope="module")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stand in an empty folder while the blocks of a file run."""
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("blocks")
    os.chdir(folder)
    yield folder
    os.chdir(before)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md"],
    excludes=["docs/lecture.md"],  # the notebook, which the build of the docs writes and runs
    fixtures=["empty_folder"],
).pytest()
