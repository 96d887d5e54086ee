"""The commands for apps: which are installed, and a new one to begin with."""

from pathlib import Path
from typing import Annotated, Any

import typer

from signalcli.cli.inquiring import Findings, inquire
from signalcli.cli.options import Ndjson, Settings
from signalcli.errors import InvalidValue


def apps(settings: Settings, ndjson: Ndjson = False) -> None:
    """List the installed apps, with their models, signals and receivers.

    Example: signalcli apps --app shop
    """

    def work() -> Findings:
        from signalcli.apps.installed import find_installed
        from signalcli.apps.overview import find_apps
        from signalcli.render.apps import app_row, apps_view

        source = find_installed(settings.apps).source
        found = find_apps()
        return Findings(
            (app_row(entry, source) for entry in found), lambda: [apps_view(found, source)]
        )

    inquire(settings, "apps", work, ndjson=ndjson)


def startapp(
    settings: Settings,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What the app is called: a Python name.", show_default=False
        ),
    ],
    directory: Annotated[
        str | None,
        typer.Argument(
            metavar="DIRECTORY",
            help="Where its package is made; by default in the working directory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a small working app to begin with: models, signals, receivers, a test.

    Example: signalcli startapp shop
    """

    def work() -> Findings:
        from signalcli.apps.starting import write_app
        from signalcli.render.apps import started_view

        try:
            started = write_app(name, None if directory is None else Path(directory))
        except OSError as error:
            raise InvalidValue(f"the app {name!r} cannot be written: {error.strerror}") from error
        result: dict[str, Any] = {
            "name": name,
            "path": str(started.package),
            "files": [str(file) for file in started.files],
            "try": started.try_it,
        }
        return Findings(document=lambda: {"result": result}, views=lambda: [started_view(started)])

    inquire(settings, "startapp", work, needs_apps=False)
