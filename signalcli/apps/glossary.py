"""The glossary: the words that the commands, the help and the manual use."""

from typing import NamedTuple


class Term(NamedTuple):
    """A word and what it means.

    Attributes:
        meaning: one sentence or two.
        example: a command to see it by.
        page: the page of the manual that says more.
    """

    meaning: str
    example: str
    page: str


GLOSSARY = {
    "signal": Term(
        "An object that receivers connect to, such as post_save or notification. Whoever sends it "
        "does not know who receives it.",
        "signalcli signals",
        "signals",
    ),
    "sender": Term(
        "Who a signal is sent for, usually a model's class. A receiver may listen to one sender "
        "alone.",
        "signalcli receivers --sender User",
        "signals",
    ),
    "receiver": Term(
        "A callable that is connected to a signal, and is called each time that the signal is "
        "sent.",
        "signalcli receivers",
        "tutorial",
    ),
    "dispatch": Term(
        "One sending of a signal. A trace numbers them: 1, 2, 3.",
        "signalcli log show",
        "traces",
    ),
    "response": Term(
        "What one receiver did in a dispatch: the value that it returned, or its exception. A "
        "trace numbers the receivers of dispatch 6 as 6.1, 6.2.",
        "signalcli log show",
        "traces",
    ),
    "unheard dispatch": Term(
        "A dispatch that reached nobody. A trace names those that follow each other in one row, "
        "at their place; --all gives each its own.",
        "signalcli log show --all",
        "traces",
    ),
    "trace": Term(
        "The tree of the dispatches of one run: a dispatch hangs on the response that caused it.",
        "signalcli log show",
        "traces",
    ),
    "run": Term(
        "One command line carried out, with a number of its own in the signal log.",
        "signalcli log",
        "traces",
    ),
    "signal log": Term(
        "The traces of the last runs, kept in the database that they worked on.",
        "signalcli log",
        "traces",
    ),
    "app": Term(
        "A Python package of models, signals and receivers, described by an AppConfig. The "
        "installed apps are named by --app, by SIGNALCLI_INSTALLED_APPS, or in signalcli.toml or "
        "pyproject.toml.",
        "signalcli apps",
        "settings",
    ),
    "robust": Term(
        "Of a dispatch: every receiver runs, and the exceptions of those that fail are caught and "
        "returned.",
        "signalcli notify alice --robust",
        "commands",
    ),
    "error": Term(
        "What a user did or met: a wrong value, a name that leads to nothing, a database that is "
        "locked. It is one line, and ends the command with an exit code.",
        "signalcli explain not_found",
        "json",
    ),
    "fault": Term(
        "What --fail and --delay put into a receiver on purpose, for one run.",
        "signalcli register xyz --email xyz@mail.com --fail create_profile",
        "traces",
    ),
    "internal error": Term(
        "A failure of signalcli itself, which ends with exit code 70. Please report it.",
        "signalcli explain 70",
        "json",
    ),
    "exit code": Term(
        "The number that a command leaves to the shell: 0 where it is done, any other where not.",
        "signalcli explain 3",
        "json",
    ),
}
