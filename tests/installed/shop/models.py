"""What a shop keeps."""

import warnings
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Optional
from uuid import UUID, uuid4

from pydantic import field_validator, model_validator
from sqlalchemy import JSON, CheckConstraint, UniqueConstraint
from sqlalchemy.orm import validates
from sqlmodel import Field, Relationship, SQLModel


class Level(IntEnum):
    """How good a customer is."""

    NEW = 1
    REGULAR = 2


class Status(Enum):
    """How far an order is."""

    OPEN = "open"
    PAID = "paid"


class Customer(SQLModel, table=True):
    """Who orders."""

    __tablename__ = "shop_customer"

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(max_length=40, unique=True)
    name: str = ""
    level: Level = Level.NEW
    password: str | None = Field(default=None, max_length=20)
    born: date | None = None
    newsletter: bool = False

    orders: list["Order"] = Relationship(back_populates="customer")

    def __str__(self) -> str:
        return self.email

    @field_validator("email")
    @classmethod
    def small(cls, email: str) -> str:
        if "@" not in email:
            raise ValueError("an address has an @")
        return email.lower()

    @field_validator("password")
    @classmethod
    def hashed(cls, password: str | None) -> str | None:
        """Hashing again what is hashed would lock the customer out."""
        return password and f"hash-{password}"


class Category(SQLModel, table=True):
    """Where products stand; a tree."""

    __tablename__ = "shop_category"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    parent_id: int | None = Field(default=None, foreign_key="shop_category.id")

    parent: Optional["Category"] = Relationship(
        back_populates="children", sa_relationship_kwargs={"remote_side": "Category.id"}
    )
    children: list["Category"] = Relationship(back_populates="parent")


class ProductTag(SQLModel, table=True):
    """Which product has which tag."""

    __tablename__ = "shop_product_tag"

    product_id: int = Field(foreign_key="shop_product.id", primary_key=True)
    tag_slug: str = Field(foreign_key="shop_tag.slug", primary_key=True)


class Tag(SQLModel, table=True):
    """What is known by a text."""

    __tablename__ = "shop_tag"

    slug: str = Field(primary_key=True, max_length=30)
    colour: str | None = None

    products: list["Product"] = Relationship(back_populates="tags", link_model=ProductTag)


class Product(SQLModel, table=True):
    """What is sold."""

    __tablename__ = "shop_product"
    __table_args__ = (CheckConstraint("stock >= 0", name="stock_is_not_negative"),)
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "product"}

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(default="product", max_length=20)
    sku: str = Field(max_length=12, unique=True)
    price: Decimal = Field(default=Decimal(0), max_digits=8, decimal_places=2, ge=0)
    stock: int = 0
    weight: float | None = None
    category_id: int | None = Field(default=None, foreign_key="shop_category.id")

    category: Category | None = Relationship()
    tags: list[Tag] = Relationship(back_populates="products", link_model=ProductTag)
    lines: list["Line"] = Relationship(back_populates="product")

    @validates("weight")
    def light(self, key: str, weight: float | None) -> float | None:
        if weight is not None and weight > 1000:
            raise ValueError("too heavy to send")
        return weight


# SQLModel leaves models that are derived from one with a table to SQLAlchemy; and what it made of
# the annotations of relationships would trouble Pydantic there.
for _name in Product.__sqlmodel_relationships__:
    del Product.__annotations__[_name]


def _map_to_its_own_table(model: type[SQLModel], *own: str) -> None:
    (parent,) = model.__bases__
    for name in model.model_fields:
        if name not in own and name in model.__dict__:
            type.__delattr__(model, name)
        if name in parent.model_fields and name not in model.__annotations__:
            # It has the parent's column for a default.
            model.model_fields[name] = parent.model_fields[name]
    model.model_rebuild(force=True)
    SQLModel._sa_registry.map_declaratively(model)


with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # of fields that are meant to be others

    class DigitalProduct(Product, table=True):
        """What is sent by wire; a table joined to that of all products."""

        __tablename__ = "shop_digital_product"
        __mapper_args__ = {"polymorphic_identity": "digital"}

        id: int | None = Field(default=None, primary_key=True, foreign_key="shop_product.id")
        kind: str = Field(default="digital", max_length=20)
        url: str
        size: int = Field(default=0, ge=0)


_map_to_its_own_table(DigitalProduct, "id", "url", "size")


class Order(SQLModel, table=True):
    """What somebody wants; its lines go with it."""

    __tablename__ = "shop_order"

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="shop_customer.id")
    number: str = Field(default="", unique=True)
    status: Status = Status.OPEN
    ordered: date = date(2026, 1, 1)
    delivered: date | None = None

    customer: Customer = Relationship(back_populates="orders")
    lines: list["Line"] = Relationship(back_populates="order", cascade_delete=True)

    @model_validator(mode="after")
    def in_this_order(self) -> "Order":
        if self.delivered is not None and self.delivered < self.ordered:
            raise ValueError("delivered before it was ordered")
        return self


class Line(SQLModel, table=True):
    """So many of a product; known by two columns."""

    __tablename__ = "shop_line"

    order_id: int | None = Field(default=None, foreign_key="shop_order.id", primary_key=True)
    position: int = Field(primary_key=True)
    product_id: int = Field(foreign_key="shop_product.id")
    quantity: int = Field(default=1, gt=0)

    order: Order = Relationship(back_populates="lines")
    product: Product = Relationship(back_populates="lines")


class Coupon(SQLModel, table=True):
    """What makes it cheaper; known by a UUID."""

    __tablename__ = "shop_coupon"
    __table_args__ = (UniqueConstraint("series", "number"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    series: str
    number: int
    percent: int = Field(default=10, ge=1, le=100)
    rules: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    days: list[int] = Field(default_factory=list, sa_type=JSON)
    seal: bytes | None = None
    until: datetime | None = None
