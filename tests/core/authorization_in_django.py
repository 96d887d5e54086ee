"""Carries out in Django what is read from standard input, and prints which signals it sent.

A process of its own: the other tests that ask Django do so without its apps. The operations and
what is printed are those of ``test_authorization_against_django``.
"""

# ruff: noqa: E402  # Django wants to be set up before its models are imported

import json
import sys
from typing import Any

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher", "__main__.OldHasher"],
    SECRET_KEY="of no importance",
    USE_TZ=True,
)
django.setup()

from django.contrib import auth
from django.contrib.auth import hashers, models, signals
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.management import call_command
from django.db.models.signals import post_save, pre_save
from django.http import HttpRequest


class OldHasher(hashers.MD5PasswordHasher):
    """One that passwords are no longer hashed with."""

    algorithm = "old"


events: list[Any] = []
request = HttpRequest()


def note_save(signal: Any, instance: Any, update_fields: Any, **named: Any) -> None:
    fields = None if update_fields is None else sorted(update_fields)
    name = "pre_save" if signal is pre_save else "post_save"
    events.append([name, instance.username, named.get("created"), fields])


def note(name: str, sender: Any, **named: Any) -> None:
    del named["signal"]
    named["request"] = named["request"] is request
    if "user" in named:
        named["user"] = named["user"].username
    who = "its module" if sender == auth.authenticate.__module__ else sender.__name__
    events.append([name, who, named])


def carry_out(operation: str, username: str, password: str | None = None) -> None:
    if operation == "create":
        models.User.objects.create_user(username, password=password)
        return
    if operation == "login":
        user = auth.authenticate(request, username=username, password=password)
        if user is not None:
            request.session = SessionStore()
            auth.login(request, user)
        return
    user = models.User.objects.get(username=username)
    if operation == "outdate":
        encoded = hashers.make_password(password, hasher="old")
        models.User.objects.filter(username=username).update(password=encoded)
    elif operation == "set password":
        user.set_password(password)
        user.save(update_fields=["password"])
    else:
        request.user, request.session = user, SessionStore()
        auth.logout(request)


def state() -> list[list[Any]]:
    users = models.User.objects.order_by("id")
    return [[u.username, u.has_usable_password(), u.last_login is not None] for u in users]


call_command("migrate", verbosity=0)
for signal in (pre_save, post_save):
    signal.connect(note_save, sender=models.User)
for name in ("user_logged_in", "user_logged_out", "user_login_failed"):
    getattr(signals, name).connect(
        lambda sender, name=name, **named: note(name, sender, **named), weak=False
    )
outcomes = []
for arguments in json.load(sys.stdin):
    events.clear()
    carry_out(*arguments)
    outcomes.append([list(events), state()])
json.dump(outcomes, sys.stdout)
