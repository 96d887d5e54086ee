"""The demo app's signals and their receivers."""

from typing import Any

from signalcli.core.models import DEFAULT_PICTURE, Profile, User, now
from signalcli.core.pictures import discard
from signalcli.db import Session, post_delete, post_save, touch
from signalcli.dispatch import Signal, receiver

# Sent for a user who is to be told something: after registering, and by `signalcli notify`.
notification = Signal(providing_args=["email", "username"])

# Django's, from django.contrib.auth, with the session as one more argument.
user_logged_in = Signal(providing_args=["request", "user", "session"])
user_logged_out = Signal(providing_args=["request", "user", "session"])
user_login_failed = Signal(providing_args=["credentials", "request", "session"])


@receiver(post_save, sender=User)
def create_profile(instance: User, created: bool, session: Session, **kwargs: Any) -> None:
    """Give a new user a profile."""
    if created:
        session.add(Profile(user_id=instance.id, **instance.for_profile))
        instance.for_profile.clear()
        print("Profile Created !")


@receiver(post_save, sender=User)
def update_profile(instance: User, created: bool, session: Session, **kwargs: Any) -> None:
    """Save the profile of a user who was saved."""
    if not created:
        # This lookup must not write the changes that receivers of other users left pending.
        with session.no_autoflush:
            profile = instance.profile or Profile(user=instance)
        picture = profile.profile_pic
        profile.sqlmodel_update(instance.for_profile)
        instance.for_profile.clear()
        session.add(profile)
        touch(profile)
        if picture != DEFAULT_PICTURE:
            # Only after the save is it certain which picture the profile keeps.
            session.flush()
            if profile.profile_pic != picture:
                discard(session, picture)
        print("Profile Updated!")


@receiver(post_delete, sender=Profile)
def remove_picture(instance: Profile, session: Session, **kwargs: Any) -> None:
    """Remove the picture of a deleted profile after the commit."""
    discard(session, instance.profile_pic)


@receiver(notification)
def show_notification(sender: type[User] | None, username: str, email: str, **kwargs: Any) -> None:
    """Stand in for a mail to the user."""
    print(f"Sender: {sender.__name__ if sender else None}")
    print(f"Hello {username} <{email}>")
    print("Notified")


def update_last_login(user: User, session: Session, **kwargs: Any) -> None:
    """Remember when a user logged in."""
    user.last_login = now()
    session.add(user)
    session.flush()
