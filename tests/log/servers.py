"""Databases of a test's own on the servers of this machine."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

# What Debian's packages listen on. Their administrators may make databases.
SERVERS = {
    "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "mariadb": "mysql+pymysql://root@127.0.0.1:3306/",
}


@contextmanager
def database_on(server: str) -> Iterator[str]:
    """The URL of an empty database, which is gone afterwards; a skip where there is no server."""
    url = make_url(SERVERS[server])
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 5},
    )
    name = f"signalcli_log_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except (SQLAlchemyError, ImportError) as error:
        pytest.skip(f"{server} cannot be reached: {error}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        forced = " WITH (FORCE)" if server == "postgresql" else ""
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}{forced}"))
