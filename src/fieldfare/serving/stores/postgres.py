"""Columns of users in a table of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

from fieldfare._optional import require
from fieldfare.exceptions import ConfigError, OutputError
from fieldfare.retrieval.id_map import id_text
from fieldfare.serving.stores.base import Features

# Type numbers (OID) of smallint, integer and bigint.
_INTEGERS = (20, 21, 23)
_TYPES = ((bool, "boolean"), (int, "bigint"), (float, "double precision"))


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
    MissingDependencyError
        If the client is not installed.
    """

    name = "postgres"

    def __init__(self, url: str, table: str, user: str, seconds: float | None = None) -> None:
        self._psycopg = require("psycopg", "postgres")
        sql = self._psycopg.sql
        self._url, self._user, self._seconds = url, user, seconds
        self._table = sql.Identifier(*table.split(".", 1))
        self._connection: Any = None
        self._has_numbers = False
        self._query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%s)").format(
            self._table, sql.Identifier(user)
        )

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

    def put(self, batches: Iterable[Mapping[str, Features]], _: int | None = None) -> int:
        """Write a table of users, which takes the place of the one that is there, at once.

        Returns
        -------
        int
            How many users there are.

        Raises
        ------
        OutputError
            If PostgreSQL cannot be reached, or refuses; the table is then as it was.
        """
        sql, n = self._psycopg.sql, 0
        try:
            with self._psycopg.connect(self._url) as connection, connection.cursor() as cursor:
                for batch in batches:
                    if not n:
                        names = list(next(iter(batch.values())))
                        self._create(cursor, names, batch)
                        columns = sql.SQL(", ").join(map(sql.Identifier, [self._user, *names]))
                        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(self._table, columns)
                    with cursor.copy(copy) as writer:
                        for user, row in batch.items():
                            writer.write_row([user, *row.values()])
                    n += len(batch)
        except (self._psycopg.Error, OSError) as error:
            raise OutputError(
                f"PostgreSQL has not taken the users: {str(error).strip()}. Nothing was changed."
            ) from error
        return n

    def close(self) -> None:
        self._disconnect()

    def _create(self, cursor: Any, names: Sequence[str], batch: Mapping[str, Features]) -> None:
        """Replace the table by an empty one, with the types of the first users."""
        sql = self._psycopg.sql
        columns = [sql.SQL("{} text PRIMARY KEY").format(sql.Identifier(self._user))]
        for name in names:
            values = [row[name] for row in batch.values()]
            columns.append(sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_type(values))))
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self._table))
        cursor.execute(
            sql.SQL("CREATE TABLE {} ({})").format(self._table, sql.SQL(", ").join(columns))
        )

    def _keys(self, texts: Sequence[str | None]) -> list[Any]:
        if not self._has_numbers:
            return [text for text in texts if text is not None]
        return [int(text) for text in texts if text is not None and text.lstrip("-").isdigit()]

    def _connected(self) -> Any:
        if self._connection is None:
            options = {}
            if self._seconds is not None:
                milliseconds = max(1, int(1000 * self._seconds))
                options = {"options": f"-c statement_timeout={milliseconds}"}
            connection = self._psycopg.connect(
                self._url, autocommit=True, connect_timeout=2, **options
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


def _type(values: Sequence[Any]) -> str:
    """Return the type of a column that holds these values.

    Raises
    ------
    ConfigError
        If it holds lists of something else than texts.
    """
    known = [value for value in values if value is not None]
    if any(isinstance(value, list) for value in known):
        cells = [cell for value in known for cell in value]
        if not all(isinstance(cell, str) for cell in cells):
            raise ConfigError("A column of lists must hold texts to be written to PostgreSQL.")
        return "text[]"
    for kind, name in _TYPES:
        if known and all(type(value) is kind for value in known):
            return name
    return "text"
