"""Django's modules, and what an app of signalcli imports in their place."""

import linecache
import re

HERE = {
    "django.dispatch": "signalcli.dispatch",
    "django.db.models.signals": "signalcli.db",
    "django.db.backends.signals": "signalcli.db",
    "django.db.transaction": "signalcli.db",
    "django.core.signals": "signalcli.apps.signals",
    "django.contrib.auth.signals": "signalcli.core.signals",
    "django.contrib.auth.models": "signalcli.core.models",
    "django.contrib.auth": "signalcli.core.models",
    "django.apps": "signalcli.apps",
    "django.db.models": "sqlmodel",
}

_NAME = re.compile(r"\bdjango(?:\.\w+)*")
_FROM = re.compile(r"\bfrom\s+(django[\w.]*)\s+import\s+\(?\s*(\w+)")


def instead_of(module: str) -> str:
    """What to write for a module of Django's.

    Arguments:
        module: its name, perhaps with the name of something in it: ``django.dispatch.receiver``.
    """
    name = module
    while name and name not in HERE:
        name = name.rpartition(".")[0]
    if not name:
        return "here signalcli.dispatch and signalcli.db take the place of Django"
    return f"here write {HERE[name]} for {name}"


def advice(error: BaseException, place: tuple[str, int] | None) -> str | None:
    """What to import instead, where code fails because it imports Django; None for other errors.

    Arguments:
        error: the exception: there is no Django, or it is not configured.
        place: the file and line of the app that led to it.
    """
    missing = error.name if isinstance(error, ModuleNotFoundError) else type(error).__module__
    if (missing or "").partition(".")[0] != "django":
        return None
    line = linecache.getline(*place) if place else ""
    if found := _FROM.search(line):
        return instead_of(".".join(found.groups()))
    named = _NAME.search(line)
    return instead_of(named[0] if named else str(missing))
