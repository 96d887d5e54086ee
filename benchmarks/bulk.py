"""What bulk work with every signal costs.

Rows of two tables, users and profiles, where a receiver of ``post_save`` makes each user's profile:
with ``Session.bulk()``, with Django's loop over ``save()`` and the same receiver, with Django's
``bulk_create`` of both tables, which sends no signal, and with SQLAlchemy's own inserts. Everybody
commits after each batch, on a SQLite file with a write-ahead log. Then the same users are changed.
"""

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from sqlalchemy import Engine, insert

from signalcli.core import signals as _receivers  # noqa: F401  # connects them
from signalcli.core.models import Profile, User
from signalcli.db import Session

ROWS = 20_000
BATCH = 1000
ROUNDS = 3

_FOLDER = tempfile.TemporaryDirectory()
_INIT = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"

settings.configure(
    INSTALLED_APPS=[],
    USE_TZ=False,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(_FOLDER.name, "django.db")),
            "OPTIONS": {"init_command": _INIT},
        }
    },
)
django.setup()

from django.db import models, transaction  # noqa: E402  # needs settings


class DjangoUser(models.Model):
    """As the demo's."""

    username = models.CharField(max_length=150, unique=True)
    email = models.CharField(max_length=254)
    date_joined = models.DateTimeField(default=datetime.now)
    password = models.CharField(max_length=128, null=True)
    last_login = models.DateTimeField(null=True)

    class Meta:
        app_label = "bulk"


class DjangoProfile(models.Model):
    """As the demo's."""

    user = models.OneToOneField(DjangoUser, on_delete=models.CASCADE, related_name="profile")
    first_name = models.CharField(max_length=20, default="")
    last_name = models.CharField(max_length=20, default="")
    profile_pic = models.CharField(max_length=100, default="x")

    class Meta:
        app_label = "bulk"


def create_profile(instance: DjangoUser, created: bool, **kwargs: Any) -> None:
    """Give a new user a profile, or save that of another, as the demo's receivers do."""
    if created:
        DjangoProfile.objects.create(user=instance)
        print("Profile Created !")


_numbers = itertools.count()


def rows() -> list[dict[str, Any]]:
    """Users that nobody has registered yet."""
    return [
        {"username": f"u{n}", "email": f"u{n}@mail.com"} for n in itertools.islice(_numbers, ROWS)
    ]


def batches(things: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Parts of so many."""
    for begin in range(0, len(things), size):
        yield things[begin : begin + size]


def ours(engine: Engine, size: int = BATCH) -> None:
    with Session(engine) as session, session.bulk(size, commit=True):
        for row in rows():
            session.add(User(**row))


def django_save() -> None:
    for batch in batches(rows(), BATCH):
        with transaction.atomic():
            for row in batch:
                DjangoUser(**row).save()


def django_bulk() -> None:
    for batch in batches(rows(), BATCH):
        with transaction.atomic():
            users = DjangoUser.objects.bulk_create(DjangoUser(**row) for row in batch)
            DjangoProfile.objects.bulk_create(DjangoProfile(user=user) for user in users)


def core(engine: Engine) -> None:
    users, profiles = User.__table__, Profile.__table__
    now = datetime.now(UTC).replace(tzinfo=None)
    returning = insert(users).returning(users.c.id, sort_by_parameter_order=True)
    for batch in batches(rows(), BATCH):
        with engine.begin() as connection:
            ids = connection.scalars(returning, [{**row, "date_joined": now} for row in batch])
            connection.execute(
                insert(profiles),
                [
                    {"user_id": id_, "first_name": "", "last_name": "", "profile_pic": "x"}
                    for id_ in ids
                ],
            )
