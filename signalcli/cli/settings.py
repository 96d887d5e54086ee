"""The command ``config``: the value of each global setting, and where it comes from."""

import os
from collections.abc import Iterator
from functools import partial

from signalcli.cli.arguments import with_forms
from signalcli.cli.invocation import Settings
from signalcli.cli.late import late
from signalcli.cli.problems import TRACEBACK_VARIABLE
from signalcli.cli.task import WHOLE, Findings, Form, Inquiry, Row

with late():
    from signalcli import secrets
    from signalcli.apps import registry, settings_file
    from signalcli.cli import options, places
    from signalcli.render import console

DEFAULT = "default"
TRACEBACK = "traceback"


@with_forms("setting", "value", "source", "option", "variable")
def config(settings: Settings, form: Form = WHOLE) -> Inquiry:
    """Show the global settings, and where each comes from.

    A value comes from an option, a variable, the settings file, or is the default.

    Example: signalcli config --fields setting,value
    """
    return Inquiry(partial(_find_settings, settings), form=form, needs_apps=False)


def _find_settings(settings: Settings) -> Findings:
    rows = list(_rows(settings))
    file = settings.file
    closing = f"Settings file: {file.path}" if file is not None else "No settings file"
    cells = [(row["setting"], _text(row["value"]), row["source"]) for row in rows]
    return Findings(
        rows,
        lambda: [console.listing(("Setting", "Value", "From"), cells), console.plain(closing)],
    )


def _rows(settings: Settings) -> Iterator[Row]:
    """The settings for programs, without secrets."""
    installed = settings.installed
    yield _row(
        settings_file.INSTALLED_APPS,
        list(installed.names),
        installed.source,
        registry.OPTION,
        registry.VARIABLE,
    )
    values = settings._asdict()
    # Where nobody names it, it depends on the database.
    values["log_database"] = places.log_database(settings)
    for name, setting in options.SETTINGS.items():
        value = values[name]
        yield _row(
            setting.key,
            secrets.without_password(value) if isinstance(value, str) else value,
            settings.origins.get(name, DEFAULT),
            setting.names[0],
            setting.variable,
        )
    is_wanted = bool(os.environ.get(TRACEBACK_VARIABLE))
    by_variable = TRACEBACK_VARIABLE if is_wanted else DEFAULT
    source = settings.origins.get(TRACEBACK, by_variable)
    yield _row(TRACEBACK, is_wanted, source, f"--{TRACEBACK}", TRACEBACK_VARIABLE)


def _row(name: str, value: object, source: str, option: str, variable: str) -> Row:
    return {
        "setting": name,
        "value": value,
        "source": source,
        "option": option.partition("/")[0],
        "variable": variable,
    }


def _text(value: object) -> str:
    """A value for people, written as in the settings file but for quotes."""
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
