"""Families of models for the differential test: small groups, each mapped in one way of many.

A family is a few classes that belong together, with a registry and tables of its own. It is made
on demand, in one of three styles (SQLModel's, declarative, imperative), so that the same mapping
meets all of them. This module knows nothing of signalcli: the plain session's process has it, too.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, inspect
from sqlalchemy.exc import SADeprecationWarning
from sqlalchemy.orm import DeclarativeBase, Mapper, configure_mappers, registry, relationship
from sqlalchemy.orm import RelationshipProperty as RelationshipProperty
from sqlmodel import Field, Relationship, SQLModel

SQLMODEL, DECLARATIVE, IMPERATIVE = "sqlmodel", "declarative", "imperative"
ALL_STYLES = (SQLMODEL, DECLARATIVE, IMPERATIVE)
WITH_ORPHANS = "all, delete-orphan"


@dataclass
class Family:
    """Some models that belong together.

    Attributes:
        name: its name, with the style.
        metadata: its tables.
        classes: its models.
    """

    name: str
    metadata: MetaData
    classes: list[type[Any]] = field(default_factory=list)

    @property
    def tables(self) -> list[Table]:
        """The tables, those first that others refer to."""
        return list(self.metadata.sorted_tables)

    def mapper(self, place: int) -> Mapper[Any]:
        """The mapper of one of the models."""
        return inspect(self.classes[place])


class Maker:
    """Makes the models of one family in one style."""

    def __init__(self, name: str, style: str) -> None:
        self.style = style
        self.registry = registry()
        self.metadata = self.registry.metadata
        self.prefix = name.replace("-", "_")
        self.family = Family(name, self.metadata)
        self.by_name: dict[str, type[Any]] = {}
        self._base: Any = None

    def table_name(self, model: str) -> str:
        """The name of a model's table."""
        return f"{self.prefix}_{model.lower()}"

    def key(self, model: str, column: str = "id", **options: Any) -> ForeignKey:
        """A foreign key to a model's column."""
        return ForeignKey(f"{self.table_name(model)}.{column}", **options)

    def refer(self, model: str, column: str = "id", name: str = "", **options: Any) -> Column[Any]:
        """A column that refers to another model's."""
        foreign_key = {
            each: options.pop(each) for each in ("ondelete", "onupdate") if each in options
        }
        kind = String if column == "code" else Integer
        return Column(
            name or f"{model.lower()}_{column}",
            kind,
            self.key(model, column, **foreign_key),
            **options,
        )

    def related(self, model: str, **options: Any) -> RelationshipProperty[Any]:
        """A relationship to a model, which may be defined later."""
        return relationship(lambda: self.by_name[model], **options)

    def link(self, name: str, *columns: Column[Any]) -> Table:
        """A link table without a model."""
        return Table(self.table_name(name), self.metadata, *columns)

    def model(
        self,
        name: str,
        *columns: Column[Any],
        related: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        arguments: dict[str, Any] | None = None,
        base: type[Any] | None = None,
        table_arguments: Sequence[Any] = (),
        has_tag: bool = True,
        has_table: bool = True,
    ) -> type[Any]:
        """A model with the given columns, a number and (unless it says otherwise) a tag.

        Arguments:
            name: its name.
            columns: its columns.
            related: its relationships, by name.
            extra: further mapped attributes, by name.
            arguments: the arguments of its mapper.
            base: the model that it is derived from.
            table_arguments: constraints and the like.
            has_tag: whether it has a column by which an instance is known, and a number.
            has_table: whether it has a table of its own.
        """
        if not any(column.primary_key for column in columns) and base is None:
            columns = (Column("id", Integer, primary_key=True), *columns)
        if has_tag and base is None:
            columns = (*columns, Column("tag", String), Column("n", Integer))
        make = {
            SQLMODEL: self._sqlmodel,
            DECLARATIVE: self._declarative,
            IMPERATIVE: self._imperative,
        }[self.style]
        made = make(
            name,
            columns,
            related or {},
            extra or {},
            arguments or {},
            base,
            tuple(table_arguments),
            has_table,
        )
        self.by_name[name] = made
        self.family.classes.append(made)
        return made

    def _declarative(
        self,
        name: str,
        columns: Sequence[Column[Any]],
        related: dict[str, Any],
        extra: dict[str, Any],
        arguments: dict[str, Any],
        base: type[Any] | None,
        table_arguments: tuple[Any, ...],
        has_table: bool,
    ) -> type[Any]:
        if self._base is None:
            self._base = type("Base", (DeclarativeBase,), {"registry": self.registry})
        namespace: dict[str, Any] = {"__module__": __name__, **related, **extra}
        namespace |= {column.name: column for column in columns}
        if has_table:
            namespace["__tablename__"] = self.table_name(name)
            namespace["__table_args__"] = table_arguments
        if arguments:
            namespace["__mapper_args__"] = arguments
        return type(name, (base or self._base,), namespace)

    def _sqlmodel(
        self,
        name: str,
        columns: Sequence[Column[Any]],
        related: dict[str, Any],
        extra: dict[str, Any],
        arguments: dict[str, Any],
        base: type[Any] | None,
        table_arguments: tuple[Any, ...],
        has_table: bool,
    ) -> type[Any]:
        if self._base is None:
            self._base = type(SQLModel)(
                "Base", (SQLModel,), {"__module__": __name__}, registry=self.registry
            )
        namespace: dict[str, Any] = {
            "__module__": __name__,
            "__qualname__": name,
            "__tablename__": self.table_name(name),
            "__table_args__": table_arguments,
            "__annotations__": dict.fromkeys((column.name for column in columns), Any)
            | {
                # SQLModel takes it from the annotation whether there may be many.
                key: list[Any] if _is_plural(key) and value.uselist is not False else Any
                for key, value in related.items()
            },
        }
        if arguments:
            namespace["__mapper_args__"] = arguments
        namespace |= {c.name: Field(default=None, sa_column=c) for c in columns}
        namespace |= {key: Relationship(sa_relationship=value) for key, value in related.items()}
        made: Any = type(SQLModel)(name, (base or self._base,), namespace, table=True)
        for key, value in extra.items():
            inspect(made).add_property(key, value)
        return made  # type: ignore[no-any-return]

    def _imperative(
        self,
        name: str,
        columns: Sequence[Column[Any]],
        related: dict[str, Any],
        extra: dict[str, Any],
        arguments: dict[str, Any],
        base: type[Any] | None,
        table_arguments: tuple[Any, ...],
        has_table: bool,
    ) -> type[Any]:
        def initialize(self: Any, **values: Any) -> None:
            for key, value in values.items():
                setattr(self, key, value)

        made = type(name, (base or object,), {"__module__": __name__, "__init__": initialize})
        table = None
        if has_table:
            table = Table(self.table_name(name), self.metadata, *columns, *table_arguments)
        if base is not None:
            arguments = {"inherits": base, **arguments}
        self.registry.map_imperatively(made, table, properties={**related, **extra}, **arguments)
        return made


