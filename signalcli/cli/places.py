"""Where a command works: its project, its database, and the database of its log."""

from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from signalcli.apps.registry import INSTALLED_APPS, apps
from signalcli.cli.invocation import DEFAULT_DATABASE, LOG_DATABASE, Settings
from signalcli.db.database import is_kept
from signalcli.db.engine import let_go, open_engine
from signalcli.db.ownership import Keeper, keeper_of, table_names
from signalcli.errors import DatabaseUnusable, UsageError


def is_default(settings: Settings) -> bool:
    """Whether nobody has named a database."""
    return settings.database == DEFAULT_DATABASE and "database" not in settings.origins


def lacks_name(settings: Settings) -> bool:
    """Whether nobody has named a database for apps of one's own, which get no ``demo.db``."""
    return is_default(settings) and not any(map(apps.is_installed, INSTALLED_APPS))


def refuse_unnamed(settings: Settings) -> None:
    """Refuse to make the demo's database for apps of one's own.

    Raises:
        UsageError: nobody has named a database, and the demo app is not installed.
    """
    if lacks_name(settings) and not is_kept(settings.database):
        raise UsageError(
            f"no database is named, and there is no {DEFAULT_DATABASE}; name one with --database, "
            "SIGNALCLI_DATABASE or `database` in signalcli.toml"
        )


def folders_of(settings: Settings) -> tuple[Path, ...]:
    """The folders of the project: that of the settings file, and the working directory."""
    file = settings.file
    of_file = [] if file is None else [file.path.parent]
    return tuple(dict.fromkeys([*of_file, Path.cwd()]))


def log_of(settings: Settings, keeper: Keeper | None) -> str:
    """The database of the signal log: the named one, the database, or a file beside it.

    Arguments:
        settings: the values of the global options.
        keeper: who keeps the schema of the database; None for signalcli.
    """
    if settings.log_database:
        return settings.log_database
    return settings.database if keeper is None else str(folders_of(settings)[0] / LOG_DATABASE)


def log_database(settings: Settings) -> str:
    """The same, after a look at who keeps the schema; see :mod:`signalcli.db.ownership`."""
    if settings.log_database or is_default(settings) or not is_kept(settings.database):
        return log_of(settings, None)
    engine = open_engine(settings.database, writes=False, creates=False, announces=False)
    try:
        with engine.connect() as connection:
            keeper = keeper_of(table_names(connection), folders_of(settings))
    except (SQLAlchemyError, DatabaseUnusable):
        # Said where the log is opened.
        return settings.database
    finally:
        let_go(engine)
    return log_of(settings, keeper)
