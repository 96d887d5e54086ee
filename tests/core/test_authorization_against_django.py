"""Django is the judge: the same passwords, logins and logouts send the same signals.

The same operations are carried out by ``django.contrib.auth`` and here, and after each it is
compared what was sent, with which arguments, and what is known of the users.
"""

import json
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import col, select, update

from signalcli.core import authorization
from signalcli.core.models import User
from signalcli.core.passwords import Hash, make_password
from signalcli.core.signals import user_logged_in, user_logged_out, user_login_failed
from signalcli.db import Session, post_save, pre_save
from tests import processes

Operation = tuple[Any, ...]
# Two look the same; neither here nor in Django are they.
PASSWORDS = ("caf\u00e9", "cafe\u0301", "with\0nul \U0001f600")
EACH_KIND: list[Operation] = [
    ("login", "ada", "secret"),
    ("create", "ada", "secret"),
    ("login", "ada", "wrong"),
    ("login", "ada", "secret"),
    ("outdate", "ada", "secret"),
    ("login", "ada", "wrong"),
    ("login", "ada", "secret"),
    ("logout", "ada"),
    ("set password", "ada", PASSWORDS[0]),
    ("login", "ada", PASSWORDS[1]),
    ("set password", "ada", None),
    ("login", "ada", "secret"),
    ("create", "bob", None),
    ("login", "bob", ""),
]
REQUEST = object()


def some_operations(number: int) -> list[Operation]:
    """Operations at random, the same ones in every run."""
    chance = random.Random(number)
    there = ["ada", "bob"]
    kinds = ["create", "login", "login", "login", "logout", "outdate", "set password"]
    operations: list[Operation] = []
    for count in range(number):
        kind = chance.choice(kinds)
        name = chance.choice([*there, "zoe"] if kind == "login" else there)
        if kind == "create":
            name = f"user{count}"
            there.append(name)
        password = chance.choice([*PASSWORDS, None] if kind == "create" else PASSWORDS)
        operations.append((kind, name) if kind == "logout" else (kind, name, password))
    return operations


def in_django(operations: list[Operation]) -> list[Any]:
    script = Path(__file__).with_name("authorization_in_django.py")
    run = processes.run([sys.executable, script], given=json.dumps(operations))
    assert run.stderr == ""
    outcomes: list[Any] = json.loads(run.stdout)
    return outcomes


@contextmanager
def events() -> Iterator[list[Any]]:
    """What is sent within, told as the script tells it."""
    noted: list[Any] = []

    def note_save(
        signal: Any, instance: User, update_fields: set[str] | None, **named: Any
    ) -> None:
        fields = None if update_fields is None else sorted(update_fields)
        noted.append([signal.name, instance.username, named.get("created"), fields])

    def note(name: str, sender: Any, session: Session, **named: Any) -> None:
        assert isinstance(session, Session)
        del named["signal"]
        named["request"] = named["request"] is REQUEST
        if "user" in named:
            named["user"] = named["user"].username
        is_module = sender == authorization.authenticate.__module__
        noted.append([name, "its module" if is_module else sender.__name__, named])

    with ExitStack() as stack:
        for signal in (pre_save, post_save):
            stack.enter_context(signal.connected_to(note_save, sender=User))
        for signal in (user_logged_in, user_logged_out, user_login_failed):
            stack.enter_context(signal.connected_to(partial(note, signal.name)))
        yield noted


def carry_out(session: Session, operation: str, username: str, password: str | None = None) -> None:
    if operation == "create":
        user = User(username=username, email="somebody@mail.com")
        user.password = None if password is None else make_password(password)
        session.add(user)
        session.flush()
    elif operation == "login":
        assert password is not None
        found = authorization.authenticate(
            session, request=REQUEST, username=username, password=password
        )
        if found is not None:
            authorization.login(session, found, REQUEST)
    elif operation == "outdate":
        assert password is not None
        encoded = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password)
        of_user = update(User).where(col(User.username) == username)
        session.exec(of_user.values(password=Hash(encoded)))
    elif operation == "set password":
        authorization.set_password(session, username, password)
    else:
        user = session.exec(select(User).where(User.username == username)).one()
        authorization.logout(session, user, REQUEST)
    session.commit()


def here(session: Session, operations: list[Operation]) -> list[Any]:
    outcomes = []
    with events() as noted:
        for operation in operations:
            noted.clear()
            carry_out(session, *operation)
            users = session.exec(select(User).order_by(col(User.id)))
            state = [
                [user.username, user.password is not None, user.last_login is not None]
                for user in users
            ]
            outcomes.append([list(noted), state])
    return outcomes


def test_the_same_operations_send_the_same_signals(session: Session) -> None:
    operations = EACH_KIND + some_operations(14)
    expected = in_django(operations)
    told = here(session, operations)
    for operation, ours, theirs in zip(operations, told, expected, strict=True):
        assert (operation, ours) == (operation, theirs)
    sent = {event[0] for outcome in told for event in outcome[0]}
    assert sent == {
        "pre_save", "post_save", "user_logged_in", "user_logged_out", "user_login_failed"
    }  # fmt: skip


names = st.sampled_from(["username", "API_key", "tokens", "Password2", "signature", "otp", "pin"])


@hypothesis_settings(max_examples=50)
@given(st.dictionaries(names | st.text(max_size=12), st.text(max_size=5)))
def test_what_is_secret_among_credentials_is_what_django_says(credentials: dict[str, str]) -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure(DEBUG=True)  # as the other tests that ask Django
    from django.contrib.auth import _clean_credentials

    cleaned = authorization.clean_credentials(credentials)
    assert cleaned == _clean_credentials(dict(credentials))
