"""A thousand commands in one process, against a process for each.

A thousand registrations by one `signalcli batch`, with traces printed as tables into a pipe and
runs kept in the log, where not said otherwise. The peer is a management command of Django that
does the same work for one user: models for users and profiles, receivers of `post_save` that make
and save the profile, one that prints a notification, the same settings of SQLite; migrated
beforehand. It has no trace and no log. Of the peers, 20 processes are timed, and counted as 1,000.
"""

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.timing import Comparison

REGISTRATIONS, PROCESSES, ROUNDS = 1_000, 20, 2
REACH = 0.02
SIGNALCLI = str(Path(sys.executable).with_name("signalcli"))
_DJANGO_FILES = {
    "manage.py": """\
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "settings.py": """\
from pathlib import Path
INSTALLED_APPS = ["people"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": Path(__file__).with_name("demo.db"),
    "OPTIONS": {
        "timeout": 15,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode = WAL",
    },
}}
""",
    "people/__init__.py": "",
    "people/apps.py": """\
from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"

    def ready(self):
        from people import receivers
""",
    "people/models.py": """\
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone


class User(models.Model):
    username = models.CharField(
        max_length=150, unique=True, validators=[RegexValidator(r"^[\\w.@+-]+\\Z")]
    )
    email = models.EmailField()
    password = models.CharField(max_length=200, null=True)
    date_joined = models.DateTimeField(default=timezone.now)
    last_login = models.DateTimeField(null=True)


class Profile(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    first_name = models.CharField(max_length=20, blank=True)
    last_name = models.CharField(max_length=20, blank=True)
    profile_pic = models.CharField(max_length=100, default="x")
""",
    "people/receivers.py": """\
from django.db.models.signals import post_save
from django.dispatch import Signal, receiver

from people.models import Profile, User

notification = Signal()


@receiver(post_save, sender=User)
def create_profile(instance, created, **kwargs):
    if created:
        Profile.objects.create(user=instance)
        print("Profile Created !")


@receiver(post_save, sender=User)
def update_profile(instance, created, **kwargs):
    if not created:
        instance.profile.save()
        print("Profile Updated!")


@receiver(notification)
def show_notification(sender, email, username, **kwargs):
    print("Sender:", sender.__name__)
    print("Hello", username, f"<{email}>")
    print("Notified")
""",
    "people/management/__init__.py": "",
    "people/management/commands/__init__.py": "",
    "people/management/commands/register.py": """\
from django.core.management.base import BaseCommand
from django.db import transaction

from people.models import User
from people.receivers import notification


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--email", required=True)

    def handle(self, *, username, email, **options):
        with transaction.atomic():
            user = User(username=username, email=email)
            user.full_clean(exclude=["password", "last_login"])
            user.save()
            notification.send(User, email=user.email, username=user.username)
        self.stdout.write(f"Registered {username}")
""",
}

_numbers = itertools.count()


def _new() -> list[str]:
    """The words of a registration of somebody new."""
    name = f"new{next(_numbers)}"
    return ["register", name, "--email", f"{name}@mail.com"]


def _run(folder: Path, *command: str) -> None:
    with (folder / "printed").open("w") as printed:
        subprocess.run(command, check=True, cwd=folder, stdout=printed)  # noqa: S603  # ours


def batch(folder: Path, *options: str) -> Callable[[], None]:
    """Many registrations in one process."""

    def run() -> None:
        script = "".join(" ".join(_new()) + "\n" for _ in range(REGISTRATIONS))
        (folder / "script.txt").write_text(script, encoding="utf-8")
        _run(folder, SIGNALCLI, "batch", "script.txt", *options)

    return run


def processes(folder: Path, *program: str) -> Callable[[], None]:
    """A registration in each of some processes."""

    def run() -> None:
        for _ in range(PROCESSES):
            _run(folder, *program, *_new())

    return run


def make_project(folder: Path) -> list[str]:
    """Make the project of Django, with its tables; returns what runs its commands."""
    for name, content in _DJANGO_FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    program = [sys.executable, "manage.py"]
    for command in ("makemigrations", "migrate"):
        _run(folder, *program, command, *(["people"] if command == "makemigrations" else []))
    # Compiled beforehand, as what is installed is.
    _run(folder, *program, *_new())
    return program


def _seconds(thing: Callable[[], None], times: int) -> float:
    begun = time.perf_counter()
    thing()
    return (time.perf_counter() - begun) / times


def measure() -> Iterator[Figure]:
    """Register many users by one process, and by one for each; the times are those of one user."""
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        folder = Path(ours)
        peers = {
            "manage.py register, a process for each": (
                processes(Path(theirs), *make_project(Path(theirs))),
                REACH,
            ),
            "signalcli register, a process for each": (processes(folder, SIGNALCLI), None),
        }
        _run(folder, SIGNALCLI, *_new())
        comparisons = {name: Comparison([], []) for name in peers}
        for _ in range(ROUNDS):
            for name, (peer, _reach) in peers.items():
                comparisons[name].others.append(_seconds(peer, PROCESSES))
            one = _seconds(batch(folder), REGISTRATIONS)
            for comparison in comparisons.values():
                comparison.ones.append(one)
        for name, (_peer, reach) in peers.items():
            yield Figure.of("1,000 registrations by batch", name, comparisons[name], reach)
        for option in ("--no-log", "--quiet", "--json"):
            comparison = Comparison([], [])
            comparison.ones.append(_seconds(batch(folder, option), REGISTRATIONS))
            comparison.others.append(_seconds(batch(folder), REGISTRATIONS))
            yield Figure.of(f"1,000 registrations by batch {option}", "without it", comparison)
