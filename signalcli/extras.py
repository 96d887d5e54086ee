"""Extras: the command that installs one, in the way in which signalcli itself was installed."""

import json
import os
import re
import shlex
import shutil
import sys
import sysconfig
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

PACKAGE = "signalcli"

# What uv calls the folders of its cache where an environment for one command lives.
_FOR_ONE_COMMAND = re.compile(r"(archive|environments|builds)-v\d+")
_OF_EXTRA = re.compile(r"(?P<requirement>[^;]+?)\s*;\s*extra\s*==\s*['\"](?P<extra>[\w-]+)['\"]")


def how_to_install(extra: str, prefix: Path | None = None) -> str:
    """The command that adds the packages of an extra to this installation.

    Arguments:
        extra: the name of the extra.
        prefix: the environment that signalcli is installed in; by default that of the process.
    """
    prefix = prefix or Path(sys.prefix)
    named = f"{PACKAGE}[{extra}]"
    try:
        found = distribution(PACKAGE)
    except PackageNotFoundError:
        # The source is on the path, and nothing is installed.
        return _line(*_installer(prefix, is_uv=False), named)
    origin = _origin(found)
    checkout = _checkout(origin)
    if (prefix / "pipx_metadata.json").exists():
        # The environment has the name of what was installed, perhaps with a suffix.
        return _line("pipx", "inject", prefix.name, *_packages(found, extra))
    source = named
    if checkout is None and (url := _url(origin)):
        source = f"{named} @ {url}"
    if (prefix / "uv-receipt.toml").exists():
        editable = () if checkout is None else ("--editable", f"{checkout}[{extra}]")
        return _line("uv", "tool", "install", *(editable or (source,)))
    if any(map(_FOR_ONE_COMMAND.fullmatch, prefix.parts)):
        return f"{_line('uvx', '--from', source, PACKAGE)} …"
    installer = _installer(prefix, is_uv=(found.read_text("INSTALLER") or "").strip() == "uv")
    if checkout is not None:
        place = "." if checkout == Path.cwd() else checkout
        return _line(*installer, "-e", f"{place}[{extra}]")
    # What is installed already fulfils the name: the packages of the extra alone are fetched.
    return _line(*installer, named)


def _line(*words: str) -> str:
    return " ".join(map(shlex.quote, words))


def _origin(found: Distribution) -> dict[str, Any]:
    """Where it was installed from, as PEP 610 has it; empty for an index."""
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return origin if isinstance(origin, dict) else {}


def _checkout(origin: dict[str, Any]) -> Path | None:
    """The folder whose files run, where the installation is editable."""
    is_editable = origin.get("dir_info", {}).get("editable", False)
    return Path(url2pathname(unquote(urlsplit(origin["url"]).path))) if is_editable else None


def _url(origin: dict[str, Any]) -> str:
    """The URL of a direct reference; empty for an index."""
    url, control = str(origin.get("url", "")), origin.get("vcs_info", {})
    if not control:
        return url
    revision = control.get("requested_revision") or control.get("commit_id")
    return f"{control['vcs']}+{url}@{revision}"


def _packages(found: Distribution, extra: str) -> list[str]:
    """The requirements of an extra."""
    parts = (_OF_EXTRA.fullmatch(requirement) for requirement in found.requires or ())
    return [part["requirement"] for part in parts if part and part["extra"] == extra]


def _installer(prefix: Path, *, is_uv: bool) -> list[str]:
    """The words that begin an installation into an environment."""
    if is_uv or find_spec("pip") is None:
        is_active = os.environ.get("VIRTUAL_ENV") == str(prefix)
        return ["uv", "pip", "install", *([] if is_active else ["--python", sys.executable])]
    pip = shutil.which("pip")
    is_ours = pip is not None and Path(pip).parent == Path(sysconfig.get_path("scripts"))
    return ["pip", "install"] if is_ours else [sys.executable, "-m", "pip", "install"]
