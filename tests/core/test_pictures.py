"""Where profile pictures are kept, and when they come and go."""

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from signalcli.apps.tables import bring_up_to_date
from signalcli.core import users
from signalcli.core.models import Profile, User, UserPublic
from signalcli.core.signals import notification
from signalcli.core.users import UserExists
from signalcli.db import DatabaseUnusable, Session, post_delete, post_save, pre_save
from signalcli.db.engine import open_engine
from signalcli.db.lifetime import open_session
from signalcli.dispatch import Signal
from signalcli.errors import InvalidValue
from signalcli.testing import Dispatches
from tests.core import picture_files as files

NAME = re.compile(r"pics/[0-9a-f]{32}\.(png|jpg|gif|webp)")
OURS = "pics/0123456789abcdef0123456789abcdef.png"


@pytest.fixture
def red(tmp_path: Path) -> Path:
    return files.image_file(files.folder(tmp_path / "given") / "red.png")


@pytest.fixture
def blue(tmp_path: Path, red: Path) -> Path:
    return files.image_file(red.with_name("blue.jpg"), "JPEG", "blue")


@pytest.fixture
def pics(tmp_path: Path) -> Path:
    """The folder of the pictures, which is not there at first."""
    return tmp_path / "pics"


@pytest.fixture
def ada(session: Session, red: Path) -> UserPublic:
    account = users.register(session, "ada", "ada@mail.com", picture=red)
    session.commit()
    return account


def kept(pics: Path) -> list[bytes]:
    """The pictures that are there."""
    return [path.read_bytes() for path in pics.iterdir()] if pics.exists() else []


def fails(**kwargs: Any) -> None:
    raise RuntimeError


class TestRegister:
    @pytest.mark.parametrize("form", files.FORMATS)
    def test_the_file_is_there_before_the_commit_under_a_name_of_its_own(
        self, session: Session, tmp_path: Path, pics: Path, form: str
    ) -> None:
        given = files.image_file(tmp_path / "../ada's face.exe", form)
        account = users.register(session, "ada", "ada@mail.com", picture=given)
        assert NAME.fullmatch(account.profile.profile_pic)
        assert account.profile.profile_pic.endswith(files.FORMATS[form])
        assert (tmp_path / account.profile.profile_pic).read_bytes() == given.read_bytes()
        session.commit()
        assert kept(pics) == [given.read_bytes()]
        assert users.find(session, "ada").profile.profile_pic == account.profile.profile_pic
        given.unlink()

    def test_permissions_are_what_the_user_gives_new_files(
        self, session: Session, red: Path, pics: Path
    ) -> None:
        before = os.umask(0o027)
        try:
            users.register(session, "ada", "ada@mail.com", picture=red)
        finally:
            os.umask(before)
        (picture,) = pics.iterdir()
        assert (pics.stat().st_mode & 0o777, picture.stat().st_mode & 0o777) == (0o750, 0o640)

    @pytest.mark.parametrize("end", ["rollback", "close"])
    def test_without_a_commit_nothing_is_left(
        self, session: Session, red: Path, pics: Path, end: str
    ) -> None:
        users.register(session, "ada", "ada@mail.com", picture=red)
        assert len(kept(pics)) == 1
        getattr(session, end)()
        assert not pics.exists()

    def test_a_folder_that_was_there_stays(self, session: Session, red: Path, pics: Path) -> None:
        pics.mkdir()
        users.register(session, "ada", "ada@mail.com", picture=red)
        session.rollback()
        assert pics.exists()

    @pytest.mark.parametrize(
        ("signal", "sender"),
        [(pre_save, User), (post_save, User), (pre_save, Profile), (post_save, Profile)],
        ids=lambda value: getattr(value, "name", None) or value.__name__,
    )
    def test_a_receiver_that_fails_leaves_nothing_behind(
        self, session: Session, red: Path, pics: Path, signal: Signal, sender: type
    ) -> None:
        with signal.connected_to(fails, sender=sender), pytest.raises(RuntimeError):
            users.register(session, "ada", "ada@mail.com", picture=red)
        assert not pics.exists()

    def test_a_savepoint_that_is_rolled_back_takes_its_picture_along(
        self, session: Session, red: Path, blue: Path, pics: Path
    ) -> None:
        users.register(session, "ada", "ada@mail.com", picture=red)
        with session.begin_nested() as savepoint:
            users.register(session, "ben", "ben@mail.com", picture=blue)
            savepoint.rollback()
        session.commit()
        assert kept(pics) == [red.read_bytes()]

    def test_a_name_that_is_taken_leaves_nothing_behind(
        self, session: Session, ada: UserPublic, red: Path, blue: Path, pics: Path
    ) -> None:
        with pytest.raises(UserExists):
            users.register(session, "ada", "ada@mail.com", picture=blue)
        session.commit()
        assert kept(pics) == [red.read_bytes()]

    def test_a_picture_that_is_refused_is_refused_before_anything_is_sent(
        self, session: Session, tmp_path: Path, pics: Path, dispatches: Dispatches
    ) -> None:
        with pytest.raises(InvalidValue, match="cannot be read"):
            users.register(session, "ada", "ada@mail.com", picture=tmp_path / "nothing")
        dispatches.assert_not_sent("*_save", "*_delete", "*_init", notification)
        assert not pics.exists()
        assert not session.in_transaction()

    @pytest.mark.usefixtures("without_receivers")
    def test_a_picture_that_no_receiver_gives_to_a_profile_is_not_kept(
        self, session: Session, red: Path, pics: Path
    ) -> None:
        users.register(session, "ada", "ada@mail.com", picture=red)
        session.commit()
        assert kept(pics) == []

    def test_a_receiver_that_fails_after_all_was_written_decides_nothing_by_itself(
        self, session: Session, red: Path, pics: Path
    ) -> None:
        with notification.connected_to(fails), pytest.raises(RuntimeError):
            users.register(session, "ada", "ada@mail.com", picture=red)
        session.commit()
        assert kept(pics) == [red.read_bytes()]
        assert NAME.fullmatch(users.find(session, "ada").profile.profile_pic)


