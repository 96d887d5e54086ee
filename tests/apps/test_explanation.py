"""Explanations of signals, receivers and words."""

import pytest

from signalcli.apps import Apps
from signalcli.apps.explanation import (
    RECEIVER,
    SIGNAL,
    WORD,
    explain,
    explained_names,
    names_like,
)
from signalcli.apps.glossary import GLOSSARY
from signalcli.apps.registry import apps


@pytest.fixture(scope="module", autouse=True)
def installed() -> Apps:
    apps.populate()
    return apps


def test_a_built_in_signal_is_explained_by_its_reference() -> None:
    (explained,) = explain("post_save")
    assert (explained.name, explained.kind) == ("post_save", SIGNAL)
    assert explained.meaning[0].startswith("After a row was inserted or updated")
    assert explained.arguments["created"] == "True for a new row, False for an update"
    assert {"sender", "signal"} < set(explained.arguments)
    names = [each.short_receiver for each in explained.connections]
    assert names[:2] == ["create_profile", "update_profile"]
    assert explained.page == "signals.md#post_save"
    assert explain("signalcli.db.signals.post_save") == [explained]


def test_an_app_s_own_signal_is_explained_by_its_file() -> None:
    (explained,) = explain("user_logged_out")
    assert explained.meaning == (
        "Django's, from django.contrib.auth, with the session as one more argument.",
    )
    assert explained.facts["Import it"] == "from signalcli.core.signals import user_logged_out"
    assert "authorization.py:" in explained.facts["Sent by"]
    assert list(explained.arguments) == ["request", "user", "session", "sender", "signal"]
    assert explained.example.startswith("@receiver(user_logged_out)\ndef react(request, user, ")


def test_a_receiver_is_explained_by_what_it_says_and_what_it_is_connected_to() -> None:
    (explained,) = explain("create_profile")
    assert (explained.kind, explained.meaning) == (RECEIVER, ("Give a new user a profile.",))
    assert [(each.signal, each.sender) for each in explained.connections] == [("post_save", "User")]
    assert explained.example == "signalcli receivers post_save --receiver create_profile --source"


def test_a_word_is_explained_whatever_its_case() -> None:
    (explained,) = explain("Dispatch")
    assert (explained.name, explained.kind) == ("dispatch", WORD)
    assert explained.meaning == (GLOSSARY["dispatch"].meaning,)


def test_nothing_is_said_of_what_nothing_has_the_name_of() -> None:
    assert explain("post_sav") == []
    assert explain("") == []


def test_all_names_are_known() -> None:
    names = explained_names()
    assert "notification" in names[SIGNAL]
    assert "create_profile" in names[RECEIVER]
    assert names[WORD] == list(GLOSSARY)
    assert all(explain(name) for of_kind in names.values() for name in of_kind)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("post_sav", ["post_save"]),
        ("POST_SAVE", ["post_save"]),
        ("create", ["create_profile"]),
        ("qqq", []),
    ],
)
def test_near_names_are_those_that_are_similar_or_contain_it(wrong: str, near: list[str]) -> None:
    found = names_like(wrong, ["post_save", "create_profile", "update_profile"])
    assert found == near
