"""What can be done with users, and the signals that it sends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from signalcli.core import users
from signalcli.core.models import Profile, User, UserPublic
from signalcli.core.signals import create_profile, notification, show_notification, update_profile
from signalcli.core.users import UserExists, UserNotFound
from signalcli.db import (
    Session,
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
)
from signalcli.errors import InvalidValue
from signalcli.testing import Dispatches

SAVING = (pre_save, post_save)
DELETING = (pre_delete, post_delete)


@pytest.fixture
def ada(session: Session) -> UserPublic:
    account = users.register(session, "ada", "ada@mail.com", "Ada", "Byron")
    session.commit()
    return account


def profiles(session: Session) -> list[tuple[str, str, str]]:
    """Every profile: its user, first and last name."""
    found = session.exec(select(User.username, Profile.first_name, Profile.last_name).join(Profile))
    return sorted(tuple(row) for row in found)


class TestRegister:
    def test_the_user_and_the_profile_are_stored(self, session: Session) -> None:
        before = datetime.now(UTC).replace(tzinfo=None)
        account = users.register(session, "ada", "ada@mail.com", "Ada", "Byron")
        session.commit()
        assert (account.username, account.email) == ("ada", "ada@mail.com")
        assert (account.profile.first_name, account.profile.last_name) == ("Ada", "Byron")
        assert account.profile.profile_pic == "x"
        assert before - timedelta(seconds=1) <= account.date_joined <= before + timedelta(minutes=1)
        assert users.find(session, "ada") == account
        assert profiles(session) == [("ada", "Ada", "Byron")]

    def test_names_may_be_left_out(self, session: Session) -> None:
        account = users.register(session, "ada", "ada@mail.com")
        assert (account.profile.first_name, account.profile.last_name) == ("", "")

    def test_the_signals_come_in_their_order(
        self, session: Session, dispatches: Dispatches
    ) -> None:
        users.register(session, "ada", "ada@mail.com")
        session.commit()
        dispatches.assert_sequence(
            (pre_save, User),
            (post_save, User, {"created": True}),
            (pre_save, Profile),
            (post_save, Profile, {"created": True}),
            (notification, User),
        )
        dispatches.assert_not_sent(*DELETING)

    def test_the_profile_is_written_by_its_receiver(
        self, session: Session, dispatches: Dispatches
    ) -> None:
        users.register(session, "ada", "ada@mail.com")
        session.commit()
        dispatches.assert_sent(post_save, sender=Profile, caused_by=create_profile, times=1)
        dispatches.assert_not_sent(sender=Profile, caused_by=None)

    def test_instances_are_made_once_each(self, session: Session, dispatches: Dispatches) -> None:
        users.register(session, "ada", "ada@mail.com")
        session.commit()
        dispatches.assert_sequence((pre_init, User), (pre_init, Profile))

    @pytest.mark.usefixtures("without_receivers")
    def test_without_the_receivers_no_profile_is_written(
        self, session: Session, dispatches: Dispatches
    ) -> None:
        account = users.register(session, "ada", "ada@mail.com", "Ada")
        session.commit()
        dispatches.assert_sequence((pre_save, User), (post_save, User), (notification, User))
        assert profiles(session) == []
        assert (account.profile.first_name, account.profile.profile_pic) == ("", "x")

    def test_a_taken_name_is_refused_and_sends_nothing(
        self, session: Session, ada: UserPublic, dispatches: Dispatches
    ) -> None:
        with pytest.raises(UserExists, match="'ada'"):
            users.register(session, "ada", "other@mail.com")
        session.commit()
        dispatches.assert_not_sent(*SAVING, *DELETING, notification)
        assert users.find(session, "ada") == ada

    def test_a_name_that_looks_the_same_is_the_same(
        self, session: Session, ada: UserPublic
    ) -> None:
        with pytest.raises(UserExists):
            users.register(session, "\uff41da", "other@mail.com")
        assert users.find(session, "\uff41da") == ada

    def test_an_invalid_value_is_refused_before_anything_is_sent(
        self, session: Session, dispatches: Dispatches
    ) -> None:
        for arguments in (
            ("a b", "a@mail.com"),
            ("ada", "nowhere"),
            ("ada", "a@mail.com", "n" * 21),
        ):
            with pytest.raises(InvalidValue):
                users.register(session, *arguments)
        dispatches.assert_not_sent(*SAVING, *DELETING, notification)
        assert list(users.find_all(session)) == []

    def test_a_receiver_that_fails_leaves_nothing_behind(self, session: Session) -> None:
        def fails(**kwargs: Any) -> None:
            raise RuntimeError("no mail")

        with notification.connected_to(fails), pytest.raises(RuntimeError):
            users.register(session, "ada", "ada@mail.com")
        session.rollback()
        assert list(users.find_all(session)) == []
        assert profiles(session) == []


class TestUpdate:
    @pytest.mark.parametrize(
        "changes",
        [
            {"first_name": "Augusta"},
            {"first_name": "Augusta", "last_name": ""},
            {"email": "ada@new.com"},
            {"new_username": "augusta"},
            {"email": "ada@new.com", "last_name": "King", "new_username": "augusta"},
        ],
        ids=str,
    )
    def test_whatever_changes_the_signals_are_the_same_and_the_profile_is_saved_once(
        self,
        session: Session,
        ada: UserPublic,
        dispatches: Dispatches,
        changes: dict[str, str],
    ) -> None:
        account, is_changed = users.update(session, "ada", **changes)
        session.commit()
        assert is_changed
        dispatches.assert_sequence(
            (pre_save, User),
            (post_save, User, {"created": False}),
            (pre_save, Profile),
            (post_save, Profile, {"created": False}),
        )
        dispatches.assert_sent(post_save, sender=Profile, caused_by=update_profile)
        dispatches.assert_not_sent(*DELETING, notification)
        names = {"new_username": "username"}
        values = {**account.profile.model_dump(), **account.model_dump()}
        for name, value in changes.items():
            assert values[names.get(name, name)] == value
        assert account == users.find(session, account.username)
        assert account.date_joined == ada.date_joined

    def test_what_is_not_given_stays(self, session: Session, ada: UserPublic) -> None:
        account, _ = users.update(session, "ada", last_name="King")
        assert (account.username, account.email) == ("ada", "ada@mail.com")
        assert (account.profile.first_name, account.profile.last_name) == ("Ada", "King")

    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"email": "ada@mail.com"},
            {"email": "ada@MAIL.com"},
            {"new_username": "ada", "first_name": "Ada", "last_name": "Byron"},
        ],
        ids=str,
    )
    def test_an_update_that_changes_nothing_sends_nothing(
        self,
        session: Session,
        ada: UserPublic,
        dispatches: Dispatches,
        values: dict[str, str],
    ) -> None:
        assert users.update(session, "ada", **values) == (ada, False)
        session.commit()
        dispatches.assert_not_sent(*SAVING, *DELETING, notification)

    def test_without_the_receivers_no_profile_is_written(
        self,
        session: Session,
        ada: UserPublic,
        without_receivers: None,
        dispatches: Dispatches,
    ) -> None:
        users.update(session, "ada", first_name="Augusta", email="ada@new.com")
        session.commit()
        dispatches.assert_sequence((pre_save, User), (post_save, User))
        assert profiles(session) == [("ada", "Ada", "Byron")]

    def test_a_name_that_is_not_known_is_refused(self, session: Session) -> None:
        with pytest.raises(UserNotFound, match="'zoe'"):
            users.update(session, "zoe", email="zoe@mail.com")

    def test_a_taken_name_is_refused_and_sends_nothing(
        self, session: Session, ada: UserPublic, dispatches: Dispatches
    ) -> None:
        users.register(session, "bob", "bob@mail.com")
        session.commit()
        dispatches.clear()
        with pytest.raises(UserExists, match="'ada'"):
            users.update(session, "bob", new_username="ada", email="bob@new.com")
        session.commit()
        dispatches.assert_not_sent(*SAVING, *DELETING, notification)
        assert users.find(session, "bob").email == "bob@mail.com"

    def test_invalid_values_are_refused(self, session: Session, ada: UserPublic) -> None:
        for values in ({"new_username": ""}, {"email": ""}, {"last_name": "n" * 21}):
            with pytest.raises(InvalidValue):
                users.update(session, "ada", **values)
        assert users.find(session, "ada") == ada

    def test_a_user_without_a_profile_gets_one(self, session: Session) -> None:
        users.register(session, "old", "old@mail.com")
        session.delete(session.exec(select(Profile)).one())
        session.commit()
        assert profiles(session) == []
        account, is_changed = users.update(session, "old", first_name="Old")
        session.commit()
        assert is_changed
        assert account.profile.first_name == "Old"
        assert profiles(session) == [("old", "Old", "")]


class TestDelete:
    def test_the_user_and_the_profile_go(self, session: Session, ada: UserPublic) -> None:
        assert users.delete(session, "ada") == ada
        session.commit()
        assert list(users.find_all(session)) == []
        assert session.exec(select(Profile)).all() == []

    def test_the_signals_come_in_djangos_order(
        self, session: Session, ada: UserPublic, dispatches: Dispatches
    ) -> None:
        users.delete(session, "ada")
        session.commit()
        dispatches.assert_sequence(
            (pre_delete, Profile), (pre_delete, User), (post_delete, Profile), (post_delete, User)
        )
        dispatches.assert_not_sent(*SAVING, notification)

    def test_others_stay(self, session: Session, ada: UserPublic) -> None:
        users.register(session, "bob", "bob@mail.com")
        users.delete(session, "ada")
        session.commit()
        assert [account.username for account in users.find_all(session)] == ["bob"]
        assert [user for user, *_ in profiles(session)] == ["bob"]

    def test_a_name_that_is_not_known_is_refused(self, session: Session) -> None:
        with pytest.raises(UserNotFound, match="'zoe'"):
            users.delete(session, "zoe")


class TestNotify:
    def test_receivers_get_the_name_and_the_address(
        self, session: Session, ada: UserPublic, dispatches: Dispatches
    ) -> None:
        assert users.notify(session, "ada") == (ada, [])
        dispatches.assert_received(
            notification,
            by=show_notification,
            sender=User,
            username="ada",
            email="ada@mail.com",
            times=1,
        )

    def test_show_notification_prints_three_lines(
        self, session: Session, ada: UserPublic, capsys: pytest.CaptureFixture[str]
    ) -> None:
        capsys.readouterr()
        users.notify(session, "ada")
        sender, greeting, notified = capsys.readouterr().out.splitlines()
        assert "User" in sender
        assert "ada" in greeting
        assert "ada@mail.com" in greeting
        assert notified == "Notified"

    def test_a_failure_propagates_unless_it_is_robust(
        self, session: Session, ada: UserPublic, dispatches: Dispatches
    ) -> None:
        def fails(**kwargs: Any) -> None:
            raise RuntimeError("no mail")

        def follows(**kwargs: Any) -> None:
            """Does nothing."""

        with notification.connected_to(fails), notification.connected_to(follows):
            with pytest.raises(RuntimeError):
                users.notify(session, "ada")
            dispatches.assert_received(notification, by=fails)
            dispatches.assert_not_received(by=follows)
            account, failed = users.notify(session, "ada", robust=True)
            assert account == ada
            assert [(receiver, str(error)) for receiver, error in failed] == [(fails, "no mail")]
            dispatches.assert_received(notification, by=follows, times=1)

    def test_nothing_is_saved(
        self, session: Session, ada: UserPublic, dispatches: Dispatches
    ) -> None:
        users.notify(session, "ada")
        session.commit()
        dispatches.assert_sequence((notification, User))
        dispatches.assert_not_sent(*SAVING, *DELETING)

    def test_a_name_that_is_not_known_is_refused(
        self, session: Session, dispatches: Dispatches
    ) -> None:
        with pytest.raises(UserNotFound, match="'zoe'"):
            users.notify(session, "zoe")
        dispatches.assert_not_sent(*SAVING, *DELETING, notification)


class TestFind:
    def test_finding_makes_instances_only_when_asked_to(
        self, session: Session, ada: UserPublic, dispatches: Dispatches
    ) -> None:
        session.expunge_all()
        assert users.find(session, "ada") == ada
        assert list(users.find_all(session)) == [ada]
        dispatches.assert_not_sent(post_init)
        assert users.find(session, "ada", load=True) == ada
        dispatches.assert_sequence((post_init, User), (post_init, Profile))

    def test_users_come_in_the_order_in_which_they_registered(self, session: Session) -> None:
        for name in ("zoe", "ada", "max"):
            users.register(session, name, f"{name}@mail.com")
        assert [account.username for account in users.find_all(session)] == ["zoe", "ada", "max"]
        assert users.usernames(session, "", 2) == ["ada", "max"]

    def test_the_beginning_of_a_name_is_taken_as_it_is(self, session: Session) -> None:
        for name in ("a_b", "axb", "A_c"):
            users.register(session, name, "some@mail.com")
        assert users.usernames(session, "a_", 10) == ["a_b"]

    def test_names_are_told_apart_by_case(self, session: Session, ada: UserPublic) -> None:
        with pytest.raises(UserNotFound):
            users.find(session, "Ada")


class TestReceivers:
    def test_their_names_and_their_words_are_the_promised_ones(
        self, session: Session, capsys: pytest.CaptureFixture[str]
    ) -> None:
        users.register(session, "ada", "ada@mail.com")
        assert capsys.readouterr().out.splitlines()[0] == "Profile Created !"
        users.update(session, "ada", first_name="Ada")
        assert capsys.readouterr().out == "Profile Updated!\n"
        names = [entry.__name__ for entry in (create_profile, update_profile, show_notification)]
        assert names == ["create_profile", "update_profile", "show_notification"]

    def test_any_session_makes_profiles_not_only_the_commands(self, session: Session) -> None:
        session.add_all([User(username=name, email="some@mail.com") for name in "abc"])
        session.commit()
        assert [user for user, *_ in profiles(session)] == ["a", "b", "c"]

    def test_the_notification_provides_email_and_username(self) -> None:
        assert notification.providing_args == ("email", "username")
        assert notification.path == "signalcli.core.signals.notification"

    def test_a_profile_is_its_first_and_last_name(self) -> None:
        assert str(Profile(first_name="Ada", last_name="Byron")) == "Ada Byron"
        assert str(Profile(first_name="Ada", last_name="")) == "Ada"
        assert str(User(username="ada", email="ada@mail.com")) == "ada"