class TestUpdate:
    def test_the_old_picture_goes_after_the_commit(
        self,
        session: Session,
        ada: UserPublic,
        red: Path,
        blue: Path,
        tmp_path: Path,
        pics: Path,
    ) -> None:
        account, is_changed = users.update(session, "ada", picture=blue)
        assert is_changed
        assert sorted(kept(pics)) == sorted([red.read_bytes(), blue.read_bytes()])
        session.commit()
        assert kept(pics) == [blue.read_bytes()]
        assert (tmp_path / account.profile.profile_pic).exists()
        assert account.profile.profile_pic != ada.profile.profile_pic

    def test_without_a_commit_the_new_one_goes(
        self, session: Session, ada: UserPublic, red: Path, blue: Path, pics: Path
    ) -> None:
        users.update(session, "ada", picture=blue)
        session.rollback()
        assert kept(pics) == [red.read_bytes()]
        assert users.find(session, "ada").profile.profile_pic == ada.profile.profile_pic

    def test_a_first_picture_takes_the_place_of_the_default(
        self, session: Session, tmp_path: Path, red: Path
    ) -> None:
        (tmp_path / "x").write_text("no picture")
        users.register(session, "ada", "ada@mail.com")
        account, _ = users.update(session, "ada", picture=red)
        session.commit()
        assert NAME.fullmatch(account.profile.profile_pic)
        assert (tmp_path / "x").exists()

    def test_other_changes_leave_the_picture(
        self, session: Session, ada: UserPublic, red: Path, pics: Path
    ) -> None:
        account, _ = users.update(session, "ada", first_name="Ada")
        session.commit()
        assert account.profile.profile_pic == ada.profile.profile_pic
        assert kept(pics) == [red.read_bytes()]

    def test_the_same_picture_again_is_stored_anew(
        self, session: Session, ada: UserPublic, red: Path, pics: Path
    ) -> None:
        account, is_changed = users.update(session, "ada", picture=red)
        session.commit()
        assert is_changed
        assert account.profile.profile_pic != ada.profile.profile_pic
        assert kept(pics) == [red.read_bytes()]


