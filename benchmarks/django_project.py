"""A project of Django with a management command that registers users as the demo does."""

import subprocess
import sys
from pathlib import Path

_FILES = {
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


def make_project(folder: Path) -> list[str]:
    """Make the project, with its tables.

    Arguments:
        folder: where it is made, an empty one.

    Returns:
        What runs its commands there: ``register NAME --email ADDRESS``.
    """
    for name, content in _FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    program = [sys.executable, str(folder / "manage.py")]
    for command in (
        ("makemigrations", "people"),
        ("migrate",),
        # What is compiled then is there for the others, as what is installed is.
        ("register", "first", "--email", "first@mail.com"),
    ):
        subprocess.run(  # noqa: S603  # our own words
            [*program, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL
        )
    return program
