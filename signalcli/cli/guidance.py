"""What somebody meant who wrote an option or a command that there is not, and how to write it.

A word that is near in its letters is a slip. Here are words that are near in what they mean.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from signalcli.cli.invocation import PROGRAM, current

LIKENESS = 0.78
SHORTEST_BEGINNING = 3

# What is meant, by an option or by an argument, and other words for it. Options of one letter are
# among these. Only what the command has is named.
OPTIONS = {
    "--all": "v verbose full details detailed everything expand unfold whole wide long a",
    "--app": "apps install installed-apps installed module plugin",
    "--batch-size": "batch chunk chunk-size chunksize size commit-every",
    "--before": "until older page",
    "--database": "db database-url db-url url uri dsn sqlite engine connection",
    "--delay": "sleep slow wait lag latency pause",
    "--email": "mail e-mail address email-address mail-address to m",
    "--fail": "break raise crash error inject make-fail",
    "--failed": "errors error failures failure failing failed-only only-failed broken",
    "--first-name": "first firstname fname given-name givenname forename name",
    "--format": "type kind as to",
    "--from": "f file input csv csv-file import jsonl source stdin rows users path",
    "--help": "usage man options",
    "--json": "j format output-format output as-json yaml csv jsonl o",
    "--keep": "leave last n limit",
    "--last-name": "last lastname lname surname family-name familyname name",
    "--limit": "max count number top head first n maximum",
    "--log-keep": "keep-log keep history-size log-size max-log",
    "--mute": "silence skip disable without ignore mute-signal",
    "--ndjson": "jsonl json-lines jsonlines lines stream",
    "--no-log": "nolog no-history without-log dont-log skip-log no-record",
    "--older-than": "older before until age",
    "--output": "out out-file outfile save write file to",
    "--password": "pass pw passwd pwd passphrase p",
    "--password-stdin": "pass pw passwd pwd password p stdin",
    "--profile-pic": "pic picture profile-picture avatar image photo img",
    "--quiet": "silent s no-output q",
    "--receiver": "handler listener callback function receivers subscriber slot r",
    "--remove": "delete unset clear disable",
    "--resume": "continue restart go-on carry-on",
    "--robust": "safe send-robust ignore-errors keep-going continue-on-error r",
    "--sender": "model class from origin s",
    "--signal": "event signals topic",
    "--since": "after newer newer-than from from-date last start",
    "--slower-than": "slow slower longer longer-than min-duration duration",
    "--source": "code src show-source show-code",
    "--stop-on-error": "stop fail-fast exit-on-error abort e x strict",
    "--strict": "atomic transaction all-or-nothing fail-fast stop-on-error one-transaction",
    "--trace": "t show-trace tree verbose v signals all-signals",
    "--traceback": "tb stack stacktrace stack-trace backtrace debug",
    "--unused": "dead unheard unconnected no-receivers without-receivers empty",
    "--user": "username user-name u name who",
    "--username": "user user-name rename new-name new-username login nick uname name u",
    "--version": "v ver",
    "FILE": "file script source from f",
    "FIELD=VALUE": "field fields set data value values where filter",
    "MODEL": "model class table",
    "NAME=VALUE": "arg args argument arguments kwargs data set",
    "PATTERN": "pattern name signal filter glob grep",
    "PK": "pk id key",
    "RUN": "run id number r",
    "SIGNAL": "signal name event",
    "USERNAME": "username user user-name name login nick uname u",
}

# Wishes that no option fulfils.
INSTEAD = {
    "set the variable NO_COLOR=1 instead": "no-color no-colour nocolor plain",
    "set the variable FORCE_COLOR=1 instead": "color colour colors colours",
    "set the variable COLUMNS instead": "width columns cols",
    "leave it out: nothing is asked before the work is done": "y yes force confirm no-input "
    "no-prompt",
    "there is no trial: work on a copy, with --database COPY, or with --database :memory: on "
    "nothing": "dry-run dryrun dry simulate preview pretend no-write rollback",
    f"`{PROGRAM} help settings` says which files and variables are read": "config conf settings "
    "config-file settings-file env env-file",
}

# Typer has no other place for the word.
_ONE_MORE_WORD = re.compile(r"unexpected extra argument\S* \(([A-Za-z_][\w.]*)\)$")

# The commands, with the words of those below another, and other words for them.
COMMANDS = {
    "tour": "tutorial learn lessons lesson course teach walkthrough",
    "explain": "what define glossary about reference",
    "why": "diagnose doctor debug reason whynot why-not",
    "register": "add adduser add-user useradd signup sign-up insert new new-user create-user "
    "newuser createuser join import",
    "update": "edit modify set rename alter patch save mv update-user usermod",
    "delete": "rm del erase destroy drop userdel delete-user remove-user unregister kill",
    "notify": "notification mail email message ping remind greet",
    "list": "ls users all ll who list-users people",
    "show": "view cat user display info whois read describe profile",
    "passwd": "password pw set-password setpassword changepassword change-password chpasswd",
    "login": "signin sign-in log-in auth authenticate",
    "logout": "signout sign-out log-out",
    "create": "add new insert make",
    "change": "edit modify set alter patch",
    "remove": "rm del erase destroy drop",
    "get": "query find search select fetch filter object objects lookup",
    "send": "emit fire dispatch trigger publish raise signal",
    "signals": "signal events list-signals",
    "receivers": "receiver handlers handler listeners listener callbacks connections connected "
    "subscribers connect",
    "apps": "app installed plugins models model tables installed-apps",
    "startapp": "init start scaffold start-app new-app newapp generate startproject",
    "batch": "script run exec execute bulk many import",
    "log": "history runs traces logs journal audit past",
    "log show": "trace run replay last latest view cat display get",
    "log stats": "stats statistics stat top slowest profile count summary",
    "log follow": "tail watch follow live monitor stream",
    "log export": "export dump draw diagram mermaid html svg save otlp perfetto",
    "log prune": "prune clean clear vacuum purge delete rm remove cleanup trim",
    "config": "settings configuration preferences env variables show-config where",
    "help": "man usage commands doc docs documentation manual ?",
    "help exit-codes": "exit-codes exit-code exitcodes codes",
    "help options": "options globals flags",
    "help settings": "settings configuration env variables",
    "--version": "version ver",
}


def of_option(error: Any) -> str | None:
    """The message about an option that there is not, with what was meant; None for other errors.

    Arguments:
        error: an error that Typer raises for a wrong command line.
    """
    wrong, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if wrong is None or context is None or not hasattr(error, "possibilities"):
        return None
    word = wrong.lstrip("-").replace("_", "-").casefold()
    advice = (
        next((advice for advice, words in INSTEAD.items() if word in words.split()), None)
        or _misplaced(wrong, context)
        or _meant(word, context.command.params)
    )
    return f"no such option: {wrong}" + (f"; {advice}" if advice else "")


def of_more_words(error: Any) -> str | None:
    """What lists the rows of a model, where `list` was asked to; None for other errors.

    Arguments:
        error: an error that Typer raises for a wrong command line.
    """
    context = getattr(error, "ctx", None)
    more = _ONE_MORE_WORD.search(error.format_message())
    if more is None or context is None or context.command_path != f"{PROGRAM} list":
        return None
    return f"list shows the demo's users; `{PROGRAM} get {more[1]}` lists the rows of a model"


def _meant(word: str, parameters: Iterable[Any]) -> str | None:
    """The options and arguments of a command that somebody may have meant."""
    options: dict[str, str] = {}
    arguments = set()
    for each in parameters:
        if each.param_type_name == "argument":
            arguments.add(str(each.metavar or each.name.upper()).strip("[]"))
        else:
            names = (*each.opts, *each.secondary_opts)
            options.update((name.lstrip("-"), name) for name in names if name.startswith("--"))
    slips = get_close_matches(word, options, n=1, cutoff=LIKENESS) or [
        each for each in options if each.startswith(word) and len(word) >= SHORTEST_BEGINNING
    ]
    meant = dict.fromkeys([*_synonyms(word, options.values()), *(options[each] for each in slips)])
    places = [f"the argument {each}" for each in _synonyms(word, arguments)]
    return _question([*meant, *places])


def _synonyms(word: str, known: Collection[str]) -> list[str]:
    return [name for name, words in OPTIONS.items() if name in known and word in words.split()]


def _question(names: Sequence[str]) -> str | None:
    if not names:
        return None
    *others, last = names
    return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def _misplaced(wrong: str, context: Any) -> str | None:
    """That an option before a command belongs after it."""
    group = context.command
    known = group.list_commands(context) if hasattr(group, "list_commands") else ()
    word = next((word for word in current().arguments if word in known), None)
    if word is None:
        return None
    _, command, _ = group.resolve_command(context, [word])
    options = {name for parameter in command.params for name in parameter.opts}
    return f"write it after {word}" if wrong in options else None


def of_command(word: str, path: str, known: Collection[str]) -> str | None:
    """The message about a command that there is not, where another one was meant.

    Arguments:
        word: the wrong name.
        path: how the group is called where the command was sought: ``signalcli log``.
        known: the names of the commands there.
    """
    group = path.removeprefix(PROGRAM).strip()
    story = f"no such command {word!r}"
    if group == "log" and word.isdecimal():
        return f"{story} of log; `{PROGRAM} log show {word}` shows run {word}"
    meant = _commands_meant(word, group)
    if not meant:
        return None
    slips = get_close_matches(word, known, n=1, cutoff=LIKENESS)
    names = dict.fromkeys([*meant, *(f"{group} {each}".strip() for each in slips)])
    return f"{story}; {_question([f'`{PROGRAM} {name}`' for name in names])}"


def of_topic(word: str, group: str, known: Collection[str]) -> str | None:
    """The question about something to help with that there is not; None where nothing is like it.

    Arguments:
        word: the wrong name.
        group: the command below which it was sought; empty for the whole program.
        known: the names of the commands, and of the topics, there.
    """
    slips = get_close_matches(word, known, n=1, cutoff=LIKENESS)
    meant = [*_commands_meant(word, group), *(f"{group} {each}".strip() for each in slips)]
    names = dict.fromkeys(each.removeprefix("help ") for each in meant)
    return _question(
        [
            f"`{PROGRAM} {name if name in ('help', '--version') else f'help {name}'}`"
            for name in names
        ]
    )


def _commands_meant(word: str, group: str) -> list[str]:
    """The commands that are meant by another word for them."""
    folded = word.replace("_", "-").casefold()
    meant = [name for name, words in COMMANDS.items() if folded in words.split()]
    if group:
        is_itself = folded in f"list ls {COMMANDS[group]}".split()
        below = [name for name in meant if name.startswith(f"{group} ")]
        meant = below or ([group] if is_itself else [])
    else:
        meant = [name for name in meant if not name.startswith("log ")] or meant
    return meant
