"""The reference of the built-in signals says what they provide, and the page says it, too."""

import runpy
from pathlib import Path
from typing import Any

import pytest

import signalcli.apps.signals as of_commands
import signalcli.db.signals as of_models
from signalcli.apps.reference import ALWAYS, REFERENCES, Reference, reference_of
from signalcli.apps.signals import command
from signalcli.core.models import Profile, User
from signalcli.dispatch import Signal, receiver
from signalcli.dispatch.signatures import ALWAYS_PROVIDED

DOCS = Path(__file__).parents[2] / "docs"


def by_name(reference: Reference) -> str:
    return reference.name


def test_every_built_in_signal_has_its_reference() -> None:
    built_in = [
        value
        for module in (of_models, of_commands)
        for value in vars(module).values()
        if isinstance(value, Signal)
    ]
    assert {each.path for each in built_in} == {each.signal.path for each in REFERENCES}
    assert len(REFERENCES) == len(built_in)
    assert all(reference_of(each) is not None for each in built_in)
    assert reference_of(Signal()) is None


@pytest.mark.parametrize("reference", REFERENCES, ids=by_name)
def test_the_arguments_are_those_that_the_signal_provides(reference: Reference) -> None:
    assert sorted(reference.arguments) == sorted(reference.signal.providing_args or ())
    assert set(ALWAYS) == ALWAYS_PROVIDED


@pytest.mark.parametrize("reference", REFERENCES, ids=by_name)
def test_it_can_be_imported_from_where_it_says(reference: Reference) -> None:
    names: dict[str, Any] = {}
    exec(f"from {reference.place} import {reference.name}", names)
    assert names[reference.name] is reference.signal


@pytest.mark.parametrize("reference", REFERENCES, ids=by_name)
def test_its_example_connects_a_receiver(reference: Reference) -> None:
    models = {name: type(name, (), {}) for name in ("Hero", "Membership")}
    names: dict[str, Any] = {
        reference.name: reference.signal,
        "receiver": receiver,
        "command": command,
        "User": User,
        "Profile": Profile,
        **models,
    }
    before = reference.signal.connections
    exec(reference.example, names)
    (new,) = [each for each in reference.signal.connections if each not in before]
    assert reference.signal.disconnect(new.receiver, new.sender)


def test_the_page_of_the_manual_is_written_from_it() -> None:
    page = (DOCS / "signals.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(DOCS / "make_signals.py"))["page"]() == page
    for reference in REFERENCES:
        assert f"### {reference.name}\n" in page
