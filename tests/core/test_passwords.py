"""Passwords: hashed by Argon2, and never shown, neither they nor their hashes."""

import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col, select

from signalcli.core.models import User
from signalcli.core.passwords import Hash, checked_password, make_password, verify_password
from signalcli.db import Session, create_engine, pre_init
from signalcli.errors import InvalidValue
from signalcli.trace import Recorder, record
from tests import processes
from tests.core.verifications import verifications

OLD = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("secret")
ENCODED = f"$argon2id$v=19$m=65536,t=3,p=4${'A' * 22}${'A' * 43}"


class TestHashing:
    @pytest.mark.parametrize(
        "password",
        [" ", "a\0b\U0001f600\u202e", "p" * 4096],
        ids=["blank", "odd", "long"],
    )
    def test_any_text_is_a_password_and_no_other_matches(self, password: str) -> None:
        checked_password(password)
        encoded = make_password(password)
        assert encoded.startswith("$argon2id$v=19$")
        assert verify_password(password, encoded) == (True, False)
        assert verify_password(password[:-1], encoded) == (False, False)

    def test_each_has_a_salt_of_its_own_and_the_parameters_of_rfc_9106(self) -> None:
        first, second = make_password("secret"), make_password("secret")
        assert first != second
        assert extract_parameters(first) == extract_parameters(second) == RFC_9106_LOW_MEMORY

    def test_a_hash_with_other_parameters_is_good_but_due_to_be_made_anew(self) -> None:
        assert verify_password("secret", OLD) == (True, True)
        assert verify_password("other", OLD) == (False, False)

    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("", "is empty"),
            ("p" * 4097, "more than 4096"),
            ("hunter\udcff2", "no valid Unicode"),
        ],
        ids=["empty", "too long", "no Unicode"],
    )
    def test_what_cannot_be_one_is_refused_without_being_repeated(
        self, password: str, reason: str
    ) -> None:
        with pytest.raises(InvalidValue, match=reason) as refusal:
            checked_password(password)
        assert "pp" not in str(refusal.value)
        assert "hunter" not in str(refusal.value)
        # Nor does a traceback tell it.
        assert refusal.value.__suppress_context__ or refusal.value.__context__ is None

    def test_argon2_is_not_loaded_before_it_is_needed(self) -> None:
        code = (
            "import sys; from signalcli.core import authorization, passwords;"
            "print('argon2' in sys.modules); passwords.make_password('x');"
            "print('argon2' in sys.modules)"
        )
        run = processes.run([sys.executable, "-c", code])
        assert run.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("password", "encoded"),
    [
        ("wrong", ENCODED),
        ("secret", None),
        ("secret", ""),
        ("secret", "pbkdf2_sha256$1000000$salt$aGFzaA=="),
        ("secret", "Grüße"),
        ("\udcff", None),
        ("", None),
    ],
    ids=["wrong", "none", "empty", "foreign", "no hash", "surrogate", "no password"],
)
def test_whatever_is_wrong_argon2_verifies_once_with_the_parameters_of_today(
    password: str, encoded: str | None
) -> None:
    with verifications() as done:
        assert verify_password(password, encoded) == (False, False)
    assert done == [RFC_9106_LOW_MEMORY]


def test_a_damaged_hash_matches_nothing() -> None:
    assert verify_password("secret", "$argon2id$v=19$m=65536,t=3,p=4$damaged") == (False, False)


class TestHiding:
    @pytest.fixture
    def user(self, session: Session) -> User:
        user = User(username="ada", email="ada@mail.com")
        user.password = ENCODED
        session.add(user)
        session.commit()
        session.refresh(user)
        assert user.password == ENCODED
        return user

    def test_nothing_that_describes_or_dumps_a_user_tells_it(self, user: User) -> None:
        texts = [repr(user), str(user), str(user.model_dump()), user.model_dump_json()]
        assert [text for text in texts if "argon2" in text] == []
        assert "argon2" not in repr(vars(user))
        assert "argon2" not in repr(User(username="x", email="x@mail.com", password=ENCODED))

    def test_a_password_itself_does_not_pass_for_one(self) -> None:
        values = {"username": "eve", "email": "eve@mail.com", "date_joined": "2026-01-01"}
        assert User.model_validate(values | {"password": ENCODED}).password == ENCODED
        assert User.model_validate(values | {"password": None}).password is None
        with pytest.raises(ValidationError, match="no hash") as failure:
            User.model_validate(values | {"password": "hunter2"})
        assert "hunter2" not in str(failure.value)

    def test_what_receivers_of_loading_get_does_not_show_it(
        self, session: Session, user: User
    ) -> None:
        session.expunge_all()
        shown: list[str] = []

        def show(kwargs: dict[str, Any], **named: Any) -> None:
            shown.append(repr(kwargs))
            assert kwargs["password"] == ENCODED

        with pre_init.connected_to(show, sender=User):
            session.exec(select(User)).one()
        assert len(shown) == 1
        assert "argon2" not in shown[0]

    def test_no_trace_tells_it(self, session: Session, user: User) -> None:
        session.expunge_all()
        recorder = Recorder()
        with record(recorder):
            found = session.exec(select(User)).one()
            found.password = Hash(ENCODED[:-1])
            session.flush()
            User(username="eve", email="eve@mail.com", password=ENCODED)
            # Not all of it is loaded, so that it is described column by column.
            session.commit()
            assert found.username == "ada"
        told = [str(dispatch.arguments) for dispatch in recorder.trace.dispatches]
        assert any("'ada'" in text for text in told)
        assert any("update_fields': ['password']" in text for text in told)
        assert [text for text in told if "argon2" in text] == []

    def test_no_error_of_the_database_tells_it(self, session: Session, user: User) -> None:
        session.add(User(username="ada", email="other@mail.com", password=ENCODED))
        with pytest.raises(IntegrityError) as failure:
            session.flush()
        assert "other@mail.com" in str(failure.value)
        assert "argon2" not in str(failure.value)
        assert "argon2" not in repr(failure.value.params)

    def test_no_statement_that_is_logged_tells_it(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = create_engine(str(tmp_path / "echo.db"))
        SQLModel.metadata.create_all(engine, [User.__table__])
        with caplog.at_level(logging.DEBUG, "sqlalchemy.engine"), Session(engine) as session:
            statement = User.__table__.insert()
            values = {"username": "eve", "email": "eve@mail.com", "password": ENCODED}
            session.execute(statement.values(date_joined=User(**values).date_joined, **values))
            assert session.exec(select(User.password)).one() == ENCODED
            assert session.exec(select(User.id).where(col(User.password) == ENCODED)).one()
        engine.dispose()
        assert "eve@mail.com" in caplog.text
        assert "argon2" not in caplog.text
