"""Columns of users in a table of PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, final

from fieldfare._optional import require
from fieldfare.exceptions import ConfigError, OutputError
from fieldfare.retrieval.id_map import id_text
from fieldfare.serving.stores.base import Features
from fieldfare.serving.stores.table import UserTable

_NUMBER = re.compile(r"-?[0-9]{1,19}")
_GONE_MS = 5000
# Type numbers (OID) of smallint, integer and bigint.
_INTEGERS = (20, 21, 23)
# By the start of Arrow's name; the rest, such as dates, are texts.
_TYPES = {
    "bool": "boolean",
    "int": "bigint",
    "uint": "numeric",
    "float": "double precision",
    "double": "double precision",
    "half": "double precision",
    "decimal": "numeric",
}


@final
class PostgresStore:
    """Columns of a table with one row per user; one query for a batch.

    Parameters
    ----------
    url : str
    table : str
        Its name, or schema and name with a dot between them.
    user : str
        The column of ids, which should have an index (as a primary key has).
    seconds : float or None
        How long PostgreSQL may take to connect and to answer.

    Raises
    ------
    ConfigError
        If the address is none.
    MissingDependencyError
        If the client is not installed.
    """

    name = "postgres"

    def __init__(self, url: str, table: str, user: str, seconds: float | None = None) -> None:
        self._psycopg = require("psycopg", "postgres")
        self._check(url)
        sql = self._psycopg.sql
        self._url, self._user, self._seconds = url, user, seconds
        self._table = sql.Identifier(*table.split(".", 1))
        self._connection: Any = None
        self._has_numbers = False
        self._query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%s)").format(
            self._table, sql.Identifier(user)
        )

    def _check(self, url: str) -> None:
        """Refuse what is no address, which is not repeated, since it may hold a password."""
        try:
            self._psycopg.conninfo.conninfo_to_dict(url)
        except self._psycopg.Error:
            raise ConfigError(
                "PostgreSQL has addresses like postgresql://USER:PASSWORD@HOST:5432/DATABASE. The "
                "one that was given cannot be read. In a password, write / as %2F, @ as %40, : as "
                "%3A and % as %25."
            ) from None

    def lookup(self, users: Sequence[Any]) -> list[Features | None]:
        """Return the columns of each user.

        Raises
        ------
        psycopg.Error
            If it does not answer; the next look-up connects anew.
        """
        texts = [id_text(user) for user in users]
        try:
            cursor = self._connected().execute(self._query, [self._keys(texts)])
            names = [column.name for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
        except self._psycopg.Error:
            self._disconnect()
            raise
        found = {id_text(row.pop(self._user)): row for row in rows}
        return [found.get(text) for text in texts]

    def put(self, users: UserTable, _: int | None = None) -> int:
        """Write a table of users, which takes the place of the one that is there, at once.

        Returns
        -------
        int
            How many users there are.

        Raises
        ------
        ConfigError
            If a column has lists of something else than texts.
        OutputError
            If PostgreSQL cannot be reached, or refuses; the table is then as it was.
        """
        sql, names = self._psycopg.sql, [self._user, *users.types]
        types = ["text PRIMARY KEY", *(_type(name, kind) for name, kind in users.types.items())]
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        declared = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
            for name, kind in zip(names, types, strict=True)
        )
        try:
            with self._psycopg.connect(self._url) as connection, connection.cursor() as cursor:
                cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self._table))
                cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(self._table, declared))
                copy = sql.SQL("COPY {} ({}) FROM STDIN").format(self._table, columns)
                with cursor.copy(copy) as writer:
                    for batch in users.batches():
                        for user, row in batch.items():
                            writer.write_row([user, *row.values()])
        except (self._psycopg.Error, OSError) as error:
            raise OutputError(
                f"PostgreSQL has not taken the users: {_first_line(error)}. Nothing was changed."
            ) from error
        return len(users)

    def close(self) -> None:
        self._disconnect()

    def _keys(self, texts: Sequence[str | None]) -> list[Any]:
        """Return the ids that the column can hold; any other would fail the query for all."""
        if not self._has_numbers:
            return [text for text in texts if text is not None and "\0" not in text]
        numbers = [int(text) for text in texts if text is not None and _NUMBER.fullmatch(text)]
        return [number for number in numbers if -(2**63) <= number < 2**63]

    def _connected(self) -> Any:
        if self._connection is None:
            options = {}
            if self._seconds is not None:
                milliseconds = max(1, int(1000 * self._seconds))
                options = {"options": f"-c statement_timeout={milliseconds}"}
            connection = self._psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=2,
                # A host that is gone without a word would otherwise be waited for for minutes.
                tcp_user_timeout=_GONE_MS,
                **options,
            )
            sql = self._psycopg.sql
            key = sql.SQL("SELECT {} FROM {} LIMIT 0").format(
                sql.Identifier(self._user), self._table
            )
            kind = connection.execute(key).description[0].type_code
            self._connection, self._has_numbers = connection, kind in _INTEGERS
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _first_line(error: Exception) -> str:
    """Return what went wrong, without the hints of the server on lines of their own."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".?")


def _type(name: str, kind: str) -> str:
    """Return the type of PostgreSQL for a type of Arrow.

    Raises
    ------
    ConfigError
        If a column has lists of something else than texts.
    """
    if "list" in kind:
        if "string" not in kind:
            raise ConfigError(
                f"A column of lists must hold texts to be written to PostgreSQL. {name!r} holds "
                f"{kind}."
            )
        return "text[]"
    return next((own for start, own in _TYPES.items() if kind.startswith(start)), "text")
