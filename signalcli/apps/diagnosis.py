"""The diagnosis of a receiver that did not run: why not, the likeliest reason first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from signalcli.apps.config import AppConfig, place_text
from signalcli.apps.explanation import names_like
from signalcli.apps.inventory import ConnectionEntry, find_connections, signals_within
from signalcli.apps.registry import Apps, apps
from signalcli.apps.sources import (
    Hint,
    connecting_function,
    definitions,
    functions_in,
    unannounced_writes,
    unimported,
    uninstalled,
)
from signalcli.db.signals import ModelSignal, post_save, pre_save
from signalcli.dispatch import Death, Signal
from signalcli.trace.faults import is_muted
from signalcli.trace.names import matches, sender_name
from signalcli.trace.records import short_name

MOST_NAMED = 5
MOST_FILES_NAMED = 3

NOT_SAVED = (
    "A row without a changed column is not saved, and sends nothing; touch(instance) of "
    "signalcli.db saves it all the same."
)
_OF_SAVING = (pre_save, post_save)
OUR_SESSION = "Write the objects with a signalcli.db.Session."

# From what is surely the reason to what only might have to do with it.
RANKS = (
    "not_loaded",
    "unknown_sender",
    "muted",
    "failed_before",
    "dead",
    "no_such_sender",
    "other_sender",
    "run_failed",
    "not_imported",
    "not_installed",
    "other_signal",
    "not_connected",
    "no_such_receiver",
    "rolled_back",
    "other_sender_sent",
    "not_sent",
    "received",
    "not_received",
    "unannounced",
    "no_trace",
    "connected",
)
# Who knows this knows why a run did not have the receiver.
_OF_A_RUN = {"failed_before", "run_failed"}
_EXPLAINS = set(RANKS[: RANKS.index("rolled_back")]) - _OF_A_RUN


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that explains why a receiver did not run, or that it did.

    Attributes:
        code: a word for programs, one of those that have a rank.
        message: what is so, a sentence.
        advice: what to do, a sentence; empty where nothing has to be done.
        is_aside: whether it explains nothing by itself, and comes last.
    """

    code: str
    message: str
    advice: str = ""
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: why did a receiver not run?

    Attributes:
        signal: the signal that it should have received.
        sender: the sender's name or a glob for it; None for any.
        receiver: the receiver's short or full name, or a glob; None for any.
    """

    signal: Signal
    sender: str | None = None
    receiver: str | None = None

    @property
    def dispatch(self) -> str:
        """The dispatch in words: ``post_save of User``."""
        return self.signal.name + (f" of {self.sender}" if self.sender else "")

    def is_of(self, entry: ConnectionEntry) -> bool:
        """Whether a connection is of the receiver."""
        return matches(self.receiver, entry.short_receiver, entry.receiver)

    def reaches(self, entry: ConnectionEntry) -> bool:
        """Whether a dispatch from the sender reaches a connection."""
        return entry.sender_exists and (
            entry.sender is None or self.sender is None or matches(self.sender, *entry.sender_names)
        )


def diagnose(question: Question, installed: Apps = apps) -> list[Finding]:
    """What the connections and the files of the installed apps say, the likeliest reason first."""
    if installed.failure is not None:
        # Without the apps, what is connected and installed tells nothing.
        return [
            Finding(
                "not_loaded",
                f"The installed apps do not load, so none of their receivers runs: "
                f"{installed.failure}.",
                "Mend that first; `signalcli apps` shows whether they load.",
            )
        ]
    entries = find_connections(question.signal.path, installed=installed)
    own = [entry for entry in entries if question.is_of(entry)]
    heard = [entry for entry in own if question.reaches(entry)]
    findings = [
        *of_sender(question, installed),
        *of_connections(question, own),
        *of_deaths(question, own),
    ]
    if not (question.receiver and own):
        findings += of_modules(question, installed)
    if question.receiver is not None and not own:
        findings += _of_unknown_receiver(question, findings, installed)
    if heard:
        findings += _connected(question, heard)
    elif not entries and not findings:
        findings.append(
            Finding(
                "not_connected",
                f"Nothing is connected to {question.signal.name}.",
                f"Connect a function that the app imports: @receiver({question.signal.name}).",
            )
        )
    return [*findings, *of_writes(question, installed)]


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with the likeliest first, without what another one says better."""
    found = sorted(findings, key=lambda each: (each.is_aside, RANKS.index(each.code)))
    explained = any(each.code in _EXPLAINS and not each.is_aside for each in found)
    return [each for each in found if not (explained and each.code == "not_received")]


