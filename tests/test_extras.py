"""Extras are named by a command that works in the way in which signalcli was installed."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from signalcli.extras import how_to_install
from tests import processes

METADATA = """Metadata-Version: 2.4
Name: signalcli
Version: 9.0
Requires-Dist: rich>=13.9
Requires-Dist: pillow>=11.0 ; extra == "pictures"
Requires-Dist: first>=1 ; extra == 'otlp'
Requires-Dist: second>=2; extra == "otlp"
"""
CODE = """
import sys
from pathlib import Path
from signalcli.extras import how_to_install
print(how_to_install("otlp", Path(sys.argv[1])))
"""
GIT = {
    "url": "https://example.org/signalcli.git",
    "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"},
}
FOLDER = {"url": "file:///src/signalcli", "dir_info": {}}
EDITABLE = {"url": "file:///src/my%20signalcli", "dir_info": {"editable": True}}
needs_pip = pytest.mark.skipif(
    not Path(sys.executable).with_name("pip").exists(), reason="this environment has no pip"
)


class Installation:
    """What an installer leaves behind, in an environment of its own."""

    def __init__(self, folder: Path, installer: str, origin: dict[str, Any] | None) -> None:
        self.folder = folder
        self.site = folder / "site"
        info = self.site / "signalcli-9.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(METADATA)
        (info / "INSTALLER").write_text(f"{installer}\n")
        if origin is not None:
            (info / "direct_url.json").write_text(json.dumps(origin))

    def told(self, prefix: Path, **variables: str) -> str:
        """The command that a process of the environment is told."""
        environment = {**os.environ, "PYTHONPATH": str(self.site), **variables}
        done = processes.run(
            [sys.executable, "-c", CODE, str(prefix)],
            check=True,
            env=environment,
            cwd=self.folder,
        )
        return done.stdout.rstrip("\n")


@needs_pip
@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'signalcli[otlp]'"),
        (FOLDER, "pip install 'signalcli[otlp]'"),
        (GIT, "pip install 'signalcli[otlp]'"),
        (EDITABLE, "pip install -e '/src/my signalcli[otlp]'"),
    ],
)
def test_by_pip(tmp_path: Path, origin: dict[str, Any] | None, command: str) -> None:
    installation = Installation(tmp_path, "pip", origin)
    scripts = Path(sys.executable).parent
    assert installation.told(tmp_path, PATH=str(scripts)) == command
    # Another pip, or none, would install elsewhere.
    python = f"{sys.executable} -m "
    assert installation.told(tmp_path, PATH="/nowhere") == f"{python}{command}"


@needs_pip
def test_an_editable_checkout_is_short_where_one_stands_in_it(tmp_path: Path) -> None:
    origin = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    installation = Installation(tmp_path, "pip", origin)
    scripts = str(Path(sys.executable).parent)
    assert installation.told(tmp_path, PATH=scripts) == "pip install -e '.[otlp]'"


def test_by_uv(tmp_path: Path) -> None:
    installation = Installation(tmp_path, "uv", None)
    active = installation.told(tmp_path, VIRTUAL_ENV=str(tmp_path))
    assert active == "uv pip install 'signalcli[otlp]'"
    other = installation.told(tmp_path, VIRTUAL_ENV="/elsewhere")
    assert other == f"uv pip install --python {sys.executable} 'signalcli[otlp]'"


@pytest.mark.parametrize("origin", [None, FOLDER, EDITABLE])
def test_by_pipx(tmp_path: Path, origin: dict[str, Any] | None) -> None:
    prefix = tmp_path / "signalcli-beta"
    prefix.mkdir()
    (prefix / "pipx_metadata.json").touch()
    told = Installation(tmp_path, "uv", origin).told(prefix)
    # It refuses to inject what it has installed, so the packages themselves are named.
    assert told == "pipx inject signalcli-beta 'first>=1' 'second>=2'"


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        (None, "'signalcli[otlp]'"),
        (FOLDER, "'signalcli[otlp] @ file:///src/signalcli'"),
        (GIT, "'signalcli[otlp] @ git+https://example.org/signalcli.git@main'"),
        (EDITABLE, "--editable '/src/my signalcli[otlp]'"),
    ],
)
def test_by_uv_tool(tmp_path: Path, origin: dict[str, Any] | None, source: str) -> None:
    (tmp_path / "uv-receipt.toml").touch()
    told = Installation(tmp_path, "uv", origin).told(tmp_path)
    assert told == f"uv tool install {source}"


def test_by_uvx(tmp_path: Path) -> None:
    prefix = tmp_path / "archive-v0" / "3RgiT9UEediGZbcX"
    told = Installation(tmp_path, "uv", FOLDER).told(prefix)
    assert told == "uvx --from 'signalcli[otlp] @ file:///src/signalcli' signalcli …"


def test_this_installation_names_a_command() -> None:
    assert how_to_install("otlp").endswith("[otlp]'")


def test_the_packages_of_each_extra_are_known(tmp_path: Path) -> None:
    (tmp_path / "pipx_metadata.json").touch()
    for extra in ("async", "otlp", "pictures"):
        assert len(how_to_install(extra, tmp_path).split()) > len(["pipx", "inject", "NAME"])
