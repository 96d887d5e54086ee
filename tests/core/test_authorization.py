"""Setting passwords, logging in and out, and what receivers are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlmodel import select

from signalcli.apps.inventory import find_connections
from signalcli.core import authorization, users
from signalcli.core.authorization import authenticate, login, logout, set_password
from signalcli.core.models import Profile, User, UserPublic
from signalcli.core.signals import user_logged_in, user_logged_out, user_login_failed
from signalcli.core.users import UserNotFound
from signalcli.db import Session, post_init, post_save
from signalcli.errors import InvalidValue
from tests.core.verifications import verifications

STARS = "*" * 20


@pytest.fixture
def ada(session: Session) -> UserPublic:
    account = users.register(session, "ada", "ada@mail.com", password="secret")
    session.commit()
    return account


@pytest.mark.usefixtures("quick_hashes")
class TestPasswords:
    def test_a_user_may_register_with_one_or_without(self, session: Session) -> None:
        assert not users.register(session, "bob", "bob@mail.com").has_password
        assert users.register(session, "ada", "ada@mail.com", password="secret").has_password
        assert authenticate(session, username="ada", password="secret") is not None
        assert authenticate(session, username="bob", password="secret") is None

    def test_one_that_breaks_a_rule_registers_nobody(self, session: Session) -> None:
        with pytest.raises(InvalidValue):
            users.register(session, "ada", "ada@mail.com", password="")
        assert list(users.find_all(session)) == []

    @pytest.mark.parametrize("load", [False, True])
    def test_what_is_found_of_a_user_tells_whether_there_is_one(
        self, session: Session, ada: UserPublic, load: bool
    ) -> None:
        session.expunge_all()
        found = users.find(session, "ada", load=load)
        assert found == ada
        assert (found.has_password, found.last_login) == (True, None)
        assert "argon2" not in repr(found)

    def test_setting_one_saves_the_user_and_the_receivers_the_profile(
        self, session: Session, ada: UserPublic
    ) -> None:
        profiles: list[Any] = []

        def note(sender: type, update_fields: Any, **named: Any) -> None:
            profiles.append((sender.__name__, update_fields and set(update_fields)))

        with post_save.connected_to(note):
            account, is_changed = set_password(session, "ada", "other")
            session.commit()
        assert is_changed
        assert account.has_password
        assert ("User", {"password"}) in profiles
        assert sorted(name for name, _ in profiles) == ["Profile", "User"]
        assert authenticate(session, username="ada", password="secret") is None
        assert authenticate(session, username="ada", password="other") is not None

    def test_taking_it_leaves_nothing_to_log_in_with(
        self, session: Session, ada: UserPublic
    ) -> None:
        account, is_changed = set_password(session, "ada", None)
        assert (account.has_password, is_changed) == (False, True)
        assert authenticate(session, username="ada", password="secret") is None
        assert set_password(session, "ada", None) == (account, False)

    def test_bad_ones_and_unknown_users_are_refused(
        self, session: Session, ada: UserPublic
    ) -> None:
        with pytest.raises(InvalidValue):
            set_password(session, "ada", "")
        with pytest.raises(UserNotFound):
            set_password(session, "zoe", "secret")
        assert authenticate(session, username="ada", password="secret") is not None


@pytest.mark.usefixtures("quick_hashes")
class TestLogin:
    def test_update_last_login_is_connected_as_in_django(self) -> None:
        (connection,) = find_connections("user_logged_in")
        assert connection.receiver == "signalcli.core.signals.update_last_login"
        assert connection.dispatch_uid == "update_last_login"
        assert (connection.sender, connection.weak) == (None, True)

    def test_receivers_get_the_user_and_what_was_asked_with(
        self, session: Session, ada: UserPublic
    ) -> None:
        got: list[Any] = []

        def note(sender: Any, **named: Any) -> None:
            got.append((sender, named))

        request = object()
        with user_logged_in.connected_to(note), user_logged_out.connected_to(note):
            user = authenticate(session, username="\uff41da", password="secret")
            assert user is not None
            assert user.username == "ada"
            login(session, user, request)
            logout(session, user)
            logout(session, None, request)
        same = {"session": session, "user": user}
        assert [(sender, named) for sender, named in got] == [
            (User, {**same, "request": request, "signal": user_logged_in}),
            (User, {**same, "request": None, "signal": user_logged_out}),
            (type(None), {**same, "user": None, "request": request, "signal": user_logged_out}),
        ]

    def test_the_receiver_notes_when(self, session: Session, ada: UserPublic) -> None:
        before = datetime.now(UTC).replace(tzinfo=None)
        user = authenticate(session, username="ada", password="secret")
        assert user is not None
        login(session, user)
        session.commit()
        when = users.find(session, "ada").last_login
        assert when is not None
        assert before <= when <= before + timedelta(minutes=1)

    def test_without_the_receiver_nothing_is_written(
        self, session: Session, ada: UserPublic
    ) -> None:
        user = authenticate(session, username="ada", password="secret")
        assert user is not None
        with user_logged_in.muted():
            login(session, user)
        session.commit()
        assert users.find(session, "ada").last_login is None

    def test_a_user_of_no_session_is_saved_too(self, session: Session, ada: UserPublic) -> None:
        user = session.exec(select(User)).one()
        session.expunge(user)
        login(session, user)
        session.commit()
        assert users.find(session, "ada").last_login is not None

    def test_a_receiver_that_fails_leaves_no_login_behind(
        self, session: Session, ada: UserPublic
    ) -> None:
        def fails(**named: Any) -> None:
            raise RuntimeError("closed")

        user = authenticate(session, username="ada", password="secret")
        assert user is not None
        with user_logged_in.connected_to(fails), pytest.raises(RuntimeError):
            login(session, user)
        session.rollback()
        assert users.find(session, "ada").last_login is None


class TestFailure:
    @pytest.mark.parametrize("username", ["ada", "zoe", "bob", "a b", "\udcff", ""])
    def test_receivers_are_told_the_same_whoever_it_was(
        self, session: Session, ada: UserPublic, username: str
    ) -> None:
        users.register(session, "bob", "bob@mail.com")
        session.commit()
        session.expunge_all()
        got: list[Any] = []

        def note(sender: Any, **named: Any) -> None:
            got.append((sender, named))

        given = {"username": username, "password": "hunter2", "otp": "12"}
        with (
            user_login_failed.connected_to(note),
            post_init.connected_to(note),
            verifications() as done,
        ):
            assert authenticate(session, **given) is None
        assert done == [RFC_9106_LOW_MEMORY]
        # And no instance was made, which would have told that there is such a user.
        assert got == [
            (
                authorization.__name__,
                {
                    "signal": user_login_failed,
                    "credentials": {"username": username, "password": STARS, "otp": "12"},
                    "request": None,
                    "session": session,
                },
            )
        ]

    @pytest.mark.usefixtures("quick_hashes")
    def test_the_sender_can_be_listened_to_alone(self, session: Session, ada: UserPublic) -> None:
        told: list[Any] = []

        def note(credentials: dict[str, Any], **named: Any) -> None:
            told.append(credentials["username"])

        with user_login_failed.connected_to(note, sender=authorization.__name__):
            authenticate(session, username="zoe", password="hunter2")
        assert told == ["zoe"]

    @pytest.mark.usefixtures("quick_hashes")
    def test_what_a_receiver_writes_is_the_sessions(
        self, session: Session, ada: UserPublic
    ) -> None:
        def count(credentials: dict[str, Any], session: Session, **named: Any) -> None:
            query = select(Profile).join(User).where(User.username == credentials["username"])
            session.exec(query).one().first_name += "x"

        with user_login_failed.connected_to(count):
            authenticate(session, username="ada", password="hunter2")
            authenticate(session, username="ada", password="hunter2")
        session.commit()
        assert users.find(session, "ada").profile.first_name == "xx"
