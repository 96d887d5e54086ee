"""The demo app's signal and its receivers."""

from typing import Any

from signalcli.core.models import Profile, User
from signalcli.db import Session, post_save, touch
from signalcli.dispatch import Signal, receiver

notification = Signal(providing_args=["email", "username"])


@receiver(post_save, sender=User)
def create_profile(instance: User, created: bool, session: Session, **kwargs: Any) -> None:
    """Give a new user a profile."""
    if created:
        session.add(Profile(user=instance, **instance.take_profile_request()))
        session.flush()
        print("Profile Created !")


@receiver(post_save, sender=User)
def update_profile(instance: User, created: bool, session: Session, **kwargs: Any) -> None:
    """Save the profile of a user who was saved."""
    if not created:
        profile = instance.profile or Profile(user=instance)
        profile.sqlmodel_update(instance.take_profile_request())
        session.add(profile)
        touch(profile)
        session.flush()
        print("Profile Updated!")


@receiver(notification)
def show_notification(sender: type[User], username: str, email: str, **kwargs: Any) -> None:
    """Stand in for a mail to the user."""
    print(f"Sender: {sender.__name__}")
    print(f"Hello {username} <{email}>")
    print("Notified")
