"""Explanations of signals, receivers and words, put together from what is known of each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from signalcli.apps.config import place_text
from signalcli.apps.glossary import GLOSSARY
from signalcli.apps.inventory import ConnectionEntry, SignalEntry, find_signals, signals_within
from signalcli.apps.reference import ALWAYS, Reference, reference_of
from signalcli.apps.registry import Apps, apps
from signalcli.apps.sources import comment_above, docstring_in, places_that_send
from signalcli.trace.names import matches

SIGNAL, RECEIVER, WORD = "signal", "receiver", "word"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of something that a user asks about.

    Attributes:
        name: its name: ``post_save``, ``5``.
        kind: ``signal``, ``receiver``, ``word``, ``exit code`` or ``error code``.
        meaning: sentences that say what it is; of a signal, when it is sent.
        facts: more of it by headings: ``Sent by``, ``Defined at``.
        arguments: what the arguments mean that receivers get; None as a meaning where nobody says.
        connections: of a signal its receivers, of a receiver its connections, in their order.
        example: code, or a command.
        page: the page of the manual, perhaps with a heading: ``signals.md#post_save``.
    """

    name: str
    kind: str
    meaning: tuple[str, ...]
    facts: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str | None] = field(default_factory=dict)
    connections: tuple[ConnectionEntry, ...] = ()
    example: str = ""
    page: str = ""


def explain(name: str, installed: Apps = apps) -> list[Explanation]:
    """All that has a name: signals, receivers, a word. Empty where nothing has it.

    Arguments:
        name: the short or full name of a signal or a receiver, or a word of the glossary.
        installed: the installed apps.
    """
    entries = find_signals(installed=installed)
    found = [_of_signal(each, installed) for each in entries if name in (each.name, each.path)]
    found += _of_receivers(name, entries)
    term = GLOSSARY.get(name.lower()) or GLOSSARY.get(f"{name.lower()} dispatch")
    if term is not None:
        found.append(
            Explanation(
                name.lower(), WORD, (term.meaning,), example=term.example, page=f"{term.page}.md"
            )
        )
    return found


def explained_names(installed: Apps = apps) -> dict[str, list[str]]:
    """Every name that there is something to say of, by kinds."""
    entries = find_signals(installed=installed)
    receivers = (each.short_receiver for entry in entries for each in entry.connections)
    return {
        SIGNAL: list(dict.fromkeys(entry.name for entry in entries)),
        RECEIVER: list(dict.fromkeys(receivers)),
        WORD: list(GLOSSARY),
    }


def _of_signal(entry: SignalEntry, installed: Apps) -> Explanation:
    signal = next(each for each in signals_within(installed) if each.path == entry.path)
    reference = reference_of(signal)
    if reference is not None:
        return _of_built_in(entry, reference)
    comment = comment_above(entry.file, entry.line)
    sending = places_that_send(entry.name, installed)
    facts = {
        "Sent by": ", ".join(sending) or "whoever calls its send()",
        "Import it": f"from {entry.path.rpartition('.')[0]} import {entry.name}",
        "Defined at": place_text(entry.file, entry.line),
    }
    names = entry.arguments or ()
    return Explanation(
        entry.name,
        SIGNAL,
        (comment or "A signal of an app's own.",),
        facts,
        {**dict.fromkeys(names), **ALWAYS},
        entry.connections,
        f"@receiver({entry.name})\ndef react({''.join(f'{name}, ' for name in names)}**kwargs):\n"
        "    ...",
        "tutorial.md",
    )


def _of_built_in(entry: SignalEntry, reference: Reference) -> Explanation:
    return Explanation(
        entry.name,
        SIGNAL,
        (reference.when, *reference.notes),
        {
            "Sent by": reference.by,
            "Sender": reference.sender,
            "Import it": f"from {reference.place} import {entry.name}",
        },
        {**reference.arguments, **ALWAYS},
        entry.connections,
        reference.example,
        f"signals.md#{entry.name}",
    )


def _of_receivers(name: str, entries: Iterable[SignalEntry]) -> list[Explanation]:
    """One explanation for each receiver of that name, whatever it is connected to."""
    connections: dict[str, list[ConnectionEntry]] = {}
    for entry in entries:
        for each in entry.connections:
            if name in (each.short_receiver, each.receiver):
                connections.setdefault(each.receiver, []).append(each)
    return [_of_receiver(receiver, found) for receiver, found in connections.items()]


def _of_receiver(receiver: str, connections: list[ConnectionEntry]) -> Explanation:
    first = connections[0]
    facts = {"Defined at": place_text(first.file, first.line)} if first.file else {}
    facts["Full name"] = receiver
    if first.is_async:
        facts["Called"] = "awaited, at the same time as the other async receivers of the signal"
    return Explanation(
        first.short_receiver,
        RECEIVER,
        (docstring_in(first.source or "") or "A receiver that says nothing of itself.",),
        facts,
        connections=tuple(connections),
        example=f"signalcli receivers {first.signal} --receiver {first.short_receiver} --source",
        page="tutorial.md",
    )


def names_like(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names that come near to a wrong one: similar ones, or those that contain it."""
    known = list(dict.fromkeys(names))
    folded = {each.lower(): each for each in known}
    close = [folded[each] for each in get_close_matches(name.lower(), folded, n=most, cutoff=0.6)]
    within = [each for each in known if len(name) > 2 and matches(f"*{name}*", each)]
    return list(dict.fromkeys([*close, *within]))[:most]