def signals_of(receiver: str, installed: Apps = apps) -> list[str]:
    """The names of the signals that a receiver is connected to, and then of those it was."""
    live = (
        entry.signal
        for entry in find_connections(installed=installed)
        if receiver in (entry.short_receiver, entry.receiver)
    )
    dead = (
        signal.name
        for signal in signals_within(installed)
        for death in signal.deaths
        if receiver in (short_name(death.receiver), death.receiver)
    )
    return list(dict.fromkeys([*live, *dead]))


def of_sender(question: Question, installed: Apps = apps) -> Iterator[Finding]:
    """Whether the sender is a model that there is, for a signal that models send."""
    if question.sender is None or not isinstance(question.signal, ModelSignal):
        return
    names = [model.__name__ for model in installed.get_models()]
    full = [f"{model.__module__}.{model.__qualname__}" for model in installed.get_models()]
    short = question.sender.rpartition(".")[2]
    if names and not any(matches(question.sender, *each) for each in zip(names, full, strict=True)):
        if short in names:
            return
        close = names_like(short, names)
        yield Finding(
            "unknown_sender",
            f"No installed app has a model {question.sender}.",
            f"Did you mean {' or '.join(close)}?"
            if close
            else "`signalcli apps` lists the models.",
        )


def of_connections(question: Question, own: Sequence[ConnectionEntry]) -> Iterator[Finding]:
    """What keeps the receivers that are connected from the dispatch."""
    if is_muted(question.signal):
        yield Finding(
            "muted",
            f"{question.signal.name} is muted on purpose, so nobody receives it.",
            "Leave out --mute.",
        )
    if question.signal.is_muted:
        yield Finding(
            "muted",
            f"{question.signal.name} is muted by Signal.muted(), so nobody receives it.",
            "Look for the block that has not ended.",
        )
    waiting = [entry for entry in own if not entry.sender_exists]
    for entry in waiting:
        yield Finding(
            "no_such_sender",
            f"{entry.short_receiver} is connected for {entry.sender}, and there is no such model.",
            "Mend the name, or install the app that has the model.",
        )
    others = [entry for entry in own if entry.sender_exists and not question.reaches(entry)]
    for receiver, senders in _senders_by_receiver(others).items():
        if any(entry.receiver == receiver and question.reaches(entry) for entry in own):
            continue
        yield Finding(
            "other_sender",
            f"{short_name(receiver)} is connected to {question.signal.name} for "
            f"{' and '.join(senders)} alone, not for {question.sender}.",
            f"Connect it with sender={question.sender} as well, or without a sender.",
        )


def of_deaths(question: Question, own: Sequence[ConnectionEntry] = ()) -> Iterator[Finding]:
    """The receivers that were connected, and died."""
    living = {entry.receiver for entry in own}
    told = set()
    for death in reversed(question.signal.deaths):
        key = (death.receiver, death.file, death.line)
        if key in told or death.receiver in living or not _is_meant(question, death):
            continue
        told.add(key)
        name = short_name(death.receiver)
        place = place_text(death.file, death.line)
        if death.is_local:
            yield Finding(
                "dead",
                f"{name} is dead: it was connected at {place}, is a function within another one, "
                "and ended with that.",
                "Define it at the top of a module, or connect it with weak=False.",
            )
        else:
            yield Finding(
                "dead",
                f"{name} is dead: it was connected at {place}, and nothing has kept it since.",
                "Keep the object that it belongs to, or connect it with weak=False.",
            )


def of_modules(question: Question, installed: Apps = apps) -> Iterator[Finding]:
    """The modules that would connect receivers, but are not imported, or in no installed app."""
    signal = question.signal.name
    for hint in unimported(signal, installed):
        if not _defines(hint, question):
            continue
        yield Finding(
            "not_imported",
            f"{hint.place} connects a receiver to {signal}, but nothing imports {hint.what}.",
            f"Import it in ready() of the AppConfig of {hint.app}.",
        )
    try:
        beside = [
            hint for hint in uninstalled(signal, Path.cwd(), installed) if _defines(hint, question)
        ]
    except OSError:
        return  # the working directory is gone, or not ours to read
    if beside:
        yield _not_installed(question, beside, installed)


def _not_installed(question: Question, beside: Sequence[Hint], installed: Apps) -> Finding:
    """That files of the working directory connect receivers, and are not installed."""
    signal, first = question.signal.name, beside[0]
    if len(beside) == 1:
        message = (
            f"{first.place} connects a receiver to {signal}, but {first.what} is not installed."
        )
        which = "it"
    else:
        more = len(beside) - MOST_FILES_NAMED
        places = [hint.place for hint in beside[:MOST_FILES_NAMED]]
        names = listed([*places, *([f"{more} other{'s' * (more > 1)}"] if more > 0 else ())])
        message = f"{names} connect receivers to {signal}, but are not installed."
        which = "the one that is meant"
    known = [f"--app {_entry_of(config)}" for config in installed.get_app_configs()]
    return Finding(
        "not_installed",
        message,
        f"Install {which}, too: {' '.join([*known, f'--app {first.app}'])}, or installed-apps in "
        "signalcli.toml.",
        # Any file beside the apps may have receivers; where one is sought, it is the reason.
        is_aside=question.receiver is None,
    )


