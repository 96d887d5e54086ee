"""Fixtures of the tests of the tour."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import processes

Taught = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    """Every lesson by its name, as the command line has run it."""
    done = processes.run(
        [sys.executable, "-m", "signalcli", "tour", "--json"],
        cwd=tmp_path_factory.mktemp("anywhere"),
        env={**os.environ, "SIGNALCLI_DATABASE": "nowhere/at/all.db"},
        check=True,
    )
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert document["command"] == "tour"
    return {lesson["name"]: lesson for lesson in document["result"]}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder, which is empty."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path
