"""Fixtures of the tests of objects: a shop that has something to sell, and samples of all types."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from shop.models import Category, Customer, DigitalProduct, Line, Order, Product, Tag
from sqlalchemy import Engine
from sqlmodel import SQLModel

from signalcli.db import Session, create_engine
from signalcli.dispatch import Signal
from tests.objects.app import Base, Connect


@pytest.fixture(scope="package")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with a stocked shop, which each test copies."""
    path = tmp_path_factory.mktemp("objects") / "stocked.db"
    engine = create_engine(path)
    tables = SQLModel.metadata.sorted_tables
    SQLModel.metadata.create_all(engine, [each for each in tables if each.name.startswith("shop_")])
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        new, old = Tag(slug="new"), Tag(slug="old", colour="grey")
        novels = Category(name="Novels", parent=Category(name="Books"))
        book = Product(sku="A1", price="1.50", stock=5, category=novels, tags=[new, old])
        ada = Customer(email="ada@mail.com", name="Ada")
        order = Order(customer=ada, number="2026-1")
        order.lines.append(Line(position=1, product=book, quantity=2))
        session.add_all([order, Customer(email="bob@mail.com")])
        session.flush()
        session.add(DigitalProduct(sku="D1", url="https://mail.com/d", kind="digital"))
        session.commit()
    engine.dispose()
    return path


@pytest.fixture
def engine(stocked: Path, tmp_path: Path) -> Iterator[Engine]:
    """A stocked shop of the test's own."""
    engine = create_engine(shutil.copy(stocked, tmp_path / "shop.db"))
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on the test's own shop."""
    with Session(engine) as session:
        yield session


@pytest.fixture(scope="module")
def shared(stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A stocked shop for many examples, none of which commits."""
    engine = create_engine(shutil.copy(stocked, tmp_path_factory.mktemp("shared") / "shop.db"))
    yield engine
    engine.dispose()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connects a receiver to a signal for the test, held strongly."""
    connected: list[tuple[Signal, object, object]] = []

    def connect(signal: Signal, receiver: object, sender: object = None) -> None:
        signal.connect(receiver, sender=sender, weak=False)
        connected.append((signal, receiver, sender))

    yield connect
    for signal, receiver, sender in connected:
        signal.disconnect(receiver, sender)