def _entry_of(config: AppConfig) -> str:
    """What installs an app: its name, or the path of a lone file."""
    is_file = not config.is_package and "." not in config.name
    return place_text(config.path, 0).rpartition(":")[0] if is_file else config.name


def of_writes(question: Question, installed: Apps = apps) -> Iterator[Finding]:
    """What in the apps writes rows of the sender without signals."""
    if not isinstance(question.signal, ModelSignal) or question.sender is None:
        return
    for hint in list(unannounced_writes(question.sender, installed))[:MOST_NAMED]:
        yield Finding(
            "unannounced",
            f"{hint.place} has {hint.what}: what it writes sends no signals.",
            OUR_SESSION,
        )


def _of_unknown_receiver(
    question: Question, so_far: Sequence[Finding], installed: Apps
) -> Iterator[Finding]:
    """That nothing of the receiver's name is connected to the signal, and what comes near."""
    name = str(question.receiver)
    elsewhere = [entry for entry in find_connections(installed=installed) if question.is_of(entry)]
    if elsewhere:
        others = listed(dict.fromkeys(entry.signal for entry in elsewhere))
        yield Finding(
            "other_signal",
            f"{name} is connected to {others}, not to {question.signal.name}.",
            f"Connect it to {question.signal.name} as well.",
        )
        return
    defined = next(iter(definitions(name, installed)), None)
    if defined is not None and not so_far:
        yield _not_connected(question, name, defined, installed)
    elif not so_far:
        known = (entry.short_receiver for entry in find_connections(installed=installed))
        close = names_like(name, known)
        yield Finding(
            "no_such_receiver",
            f"No installed app has a receiver {name}.",
            f"Did you mean {' or '.join(close)}?"
            if close
            else "`signalcli receivers` lists those that are connected.",
        )


def _not_connected(question: Question, name: str, defined: Hint, installed: Apps) -> Finding:
    """That a function is defined and not connected, perhaps as what connects it was not called."""
    is_at = f"{name} is defined at {defined.place}, but"
    within = connecting_function(defined, installed)
    if within is None:
        return Finding(
            "not_connected",
            f"{is_at} it is not connected to anything.",
            f"Decorate it with @receiver({question.signal.name}).",
        )
    is_local = within.place == defined.place
    return Finding(
        "not_connected",
        f"{is_at} {within.what}(), which connects it at {within.place}, has not been called.",
        "Define it at the top of the module: a function within another one ends with that."
        if is_local
        else f"Call {within.what}(), or connect it at the top of a module.",
    )


def _defines(hint: Hint, question: Question) -> bool:
    """Whether a file defines the receiver; any file does where any receiver is meant."""
    return question.receiver is None or any(
        matches(short_name(question.receiver), name) for name in functions_in(Path(hint.file))
    )


def about_rows(signal: Signal) -> str:
    """What may have kept a row from being saved, for a signal of saving; nothing for others."""
    return NOT_SAVED if signal in _OF_SAVING else ""


def _connected(question: Question, heard: Sequence[ConnectionEntry]) -> Iterator[Finding]:
    """Who would receive the signal now, and from whom: one finding for each sender."""
    advice = about_rows(question.signal)
    by_sender: dict[str | None, dict[str, str]] = {}
    for entry in heard:
        sender = question.sender if entry.sender is None else entry.sender
        by_sender.setdefault(sender, {})[entry.receiver] = entry.short_receiver
    for sender, names in by_sender.items():
        are = "is" if len(names) == 1 else "are"
        what = question.signal.name + (f" of {sender}" if sender else "")
        yield Finding(
            "connected",
            f"{listed(dict.fromkeys(names.values()))} {are} connected to {what}, and would "
            "receive it now.",
            advice,
        )


def _senders_by_receiver(entries: Iterable[ConnectionEntry]) -> dict[str, list[str]]:
    senders: dict[str, list[str]] = {}
    for entry in entries:
        senders.setdefault(entry.receiver, []).append(str(entry.sender))
    return senders


def _is_meant(question: Question, death: Death) -> bool:
    if not matches(question.receiver, short_name(death.receiver), death.receiver):
        return False
    sender = death.sender
    return (
        question.sender is None or sender is None or matches(question.sender, sender_name(sender))
    )


def listed(names: Iterable[str]) -> str:
    """Names as people write them: ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
