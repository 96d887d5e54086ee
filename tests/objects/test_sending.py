"""Signals are found by name and sent with arguments given by text."""

import collections.abc
from typing import Any

import pytest
from sqlalchemy import Engine

from signalcli.apps import AmbiguousModel, Apps
from signalcli.db import Session, post_save
from signalcli.errors import InvalidValue, NotFound
from signalcli.objects.operations import create
from signalcli.objects.sending import Sent, find_sender, find_signal, send
from tests.objects import app
from tests.objects.app import Connect, Place, Sample, said

APP = "tests.objects.app"


@pytest.fixture(scope="module")
def installed() -> Apps:
    """A registry of the tests' own app."""
    registry = Apps()
    registry.populate([APP])
    return registry


class Noting:
    """A receiver that keeps what it was sent, and answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []

    def __call__(self, signal: Any, **kwargs: Any) -> str:
        self.got.append(kwargs)
        return "noted"


@pytest.fixture
def noting(connect: Connect) -> Noting:
    noting = Noting()
    for signal in (app.opened, app.closed, app.anything, app.touched):
        connect(signal, noting)
    return noting


class TestSignals:
    @pytest.mark.parametrize("name", ["opened", "app.opened", f"{APP}.opened"])
    def test_by_any_end_of_the_name(self, installed: Apps, name: str) -> None:
        assert find_signal(name, installed) is app.opened

    def test_those_of_signalcli_are_always_there(self, installed: Apps) -> None:
        assert find_signal("post_save", installed) is post_save

    def test_several_of_one_name_are_told_apart_by_a_longer_one(self, installed: Apps) -> None:
        with pytest.raises(InvalidValue) as refused:
            find_signal("moved", installed)
        assert str(refused.value) == (
            f"there are several signals called moved: {APP}.moved, {APP}.Crane.moved"
        )
        assert find_signal("Crane.moved", installed) is app.Crane.moved

    def test_a_close_name_is_proposed(self, installed: Apps) -> None:
        with pytest.raises(NotFound) as refused:
            find_signal("openned", installed)
        assert str(refused.value) == (
            "there is no signal 'openned'; did you mean opened? "
            "`signalcli signals` shows what there is"
        )
        with pytest.raises(NotFound, match="there is no signal 'ened'; "):
            find_signal("ened", installed)

    def test_those_of_other_apps_are_not_there(self) -> None:
        with pytest.raises(NotFound):
            find_signal("opened", Apps())


class TestSenders:
    @pytest.mark.parametrize("name", ["Sample", "app.Sample", f"{APP}.Sample", "sample"])
    def test_a_model(self, installed: Apps, name: str) -> None:
        assert find_sender(name, installed) is Sample

    @pytest.mark.parametrize(
        ("name", "sender"),
        [
            (f"{APP}.Crane", app.Crane),
            (f"{APP}.Crane.moved", app.Crane.moved),
            (f"{APP}.said", said),
            ("collections.abc", collections.abc),
        ],
    )
    def test_an_object_in_an_imported_module(
        self, installed: Apps, name: str, sender: object
    ) -> None:
        assert find_sender(name, installed) is sender

    @pytest.mark.parametrize(
        "name",
        [
            f"{APP}.nothing",
            f"{APP}.Crane.nothing",
            f"{APP}.Crane.mro",
            f"{APP}.APPS.x.y",
            "no.such",
            "x",
            ".",
            "",
        ],
    )
    def test_what_is_neither(self, installed: Apps, name: str) -> None:
        with pytest.raises(NotFound, match="neither a model nor an object in an imported module"):
            find_sender(name, installed)

    def test_models_of_the_same_name(self) -> None:
        registry = Apps()
        registry.populate([APP, "tests.objects.twin"])
        with pytest.raises(AmbiguousModel, match=r"write app\.Place or twin\.Place"):
            find_sender("Place", registry)
        assert find_sender("twin.Place", registry) is not Place


class TestSending:
    def test_arguments_are_passed_on(
        self, session: Session, installed: Apps, noting: Noting
    ) -> None:
        sent = send(session, "opened", said("shelf=top", "width:=[1]"), installed=installed)
        assert sent == Sent(f"{APP}.opened", None, 1, [])
        assert noting.got == [{"sender": None, "shelf": "top", "width": [1]}]

    def test_any_arguments_go_where_the_signal_names_none(
        self, session: Session, installed: Apps, noting: Noting
    ) -> None:
        send(session, "anything", said("x=1", "instance=2"), sender="Sample", installed=installed)
        assert noting.got == [{"sender": Sample, "x": "1", "instance": "2"}]

    def test_an_object_is_loaded_by_its_key(
        self, session: Session, engine: Engine, installed: Apps, noting: Noting
    ) -> None:
        place = create(session, Place, said("row=a", "seat=b"))
        for word in ("instance=a,b", 'instance:=["a","b"]'):
            send(session, "touched", said(word), sender="app.Place", installed=installed)
        assert noting.got == 2 * [
            {"sender": Place, "instance": place, "session": session, "using": str(engine.url)}
        ]

    def test_an_instance_of_no_model_is_passed_on(
        self, session: Session, installed: Apps, noting: Noting
    ) -> None:
        for sender in (None, f"{APP}.Crane"):
            send(session, "touched", said("instance=1"), sender=sender, installed=installed)
        assert [got["instance"] for got in noting.got] == ["1", "1"]

    @pytest.mark.parametrize("robust", [False, True])
    def test_a_receiver_that_raises(
        self,
        session: Session,
        installed: Apps,
        connect: Connect,
        noting: Noting,
        caplog: pytest.LogCaptureFixture,
        robust: bool,
    ) -> None:
        error, after = InvalidValue("no luck"), Noting()

        def refuse(**kwargs: Any) -> None:
            raise error

        connect(app.closed, refuse)
        connect(app.closed, after)
        if robust:
            sent = send(session, "closed", {}, robust=True, installed=installed)
            assert (sent.responses, sent.failed) == (3, [(refuse, error)])
        else:
            with pytest.raises(InvalidValue) as raised:
                send(session, "closed", {}, installed=installed)
            assert raised.value is error
        assert (len(noting.got), len(after.got)) == (1, robust)

    def test_an_error_that_is_returned_is_no_failure(
        self, session: Session, installed: Apps, connect: Connect
    ) -> None:
        connect(app.closed, lambda **kwargs: InvalidValue("an answer"))
        assert send(session, "closed", {}, installed=installed).failed == []

    @pytest.mark.parametrize(
        ("signal", "words", "message"),
        [
            ("closed", ["x=1"], "closed has no argument 'x'; it provides none"),
            ("opened", ["shelf=1", "x=1"], "no argument 'x'; it provides shelf, width"),
            ("opened", [], "opened also provides shelf, width; give name=value"),
            ("opened", ["width=1"], "opened also provides shelf; give name=value"),
            ("touched", ["instance=1", "session=1"], "the argument session is given by signalcli"),
            ("anything", ["sender=1"], "the argument sender is given by signalcli itself"),
            ("anything", ["self=1"], "the argument self is given by signalcli itself"),
            ("anything", ["signal=1"], "the argument signal is given by signalcli itself"),
            ("touched", ["instance=1"], "'1' is no key of app.Place: give row,seat"),
        ],
    )
    def test_wrong_arguments_reach_nobody(
        self,
        session: Session,
        installed: Apps,
        noting: Noting,
        signal: str,
        words: list[str],
        message: str,
    ) -> None:
        with pytest.raises(InvalidValue, match=message):
            send(session, signal, said(*words), sender="Place", installed=installed)
        assert noting.got == []

    def test_an_object_that_is_not_there(
        self, session: Session, installed: Apps, noting: Noting
    ) -> None:
        with pytest.raises(NotFound, match=r"^there is no app\.Place 'a,b'$"):
            send(session, "touched", said("instance=a,b"), sender="Place", installed=installed)
        assert noting.got == []