def _is_plural(name: str) -> bool:
    return name.endswith(("s", "children"))


Recipe = Callable[[Maker], None]
RECIPES: dict[str, tuple[str, Recipe]] = {}
GROUPS: dict[str, list[str]] = {}


def family(group: str, *styles: str) -> Callable[[Recipe], Recipe]:
    """Register a recipe for a family, in some styles, as part of a group of families."""

    def register(recipe: Recipe) -> Recipe:
        for style in styles or (DECLARATIVE,):
            name = recipe.__name__ if len(styles) < 2 else f"{recipe.__name__}-{style}"
            RECIPES[name] = (style, recipe)
            GROUPS.setdefault(group, []).append(name)
        return recipe

    return register


@cache
def family_of(name: str) -> Family:
    """A family, made when it is first asked for.

    Arguments:
        name: its name, as in :data:`RECIPES`.
    """
    style, recipe = RECIPES[name]
    maker = Maker(name, style)
    with warnings.catch_warnings():
        # Some ways of loading are on their way out.
        warnings.simplefilter("ignore", SADeprecationWarning)
        recipe(maker)
        configure_mappers()
    return maker.family


def parent_and_child(
    maker: Maker,
    *,
    down: dict[str, Any] | None,
    up: dict[str, Any] | None,
    **refer: Any,
) -> None:
    """A parent and a child that refers to it; each side's relationship, if there is one."""
    both = down is not None and up is not None
    children, parent = {}, {}
    if down is not None:
        options = {"back_populates": "parent"} if both else {}
        children = {"children": maker.related("Child", **options, **down)}
    if up is not None:
        options = {"back_populates": "children"} if both else {}
        parent = {"parent": maker.related("Parent", **options, **up)}
    maker.model("Parent", related=children)
    maker.model("Child", maker.refer("Parent", **refer), related=parent)
