"""Many rows with all signals.

Users are registered in bulk, from dictionaries in memory, in transactions of 1,000, each with the
profile that a receiver of `post_save` makes: by `Session.bulk()`; by Django's loop over `save()`
with the same receiver; by Django's `bulk_create` of users and profiles and by SQLAlchemy Core's
inserts, both without any signal. Then users are changed in bulk, and in Django's loop: there, too,
a receiver saves each one's profile. What receivers print is dropped.
"""

import io
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, insert
from sqlalchemy.orm import selectinload
from sqlmodel import SQLModel, col, select

from benchmarks.django_peer import Peer, django_peer
from benchmarks.figures import Figure
from benchmarks.timing import compare
from signalcli.core import signals as _receivers  # noqa: F401  # connects them
from signalcli.core.models import Profile, User, now
from signalcli.db import Session, create_engine

ROWS, BATCH, ROUNDS = 20_000, 1_000, 3
SIZES = (100, 300, 3_000, 10_000)
SAVE_LOOP, BULK_CREATE = 0.33, 1.4

_numbers = itertools.count()


def new_rows() -> list[dict[str, Any]]:
    """Users whom nobody has registered yet."""
    return [
        {"username": f"user{number}", "email": f"user{number}@mail.com"}
        for number in itertools.islice(_numbers, ROWS)
    ]


def batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The rows of each transaction."""
    for begin in range(0, len(rows), BATCH):
        yield rows[begin : begin + BATCH]


def register(engine: Engine, size: int = BATCH) -> None:
    """Register users with signals, in bulk."""
    with Session(engine) as session, session.bulk(size, commit=True):
        for row in new_rows():
            session.add(User(**row))


def save_each(peer: Peer) -> None:
    """Register users with signals, one by one, as Django does."""
    for batch in batches(new_rows()):
        with peer.atomic():
            for row in batch:
                peer.User(**row).save()


def bulk_create(peer: Peer) -> None:
    """Register users without signals, as Django does in bulk."""
    for batch in batches(new_rows()):
        with peer.atomic():
            users = peer.User.objects.bulk_create([peer.User(**row) for row in batch])
            peer.Profile.objects.bulk_create([peer.Profile(user=user) for user in users])


def insert_plainly(engine: Engine) -> None:
    """Register users without instances, by SQLAlchemy Core."""
    for batch in batches(new_rows()):
        rows = [{**row, "date_joined": now()} for row in batch]
        with engine.begin() as connection:
            query = insert(User).returning(col(User.id), sort_by_parameter_order=True)
            keys = connection.scalars(query, rows).all()
            blank = {"first_name": "", "last_name": "", "profile_pic": "x"}
            connection.execute(insert(Profile), [{"user_id": key, **blank} for key in keys])


def change(engine: Engine, with_profiles: bool) -> None:
    """Change users with signals, in bulk; a receiver saves their profiles."""
    suffix = next(_numbers)
    # What is loaded stays so from one transaction to the next, as with Django.
    session = Session(engine, expire_on_commit=False)
    with session, session.bulk(BATCH, commit=True):
        users = select(User).limit(ROWS)
        if with_profiles:
            users = users.options(selectinload(cast("Any", User.profile)))
        for user in session.exec(users).all():
            user.email = f"{user.username}@{suffix}.com"
            session.add(user)


def change_each(peer: Peer, with_profiles: bool) -> None:
    """Change users with signals, one by one, as Django does; a receiver saves their profiles."""
    suffix = next(_numbers)
    if with_profiles:
        users = [each.user for each in peer.Profile.objects.select_related("user")[:ROWS]]
    else:
        users = list(peer.User.objects.all()[:ROWS])
    for batch in batches(users):
        with peer.atomic():
            for user in batch:
                user.email = f"{user.username}@{suffix}.com"
                user.save(update_fields=["email"])


def silent(work: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    """The same without what receivers print."""

    def run() -> None:
        with redirect_stdout(io.StringIO()):
            work(*arguments)

    return run


def measure() -> Iterator[Figure]:
    """Register and change in bulk and in other ways."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(Path(folder, "demo.db"))
        SQLModel.metadata.create_all(engine)
        peer = django_peer(Path(folder, "django.db"))
        ours, what = silent(register, engine), f"register {ROWS:,} users in bulk"
        for other, name, reach in (
            (silent(save_each, peer), "Django's `save()` of each", SAVE_LOOP),
            (silent(bulk_create, peer), "Django's `bulk_create`, no signals", BULK_CREATE),
            (silent(insert_plainly, engine), "SQLAlchemy Core, no signals, no instances", None),
        ):
            yield Figure.of(what, name, compare(ours, other, ROUNDS), reach)
        for with_profiles, loaded in ((True, "together"), (False, "each profile by itself")):
            yield Figure.of(
                f"change {ROWS:,} users and their profiles in bulk, loaded {loaded}",
                f"Django's loop that saves both, loaded {loaded}",
                compare(
                    silent(change, engine, with_profiles),
                    silent(change_each, peer, with_profiles),
                    1,
                ),
                1.0,
            )
        for size in SIZES:
            in_size = silent(register, engine, size)
            yield Figure.of(f"in batches of {size:,}", f"of {BATCH:,}", compare(in_size, ours, 1))
        engine.dispose()
