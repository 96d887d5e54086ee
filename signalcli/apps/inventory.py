"""The inventory of the installed apps: models, signals, receivers and connections."""

import inspect
import linecache
import tokenize
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from shlex import quote
from typing import Any

import signalcli.db  # noqa: F401  # its signals are listed, whether or not an app uses them
from signalcli.apps.config import AppConfig, lies_within
from signalcli.apps.registry import Apps, apps
from signalcli.db.models import model_name
from signalcli.db.signals import ModelSignal
from signalcli.dispatch import Connection, Signal, all_signals
from signalcli.dispatch.signatures import describe as full_name
from signalcli.dispatch.signatures import place_of
from signalcli.errors import NotFound
from signalcli.trace.names import matches, sender_name
from signalcli.trace.records import short_name
from signalcli.trace.representation import describe

OWN_PACKAGE = "signalcli"


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """A connection, as plain data.

    Attributes:
        signal: the signal's short name.
        signal_path: its full name.
        sender: the only sender that the receiver listens to, as a trace names it; None for any.
        sender_path: the sender's full name, where it has one.
        sender_exists: False where the sender is the name of a model, as ``shop.Order``, that is
            not defined (yet).
        receiver: the receiver's full name.
        file: the source file where the receiver is defined, or an empty string.
        line: the line there.
        weak: whether the connection ends with the receiver's life.
        is_async: whether the receiver is awaited.
        dispatch_uid: the identifier that makes it unique, as text, or None.
    """

    signal: str
    signal_path: str
    sender: str | None
    sender_path: str | None
    sender_exists: bool
    receiver: str
    file: str
    line: int
    weak: bool
    is_async: bool
    dispatch_uid: str | None

    @property
    def short_receiver(self) -> str:
        """The receiver's name without its module."""
        return short_name(self.receiver)

    @property
    def sender_names(self) -> tuple[str | None, ...]:
        """The names that a search finds the sender by."""
        if self.sender is None or self.sender_exists:
            return self.sender, self.sender_path
        return self.sender, short_name(self.sender)

    @property
    def source(self) -> str | None:
        """The receiver's code, from its line on; None where it is in no file."""
        lines = linecache.getlines(self.file)[self.line - 1 :] if self.line else []
        try:
            return "".join(inspect.getblock(lines)) or None
        except (SyntaxError, tokenize.TokenError):
            return None


@dataclass(frozen=True, slots=True)
class SignalEntry:
    """A signal, as plain data.

    Attributes:
        name: its short name.
        path: its full name.
        file: the source file where it was made.
        line: the line there.
        arguments: the names of the arguments that it provides; None where it does not say.
        connections: the connections, in the order in which a dispatch calls them, and then those
            that wait for a model that is not defined.
    """

    name: str
    path: str
    file: str
    line: int
    arguments: tuple[str, ...] | None
    connections: tuple[ConnectionEntry, ...]


def find_signals(
    pattern: str | None = None, *, unused: bool = False, installed: Apps = apps
) -> list[SignalEntry]:
    """The signals that signalcli and the installed apps define, in the order of their making.

    Arguments:
        pattern: a glob that the short or the full name matches; None for every signal.
        unused: whether only signals without receivers are wanted; there may be none.
        installed: the installed apps.

    Raises:
        NotFound: no signal matches the pattern.
    """
    found = [
        signal for signal in signals_within(installed) if matches(pattern, signal.name, signal.path)
    ]
    if pattern is not None and not found:
        refuse_other_than_signal(pattern, installed)
        names = [signal.name for signal in signals_within(installed)]
        raise no_match("signal", repr(pattern), "signals", get_close_matches(pattern, names, n=1))
    entries = map(_signal_entry, found)
    return [entry for entry in entries if not (unused and entry.connections)]


def refuse_other_than_signal(pattern: str, installed: Apps = apps) -> None:
    """Refuse what is sought as a signal, but is a receiver or a model.

    Arguments:
        pattern: the glob that no signal matches.
        installed: the installed apps.

    Raises:
        NotFound: it is one of them. The message says which, and how such things are listed.
    """
    heard = [
        f"{entry.signal} from {entry.sender}" if entry.sender else entry.signal
        for signal in signals_within(installed)
        for entry in _signal_entry(signal).connections
        if matches(pattern, entry.short_receiver, entry.receiver)
    ]
    if heard:
        signals = " and ".join(dict.fromkeys(heard))
        raise NotFound(
            f"{describe(pattern)} is no signal but a receiver, of {signals}; "
            f"`signalcli receivers --receiver {quote(pattern)}` lists it"
        )
    for model in installed.get_models():
        if matches(pattern, model.__name__, model_name(model)):
            raise NotFound(
                f"{describe(pattern)} is no signal but a model; "
                f"`signalcli receivers --sender {quote(model.__name__)}` lists who listens to it"
            )


