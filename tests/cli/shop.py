"""The program with the shop installed, which is an app like any user's."""

import shutil
import sys
from pathlib import Path

from tests.cli.program import Forked, Forker

INSTALLED = Path(__file__).parents[1] / "installed"
APPS = ("signalcli.core", "shop")
_BEGINNING = """\
import os, sys
sys.path.insert(0, {installed!r})
os.environ["SIGNALCLI_INSTALLED_APPS"] = {apps!r}
"""
_END = """
from signalcli.cli.main import main
main()
"""
_STOCK = (
    "create Customer email=ada@mail.com name=Ada level=2 born=1815-12-10 password=geheim",
    "create Customer email=bob@mail.com",
    "create Category name=Books",
    "create Category name=Novels parent=1",
    "create Tag slug=new",
    "create Tag slug=old colour=grey",
    "create Product sku=A1 price=1.50 stock=5 category=2 tags=new,old",
    "create DigitalProduct sku=D1 url=https://mail.com/d size=7 tags=new",
    "create Order customer=1 number=2026-1",
    "create Line order=1 position=1 product=1 quantity=2",
)


def shop_in(folder: Path, forker: Forker, source: str = "", apps: tuple[str, ...] = APPS) -> Forked:
    """The program, where the shop is installed.

    Arguments:
        folder: where it is run.
        forker: runs it.
        source: a test's own code, which runs before the command.
        apps: the apps that are installed, which may be in the folder.
    """
    script = folder / "driver.py"
    beginning = _BEGINNING.format(installed=str(INSTALLED), apps=",".join(apps))
    script.write_text(beginning + source + _END, encoding="utf-8")
    return Forked(folder, (sys.executable, str(script)), forker, script)


def fill(shop: Forked) -> None:
    """Give the shop something to sell, by its own commands."""
    for line in _STOCK:
        done = shop(*line.split(" "), "-q", "--no-log")
        assert (done.code, done.out, done.err) == (0, "", ""), line


def copied(shop: Forked, stocked: Path) -> Forked:
    """The shop, with what there is elsewhere."""
    shutil.copy(stocked / "demo.db", shop.database)
    return shop
