"""Mapped classes that are no SQLModel classes, one of each way to map one, made on the spot."""

import dataclasses
from collections.abc import Callable
from typing import Any

import sqlalchemy.orm
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapped,
    MappedAsDataclass,
    declarative_base,
    mapped_column,
    registry,
)

# Makes a class named Order, of a module, with a number and a name; an instance takes the name.
Make = Callable[[str], type[Any]]


def _body(module: str, **attributes: Any) -> dict[str, Any]:
    return {
        "__module__": module,
        "__qualname__": "Order",
        "__tablename__": "order",
        "__annotations__": {"id": Mapped[int], "name": Mapped[str]},
        "id": mapped_column(primary_key=True),
        "name": mapped_column(String, default=""),
        **attributes,
    }


def _dataclass_body(module: str) -> dict[str, Any]:
    return _body(
        module,
        id=mapped_column(primary_key=True, init=False),
        name=mapped_column(String, default=""),
    )


def _table(metadata: MetaData) -> Table:
    return Table("order", metadata, Column("id", Integer, primary_key=True), Column("name", String))


def declarative(module: str) -> type[Any]:
    base = type("Base", (DeclarativeBase,), {})
    return type("Order", (base,), _body(module))


def declarative_without_metaclass(module: str) -> type[Any]:
    base = type("Base", (DeclarativeBaseNoMeta,), {})
    return type("Order", (base,), _body(module))


def of_an_old_base(module: str) -> type[Any]:
    base = declarative_base()
    return type(base)("Order", (base,), _body(module))


def decorated(module: str) -> type[Any]:
    return registry().mapped(type("Order", (_Named,), _body(module)))


def declaratively(module: str) -> type[Any]:
    model = type("Order", (_Named,), _body(module))
    registry().map_declaratively(model)
    return model


def imperatively(module: str) -> type[Any]:
    model = type("Order", (_Named,), {"__module__": module})
    mapper_registry = registry()
    mapper_registry.map_imperatively(model, _table(mapper_registry.metadata))
    return model


def as_dataclass(module: str) -> type[Any]:
    base = type("Base", (MappedAsDataclass, DeclarativeBase), {})
    return type(base)("Order", (base,), _dataclass_body(module))


def decorated_as_dataclass(module: str) -> type[Any]:
    return registry().mapped_as_dataclass(type("Order", (), _dataclass_body(module)))


def decorated_with_options(module: str) -> type[Any]:
    decorate = registry().mapped_as_dataclass(unsafe_hash=True)
    return decorate(type("Order", (), _dataclass_body(module)))


def decorated_by_a_function(module: str) -> type[Any]:
    decorate = sqlalchemy.orm.mapped_as_dataclass(registry())
    return decorate(type("Order", (), _dataclass_body(module)))


def a_dataclass_before(module: str) -> type[Any]:
    mapper_registry = registry()
    body = {
        "__module__": module,
        "__table__": _table(mapper_registry.metadata),
        "__annotations__": {"id": int, "name": str},
        "id": dataclasses.field(init=False),
        "name": "",
    }
    return mapper_registry.mapped(dataclasses.dataclass(type("Order", (), body)))


def inherited(module: str) -> type[Any]:
    """With a table of its own besides its parent's."""
    base = type("Base", (DeclarativeBase,), {})
    parent_body = _body(module, __qualname__="Parent", __tablename__="parent")
    parent = type("Parent", (base,), parent_body)
    body = {
        "__module__": module,
        "__tablename__": "order",
        "__annotations__": {"id": Mapped[int]},
        "id": mapped_column(ForeignKey("parent.id"), primary_key=True),
    }
    return type("Order", (parent,), body)


class _Named:
    """What a class takes that is not given an initializer."""

    def __init__(self, name: str = "") -> None:
        self.name = name


ALL: list[Make] = [
    declarative,
    declarative_without_metaclass,
    of_an_old_base,
    decorated,
    declaratively,
    imperatively,
    as_dataclass,
    decorated_as_dataclass,
    decorated_with_options,
    decorated_by_a_function,
    a_dataclass_before,
    inherited,
]


def registry_of(model: type[Any]) -> registry:
    """The registry that a class was mapped with."""
    found: registry = sqlalchemy.inspect(model).registry
    return found