def no_match(what: str, wanted: str, command: str, close: Sequence[str] = ()) -> NotFound:
    """The error of a search that finds nothing.

    Arguments:
        what: the kind of thing.
        wanted: the glob, or the globs, as the message quotes them.
        command: the command that lists such things.
        close: names that may be meant.
    """
    guess = f"did you mean {' or '.join(close)}? " if close else ""
    return NotFound(
        f"there is no {what} that matches {wanted}; {guess}"
        f"`signalcli {command}` shows what there is"
    )


def signals_within(installed: Apps = apps) -> list[Signal]:
    """The signals that signalcli and the installed apps define, in the order of their making."""
    packages = {OWN_PACKAGE, *(config.name for config in installed.get_app_configs())}
    return [
        signal
        for signal in all_signals()
        if any(lies_within(signal.module, package) for package in packages)
    ]


def find_connections(
    signal: str | None = None,
    *,
    sender: str | None = None,
    receiver: str | None = None,
    installed: Apps = apps,
) -> list[ConnectionEntry]:
    """The connections of signals, each signal's in the order in which a dispatch calls them.

    Arguments:
        signal: a glob that the signal's short or full name matches; None for every signal. A
            signal without connections is no failure.
        sender: a glob that the sender's short or full name matches; None for every connection,
            also one to any sender.
        receiver: a glob that the receiver's short or full name matches; None for every receiver.
        installed: the installed apps.

    Raises:
        NotFound: no signal matches, or none of their connections does.
    """
    found = [
        entry
        for signal_entry in find_signals(signal, installed=installed)
        for entry in signal_entry.connections
        if matches(sender, *entry.sender_names)
        and matches(receiver, entry.short_receiver, entry.receiver)
    ]
    if not found and (sender is not None or receiver is not None):
        globs = {"signal": signal, "sender": sender, "receiver": receiver}
        wanted = (f"the {word} {glob!r}" for word, glob in globs.items() if glob is not None)
        raise no_match("connection", " and ".join(wanted), "receivers")
    return found


def connections_of(signal: Signal) -> tuple[ConnectionEntry, ...]:
    """The connections of one signal, be it an installed app's or not, in their order."""
    return _signal_entry(signal).connections


def _signal_entry(signal: Signal) -> SignalEntry:
    file, line = signal.place
    # A dispatch calls the sync receivers first, each kind in the order of connecting.
    connections = sorted(signal.connections, key=lambda connection: connection.is_async)
    pending = signal.pending if isinstance(signal, ModelSignal) else []
    return SignalEntry(
        name=signal.name,
        path=signal.path,
        file=file,
        line=line,
        arguments=signal.providing_args,
        connections=(
            *_connection_entries(signal, connections, sender_exists=True),
            *_connection_entries(signal, pending, sender_exists=False),
        ),
    )


def _connection_entries(
    signal: Signal, connections: list[Connection], *, sender_exists: bool
) -> Iterator[ConnectionEntry]:
    for connection in connections:
        receiver, sender = connection.receiver, connection.sender
        if receiver is None or (sender is None and connection.sender_reference is not None):
            continue  # it died after the list was made
        file, line = place_of(receiver)
        name, path = _sender_names(sender)
        yield ConnectionEntry(
            signal=signal.name,
            signal_path=signal.path,
            sender=name,
            sender_path=path,
            sender_exists=sender_exists,
            receiver=full_name(receiver),
            file=file,
            line=line,
            weak=connection.weak,
            is_async=connection.is_async,
            dispatch_uid=_uid_text(connection.dispatch_uid),
        )


def _sender_names(sender: Any) -> tuple[str | None, str | None]:
    """The short name and, where there is one, the full name."""
    try:
        is_named = isinstance(getattr(sender, "__qualname__", None), str)
        return sender_name(sender), full_name(sender) if is_named else None
    except Exception:
        # A proxy refuses to be looked at while it has no target.
        return describe(sender), None


def _uid_text(uid: Hashable) -> str | None:
    return uid if uid is None or isinstance(uid, str) else describe(uid)


@dataclass(frozen=True, slots=True)
class AppEntry:
    """An installed app, as plain data.

    Attributes:
        label: its short name.
        name: its full name.
        path: the folder of its package, or its file.
        models: the names of its models.
        signals: the names of the signals that it defines.
        receivers: the full names of its connected receivers.
    """

    label: str
    name: str
    path: str
    models: tuple[str, ...]
    signals: tuple[str, ...]
    receivers: tuple[str, ...]


def find_apps(installed: Apps = apps) -> list[AppEntry]:
    """The installed apps, in their order."""
    signals = find_signals(installed=installed)
    return [_entry(config, signals) for config in installed.get_app_configs()]


def _entry(config: AppConfig, found: Sequence[SignalEntry]) -> AppEntry:
    signals = ((entry.path, entry.name) for entry in found)
    receivers = ((each.receiver, each.receiver) for entry in found for each in entry.connections)
    return AppEntry(
        label=config.label,
        name=config.name,
        path=config.path,
        models=tuple(model.__name__ for model in config.get_models()),
        signals=_names_within(config, signals),
        receivers=_names_within(config, receivers),
    )


def _names_within(config: AppConfig, found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    names = [name for path, name in found if lies_within(path, config.name)]
    return tuple(dict.fromkeys(names))
