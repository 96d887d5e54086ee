"""Sending a signal by name, with arguments from a command line."""

import sys
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from signalcli.apps.inventory import refuse_other_than_signal, signals_within
from signalcli.apps.registry import Apps, ModelNotFound, apps
from signalcli.db import Session
from signalcli.db.database import using
from signalcli.db.models import model_name
from signalcli.dispatch import Receiver, Signal
from signalcli.errors import InvalidValue, NotFound
from signalcli.objects.fields import listed, quoted
from signalcli.objects.keys import key_of
from signalcli.objects.values import Assignments
from signalcli.trace.names import sender_name

OWN_NAMES = ("self", "sender", "signal", "session")


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of sending a signal.

    Attributes:
        signal: its full name.
        sender: the name of the sender; None where there was none.
        responses: how many receivers there were.
        failed: the receivers that failed, with their exceptions; empty unless sent robustly.
        other_senders: the names of the senders that receivers listen to, where none was called.
    """

    signal: str
    sender: str | None
    responses: int
    failed: list[tuple[Receiver, Exception]]
    other_senders: tuple[str, ...] = ()


def send(
    session: Session,
    name: str,
    given: Assignments,
    *,
    sender: str | None = None,
    robust: bool = False,
    installed: Apps = apps,
) -> Sent:
    """Send a signal of the installed apps.

    A signal that names its arguments gets these and no others. signalcli itself provides
    ``session`` and ``using``. Where the sender is a model, an ``instance`` is given by its primary
    key.

    Arguments:
        session: the session.
        name: the signal's full name, the end of it, or its short name.
        given: the named arguments.
        sender: the name of a model, or the full name of another object in an imported module;
            None for no sender.
        robust: whether a failing receiver leaves the others to run.
        installed: the installed apps.

    Raises:
        NotFound: there is no such signal, sender or instance.
        InvalidValue: several signals have the name; an argument is missing or unknown.
        AmbiguousModel: several models have the sender's name.
        Exception: a receiver raised it, and the sending is not robust.
    """
    signal = find_signal(name, installed)
    source = None if sender is None else find_sender(sender, installed)
    named = _arguments(signal, source, given, session)
    responses = (signal.send_robust if robust else signal.send)(source, **named)
    return Sent(
        signal=signal.path,
        sender=sender_name(source),
        responses=len(responses),
        failed=[pair for pair in responses if robust and isinstance(pair[1], Exception)],
        other_senders=() if responses else _senders_of(signal),
    )


def _senders_of(signal: Signal) -> tuple[str, ...]:
    """The names of the senders that the receivers of a signal listen to."""
    names = (sender_name(connection.sender) for connection in signal.connections)
    return tuple(dict.fromkeys(filter(None, names)))


def find_signal(name: str, installed: Apps = apps) -> Signal:
    """A signal of the installed apps, or of signalcli, by name.

    Raises:
        NotFound: there is none.
        InvalidValue: there are several.
    """
    signals = signals_within(installed)
    found = [signal for signal in signals if signal.path == name] or [
        signal for signal in signals if f".{signal.path}".endswith(f".{name}")
    ]
    if len(found) == 1:
        return found[0]
    if found:
        paths = listed(signal.path for signal in found)
        raise InvalidValue(f"there are several signals called {name}: {paths}")
    refuse_other_than_signal(name, installed)
    close = get_close_matches(name, [signal.name for signal in signals], n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    raise NotFound(
        f"there is no signal {quoted(name)}; {guess}`signalcli signals` shows what there is"
    )


def find_sender(name: str, installed: Apps = apps) -> Any:
    """A model by name, or another object by its full name, if its module is imported.

    Raises:
        NotFound: there is neither.
        AmbiguousModel: several models have the name.
    """
    try:
        return installed.get_model(name)
    except ModelNotFound as error:
        target = _imported(name)
        if target is None:
            raise NotFound(
                f"there is no sender {quoted(name)}: neither a model nor an object in an imported "
                "module has this name"
            ) from error
        return target


def _imported(name: str) -> Any:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        target: Any = sys.modules.get(".".join(parts[:length]))
        if target is not None:
            for part in parts[length:]:
                target = vars(target).get(part) if hasattr(target, "__dict__") else None
            return target
    return None


def _arguments(signal: Signal, sender: Any, given: Assignments, session: Session) -> dict[str, Any]:
    for name in given:
        if name in OWN_NAMES:
            raise InvalidValue(f"the argument {name} is given by signalcli itself")
    wanted = signal.providing_args
    named: dict[str, Any] = {name: one.value for name, one in given.items()}
    if wanted is None:
        return named
    unknown = [name for name in named if name not in wanted]
    if unknown:
        takes = f"it provides {listed(wanted)}" if wanted else "it provides none"
        raise InvalidValue(f"{signal.name} has no argument {quoted(unknown[0])}; {takes}")
    provided = {"session": session, "using": using(session.get_bind())}
    named = {name: provided[name] for name in wanted if name in provided} | named
    missing = [name for name in wanted if name not in named]
    if missing:
        raise InvalidValue(f"{signal.name} also provides {listed(missing)}; give name=value")
    if "instance" in wanted and hasattr(sender, "model_fields"):
        instance = given["instance"]
        key = key_of(sender, instance.value, is_json=instance.is_json)
        named["instance"] = session.get(sender, key)
        if named["instance"] is None:
            raise NotFound(f"there is no {model_name(sender)} {quoted(instance.value)}")
    return named
