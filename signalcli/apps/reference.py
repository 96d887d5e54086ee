"""The reference of the built-in signals: when each is sent, by what, and what its arguments mean.

``signalcli explain`` reads it, and ``docs/make_signals.py`` writes ``docs/signals.md`` from it.
"""

from dataclasses import dataclass

from signalcli.apps.signals import command_finished, command_started, got_command_exception
from signalcli.db.signals import (
    class_prepared,
    connection_created,
    m2m_changed,
    post_delete,
    post_init,
    post_migrate,
    post_save,
    pre_delete,
    pre_init,
    pre_migrate,
    pre_save,
)
from signalcli.dispatch import Signal

_USING = "the URL of the database, without its password"
_SESSION = "the session that does it; the receiver may use it"

# What every receiver gets, whatever the signal.
ALWAYS = {
    "sender": "who the signal is sent for",
    "signal": "the signal itself",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """What there is to know of a built-in signal.

    Attributes:
        signal: the signal.
        family: the heading that it stands under.
        place: the module to import it from.
        when: when it is sent.
        by: what sends it.
        sender: who it is sent for.
        arguments: what its arguments mean, by name.
        example: a few lines that use it.
        page: the page of the manual that says more.
        notes: more sentences, each a line.
    """

    signal: Signal
    family: str
    place: str
    when: str
    by: str
    sender: str
    arguments: dict[str, str]
    example: str
    page: str
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The signal's short name."""
        return self.signal.name


_SESSION_OF_OURS = "a flush of a signalcli.db.Session: session.flush(), session.commit(), a query"
_UNANNOUNCED = (
    "Bulk statements (update(), insert(), delete()), sessions of SQLModel's or SQLAlchemy's own, "
    "and what the database cascades by itself send nothing."
)
_UNCHANGED = (
    "A row without a changed column is not saved, and sends nothing; signalcli.db.touch(instance) "
    "saves it all the same."
)
_MODEL = "the model's class"
_INSTANCE = {
    "raw": "always False: nothing loads fixtures",
    "using": _USING,
    "update_fields": "on an update the set of the columns that are written; for a new row None",
    "session": _SESSION,
}
_DELETION = {
    "using": _USING,
    "origin": "what the deletion began with: the instance that session.delete() was given",
    "session": _SESSION,
}
_MIGRATION = {
    "app_config": "the AppConfig of the app",
    "verbosity": "always 1",
    "interactive": "always False",
    "using": _USING,
    "plan": "the tables and columns that the database lacks, as a list of texts",
    "apps": "the registry of the installed apps",
    "connection": "the connection; all of this happens in its transaction",
}
_COMMAND = {"command": "the command's name: register, log show"}

REFERENCES = (
    Reference(
        pre_init,
        "models",
        "signalcli.db",
        "Before an instance is made: by the program, or from a row that is loaded.",
        "the model's own __init__, or SQLAlchemy's loading",
        _MODEL,
        {
            "args": "the positional arguments, a tuple",
            "kwargs": "the named arguments, a dictionary; for a row its columns",
        },
        "@receiver(pre_init, sender=Hero)\n"
        "def look(sender, kwargs, **rest):\n"
        "    print(sender.__name__, sorted(kwargs))",
        "sessions",
    ),
    Reference(
        post_init,
        "models",
        "signalcli.db",
        "After an instance was made: by the program, or from a row that is loaded.",
        "the model's own __init__, or SQLAlchemy's loading",
        _MODEL,
        {"instance": "the new instance"},
        "@receiver(post_init, sender=Hero)\n"
        "def look(instance, **kwargs):\n"
        "    print(instance.name)",
        "sessions",
    ),
    Reference(
        pre_save,
        "models",
        "signalcli.db",
        "Before a row is inserted or updated. What a receiver changes is written, too.",
        _SESSION_OF_OURS,
        _MODEL,
        {"instance": "the instance whose row is about to be written", **_INSTANCE},
        "@receiver(pre_save, sender=Hero)\n"
        "def tidy(instance, **kwargs):\n"
        "    instance.name = instance.name.strip()",
        "sessions",
        (_UNCHANGED, _UNANNOUNCED),
    ),
    Reference(
        post_save,
        "models",
        "signalcli.db",
        "After a row was inserted or updated, in the same transaction: a rollback undoes the row.",
        _SESSION_OF_OURS,
        _MODEL,
        {
            "instance": "the instance whose row was written",
            "created": "True for a new row, False for an update",
            **_INSTANCE,
        },
        "@receiver(post_save, sender=User)\n"
        "def create_profile(instance, created, session, **kwargs):\n"
        "    if created:\n"
        "        session.add(Profile(user=instance))",
        "sessions",
        (
            "Code that has to wait for the commit belongs into on_commit(session, function).",
            _UNCHANGED,
            _UNANNOUNCED,
        ),
    ),
    Reference(
        pre_delete,
        "models",
        "signalcli.db",
        "Before a row is deleted, and before the rows that depend on it.",
        _SESSION_OF_OURS,
        _MODEL,
        {"instance": "the instance whose row is about to go", **_DELETION},
        "@receiver(pre_delete, sender=User)\n"
        "def keep_the_last(session, **kwargs):\n"
        "    if session.exec(select(func.count(User.id))).one() == 1:\n"
        '        raise ValueError("the last user stays")',
        "sessions",
        (_UNANNOUNCED,),
    ),
    Reference(
        post_delete,
        "models",
        "signalcli.db",
        "After a row was deleted, in the same transaction.",
        _SESSION_OF_OURS,
        _MODEL,
        {"instance": "the instance whose row has gone", **_DELETION},
        "@receiver(post_delete, sender=Profile)\n"
        "def remove_picture(instance, session, **kwargs):\n"
        "    on_commit(session, lambda: remove(instance.profile_pic))",
        "sessions",
        (_UNANNOUNCED,),
    ),
    Reference(
        m2m_changed,
        "models",
        "signalcli.db",
        "Before and after links of a many-to-many relationship come or go.",
        _SESSION_OF_OURS,
        "the link model, or the link table where it has no model",
        {
            "action": "pre_add, post_add, pre_remove, post_remove, pre_clear or post_clear",
            "instance": "the instance whose collection was changed",
            "reverse": "False on the side whose key comes first in the link table, else True",
            "model": "the class of those that come or go",
            "pk_set": "their primary keys, a set; None where the collection is cleared",
            "using": _USING,
            "session": _SESSION,
        },
        "@receiver(m2m_changed, sender=Membership)\n"
        "def welcome(action, instance, pk_set, **kwargs):\n"
        '    if action == "post_add":\n'
        "        print(instance.name, pk_set)",
        "sessions",
    ),
    Reference(
        class_prepared,
        "models",
        "signalcli.db",
        "When the definition of a model is complete. Other models may be still to come.",
        "the end of the class statement",
        _MODEL,
        {},
        "@receiver(class_prepared)\ndef look(sender, **kwargs):\n    print(sender.__name__)",
        "sessions",
    ),
    Reference(
        connection_created,
        "databases",
        "signalcli.db",
        "When a connection to a database is opened, but not that of the signal log.",
        "an engine of signalcli.db.create_engine",
        "the class of the engine",
        {"connection": "the connection of the database's driver", "using": _USING},
        "@receiver(connection_created)\ndef look(using, **kwargs):\n    print(using)",
        "sessions",
    ),
    Reference(
        pre_migrate,
        "databases",
        "signalcli.db",
        "Before the tables and columns are made that the installed apps need and a database lacks; "
        "once for each app with models. Where nothing is lacking it is not sent.",
        "a command that opens the database",
        "the AppConfig of the app",
        _MIGRATION,
        "@receiver(pre_migrate)\ndef look(plan, **kwargs):\n    print(plan)",
        "django",
    ),
    Reference(
        post_migrate,
        "databases",
        "signalcli.db",
        "After these tables and columns were made; once for each app with models.",
        "a command that opens the database",
        "the AppConfig of the app",
        _MIGRATION,
        "@receiver(post_migrate)\n"
        "def fill(app_config, connection, **kwargs):\n"
        '    if app_config.label == "shop":\n'
        "        connection.execute(insert(Country), COUNTRIES)",
        "django",
    ),
    Reference(
        command_started,
        "commands",
        "signalcli.apps.signals",
        "Before a command does its work, once the apps are ready.",
        "every command, as Django's request_started is sent by every request",
        "the command: signalcli.apps.signals.command(name)",
        {**_COMMAND, "arguments": "the words of the command line, a list"},
        '@receiver(command_started, sender=command("register"))\n'
        "def look(arguments, **kwargs):\n"
        "    print(arguments)",
        "traces",
    ),
    Reference(
        command_finished,
        "commands",
        "signalcli.apps.signals",
        "When a command has done its work, also where it failed.",
        "every command, as Django's request_finished is sent by every request",
        "the command: signalcli.apps.signals.command(name)",
        {**_COMMAND, "exit_code": "the exit code so far"},
        "@receiver(command_finished)\n"
        "def count(command, exit_code, **kwargs):\n"
        "    print(command, exit_code)",
        "traces",
    ),
    Reference(
        got_command_exception,
        "commands",
        "signalcli.apps.signals",
        "When an exception ends a command, before command_finished.",
        "the command, as Django's got_request_exception is sent by a request",
        "the command: signalcli.apps.signals.command(name)",
        {**_COMMAND, "exception": "the exception"},
        "@receiver(got_command_exception)\n"
        "def report(command, exception, **kwargs):\n"
        "    print(command, repr(exception))",
        "traces",
    ),
)


def reference_of(signal: Signal) -> Reference | None:
    """What there is to know of a signal; None where it is not built in."""
    return next((each for each in REFERENCES if each.signal is signal), None)