class TestDelete:
    def test_the_picture_goes_after_the_commit(
        self, session: Session, ada: UserPublic, pics: Path
    ) -> None:
        users.delete(session, "ada")
        assert len(kept(pics)) == 1
        session.commit()
        assert kept(pics) == []

    def test_not_after_a_rollback(self, session: Session, ada: UserPublic, pics: Path) -> None:
        users.delete(session, "ada")
        session.rollback()
        with post_delete.connected_to(fails, sender=User), pytest.raises(RuntimeError):
            users.delete(session, "ada")
        session.commit()
        assert len(kept(pics)) == 1

    def test_it_goes_with_a_profile_that_is_deleted_by_itself(
        self, session: Session, ada: UserPublic, pics: Path
    ) -> None:
        profile = session.exec(select(Profile)).one()
        session.commit()
        # All that is known of the profile now is its key.
        session.delete(profile)
        session.commit()
        assert kept(pics) == []

    def test_a_picture_that_is_gone_already_is_no_problem(
        self, session: Session, ada: UserPublic, pics: Path
    ) -> None:
        for picture in pics.iterdir():
            picture.unlink()
        pics.rmdir()
        users.delete(session, "ada")
        session.commit()
        assert list(users.find_all(session)) == []


class TestFolder:
    def test_it_is_beside_the_database_wherever_the_process_goes(
        self, tmp_path: Path, red: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home, elsewhere = files.folder(tmp_path / "home"), files.folder(tmp_path / "elsewhere")
        monkeypatch.chdir(tmp_path)
        engine = open_engine("home/demo.db", writes=True, creates=True)
        with open_session(engine, on_begin=[bring_up_to_date]) as session:
            session.connection()
            monkeypatch.chdir(elsewhere)
            users.register(session, "ada", "ada@mail.com", picture=red)
            session.commit()
            assert kept(home / "pics") == [red.read_bytes()]
            users.delete(session, "ada")
            session.commit()
        engine.dispose()
        assert kept(home / "pics") == []
        assert list(elsewhere.iterdir()) == []

    @pytest.mark.parametrize("database", [":memory:", "sqlite://"])
    def test_a_database_in_no_file_has_none(
        self, red: Path, tmp_path: Path, dispatches: Dispatches, database: str
    ) -> None:
        before = set(tmp_path.iterdir())
        engine = open_engine(database, writes=True, creates=True)
        with (
            open_session(engine, on_begin=[bring_up_to_date]) as session,
            pytest.raises(InvalidValue, match="in none"),
        ):
            users.register(session, "ada", "ada@mail.com", picture=red)
        engine.dispose()
        dispatches.assert_not_sent("*_save", "*_delete", "*_init", notification)
        assert set(tmp_path.iterdir()) == before

    @pytest.mark.parametrize("kind", ["link", "file", "link to nothing"])
    def test_a_link_or_a_file_in_its_place_is_refused(
        self, session: Session, tmp_path: Path, red: Path, pics: Path, kind: str
    ) -> None:
        elsewhere = files.folder(tmp_path / "elsewhere")
        if kind == "file":
            pics.write_text("mine")
        else:
            pics.symlink_to(elsewhere if kind == "link" else tmp_path / "nowhere")
        with pytest.raises(InvalidValue, match="is a link or a file"):
            users.register(session, "ada", "ada@mail.com", picture=red)
        session.rollback()
        assert list(elsewhere.iterdir()) == []
        assert not (tmp_path / "nowhere").exists()
        assert os.path.lexists(pics)

    def test_a_link_that_took_its_place_is_not_followed_to_remove(
        self, session: Session, ada: UserPublic, tmp_path: Path, pics: Path
    ) -> None:
        elsewhere = pics.rename(tmp_path / "elsewhere")
        pics.symlink_to(elsewhere)
        users.delete(session, "ada")
        session.commit()
        assert len(kept(elsewhere)) == 1

    def test_a_disk_that_takes_no_more_leaves_nothing_behind(
        self, session: Session, tmp_path: Path, red: Path, pics: Path
    ) -> None:
        resource = pytest.importorskip("resource", reason="limits on files are Unix's")
        content = red.read_bytes() + b"\0" * 200_000
        red.write_bytes(content)
        session.connection()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(DatabaseUnusable, match=r"cannot be written in .*pics: File too"):
                users.register(session, "ada", "ada@mail.com", picture=red)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert kept(pics) == []


PARTS = st.sampled_from(
    [OURS, "pics/", "../", "/", ".", "victim.png", "pics/victim.png", "0" * 32, ".png", "\n", "x"]
)
NAMES = st.one_of(
    st.text(max_size=60),
    st.lists(PARTS, max_size=5).map("".join),
    st.from_regex(NAME).map(lambda name: name[:80]),
    st.integers(),
    st.binary(max_size=20),
)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Path]:
    """A folder with a database, and files that are nobody's business."""
    home = files.folder(tmp_path / "home")
    for name in ("victim.png", "demo.png", "home/victim.png", "home/x"):
        files.text(tmp_path / name, name)
    files.folder(home / "pics")
    for name in ("victim.png", "x", f"{'0' * 31}.png", f"{'A' * 32}.png", f"{'0' * 32}.exe"):
        files.text(home / "pics" / name, name)
    files.folder(home / "pics" / f"{'1' * 32}.png")
    (home / "pics" / f"{'2' * 32}.png").symlink_to(tmp_path / "victim.png")
    return home


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=NAMES)
@example(name="../../etc/passwd")
@example(name="/etc/hostname")
@example(name="pics/../victim.png")
@example(name="pics/victim.png")
@example(name=f"pics/{'1' * 32}.png")
@example(name=f"pics/{'2' * 32}.png")
@example(name=f"pics/{'0' * 31}.png")
@example(name=f"pics/{'A' * 32}.png")
@example(name=f"pics/{'0' * 32}.exe")
@example(name=OURS + "\n")
@example(name="pics/" + OURS)
def test_whatever_the_database_says_nothing_but_a_picture_of_ours_is_removed(
    crowd: Path, name: Any
) -> None:
    assume(not isinstance(name, int) or -(2**63) <= name < 2**63)
    database = crowd / "demo.db"
    database.unlink(missing_ok=True)
    engine = open_engine(str(database), writes=True, creates=True)
    with open_session(engine, on_begin=[bring_up_to_date]) as session:
        users.register(session, "ada", "ada@mail.com")
        session.commit()
        connection = sqlite3.connect(database)
        connection.execute("UPDATE core_profile SET profile_pic = ?", (name,))
        connection.commit()
        connection.close()
        before = {*crowd.parent.rglob("*")}
        users.delete(session, "ada")
        session.commit()
    engine.dispose()
    gone = {path for path in before - {*crowd.parent.rglob("*")} if "demo.db" not in path.name}
    assert gone == set()


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(
        st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1
    ).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)
)
@example(name="..png")
@example(name="-rf")
@example(name="~")
@example(name="a\nb.png")
@example(name="%s{0}$(x)`y`.png")
def test_whatever_a_file_is_called_its_copy_has_a_name_of_ours(crowd: Path, name: str) -> None:
    given_folder = crowd.parent / "given"
    given_folder.mkdir(exist_ok=True)
    given = files.image_file(given_folder / name)
    engine = open_engine(str(crowd / "demo.db"), writes=True, creates=True)
    with open_session(engine, on_begin=[bring_up_to_date]) as session:
        session.connection()
        before = {*crowd.parent.rglob("*")}
        account = users.register(session, "ada", "ada@mail.com", picture=given)
        assert NAME.fullmatch(account.profile.profile_pic)
        new = {*crowd.parent.rglob("*")} - before
        assert new == {crowd / account.profile.profile_pic}
        session.rollback()
    engine.dispose()
    given.unlink()
