"""Registering with Django: the demo's two models and its receivers, on SQLite or on PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.dispatch import Signal
from sqlalchemy import URL

from signalcli.db.engine import BUSY_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class Peer:
    """Django at the same work.

    Attributes:
        User: the model of users, whose profiles receivers of ``post_save`` make and save.
        Profile: the model of profiles.
        register: registers a user by name.
        atomic: begins a transaction.
    """

    User: Any
    Profile: Any
    register: Callable[[str], None]
    atomic: Callable[[], Any]


def _settings(database: Path | URL) -> dict[str, Any]:
    """Django's words for a database."""
    if isinstance(database, URL):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": database.database,
            "USER": database.username,
            "PASSWORD": database.password,
            "HOST": database.host,
            "PORT": database.port,
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(database),
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode = WAL",
            "timeout": BUSY_TIMEOUT_SECONDS,
        },
    }


def django_peer(database: Path | URL) -> Peer:
    """Set Django up; to be called once in a process.

    Arguments:
        database: a SQLite file, which is made, with the pragmas of ``signalcli.db.create_engine``;
            or the URL of a database on PostgreSQL.
    """
    settings.configure(DATABASES={"default": _settings(database)}, USE_TZ=False)
    django.setup()
    # Models can only be defined, and much else imported, when Django is set up.
    from django.db import connection, models, transaction
    from django.db.models.signals import post_save
    from django.utils.timezone import now

    class User(models.Model):
        username = models.CharField(max_length=150, unique=True)
        email = models.CharField(max_length=254)
        date_joined = models.DateTimeField(default=now)
        password = models.CharField(max_length=128, null=True)
        last_login = models.DateTimeField(null=True)

        class Meta:
            app_label = "core"

    class Profile(models.Model):
        user = models.OneToOneField(User, on_delete=models.CASCADE)
        first_name = models.CharField(max_length=20, default="")
        last_name = models.CharField(max_length=20, default="")
        profile_pic = models.CharField(max_length=100, default="x")

        class Meta:
            app_label = "core"

    notification = Signal()

    def create_profile(instance: User, created: bool, **kwargs: Any) -> None:
        if created:
            Profile.objects.create(user=instance)
            print("Profile Created !")

    def update_profile(instance: Any, created: bool, **kwargs: Any) -> None:
        if not created:
            instance.profile.save()
            print("Profile Updated!")

    def show_notification(sender: type[User], username: str, email: str, **kwargs: Any) -> None:
        print(f"Sender: {sender.__name__}")
        print(f"Hello {username} <{email}>")
        print("Notified")

    post_save.connect(create_profile, sender=User, weak=False)
    post_save.connect(update_profile, sender=User, weak=False)
    notification.connect(show_notification, weak=False)
    with connection.schema_editor() as editor:
        editor.create_model(User)
        editor.create_model(Profile)

    def register(name: str) -> None:
        user = User.objects.create(username=name, email=f"{name}@mail.com")
        notification.send(User, email=user.email, username=user.username)

    return Peer(User, Profile, register, transaction.atomic)
