"""Count one uploaded file in a process of its own: a request on stdin, an answer on stdout.

Runs as a script with nothing but the standard library and DuckDB, in the upload's folder,
without the server's environment, unable to write a file and easy to kill: what a hostile
file can do to its reader, it does here. Answers are JSON: ``{"groups": …}``,
``{"place": …}`` or ``{"refused": …, …}``. DuckDB's own messages quote rows of the file and
never leave this process.
"""

from __future__ import annotations

import csv
import io
import json
import re
import resource
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "512MB"
ADDRESS_SPACE = 4 << 30
HEADER_LIMIT = 1 << 20
FIELD_LIMIT = 4 << 20
COLUMN_LIMIT = 1000
GROUP_LIMIT = 5000

# What a column of a Parquet file may hold; nested, binary and other values are no groups.
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)")
_TEXT = re.compile(rf"{_NUMBER.pattern}|VARCHAR|ENUM\(.*\)|BOOLEAN|DATE")

Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 - an answer, not a fault of the worker
    """The file is not counted: ``kind`` is ``column``, ``malformed``, ``value`` or ``large``."""

    def __init__(self, kind: str, detail: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(detail)
        self.answer: Json = {"refused": kind, "detail": detail, **more}


class Source(ABC):
    """An open file: ``columns`` by name, ``scan`` to read it from, ``unit`` to point into it."""

    unit: str
    scan: str
    columns: list[str]

    def __init__(self, name: str) -> None:
        self.name = name
        self.connection = connect(name)

    @abstractmethod
    def text(self, column: str) -> str:
        """Write the SQL of a column as text, NULL where the value is missing."""

    def code(self, column: str) -> str:
        """Write the SQL of a decision or label as text; a boolean is 1 or 0."""
        return self.text(column)

    @abstractmethod
    def number(self, column: str) -> tuple[str, str]:
        """Write the SQL of a column as a number, and the type to compare it in."""

    @abstractmethod
    def find(self, column: str, value: str | None) -> int | None:
        """Find the first line or row, from 1, with ``value``; None: with none."""

    def rows(self, query: str, *values: object) -> list[Any]:
        """Run ``query``; its ``scan`` takes the name first."""
        return self.connection.execute(query, [self.name, *values]).fetchall()


class CsvSource(Source):
    """Comma-separated text, RFC 4180 in UTF-8. The columns are read as text, none guessed."""

    unit = "line"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.columns = _header(name)
        types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(self.columns)))
        self.scan = (
            "read_csv(?, auto_detect = false, header = true, delim = ',', quote = '\"',"
            f" escape = '\"', columns = {{{types}}})"
        )

    def text(self, column: str) -> str:
        return f"c{self.columns.index(column)}"

    def number(self, column: str) -> tuple[str, str]:
        return f"try_cast({self.text(column)} as double)", "double"

    def find(self, column: str, value: str | None) -> int | None:
        """Read again with Python's reader: it knows lines where values hold line breaks."""
        csv.field_size_limit(FIELD_LIMIT)
        index = self.columns.index(column)
        with Path(self.name).open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            before = reader.line_num
            for record in reader:
                if record and record[index : index + 1] == [value or ""]:
                    return before + 1
                before = reader.line_num
        return None


class ParquetSource(Source):
    """Parquet: types are the file's own, and only flat ones are read."""

    unit = "row"
    scan = "read_parquet(?, hive_partitioning = false, filename = false, file_row_number = true)"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        described = self.rows(f"describe select * exclude (file_row_number) from {self.scan}")  # noqa: S608
        self.types = {row[0]: str(row[1]) for row in described}
        self.columns = list(self.types)

    def text(self, column: str) -> str:
        self._check(column, _TEXT, "text, whole numbers or categories")
        return f"cast({_quoted(column)} as varchar)"

    def code(self, column: str) -> str:
        if self.types[column] == "BOOLEAN":
            return f"cast(cast({_quoted(column)} as tinyint) as varchar)"
        return self.text(column)

    def number(self, column: str) -> tuple[str, str]:
        self._check(column, _NUMBER, "numbers")
        kind = "float" if self.types[column] == "FLOAT" else "double"
        return f"cast({_quoted(column)} as {kind})", kind

    def find(self, column: str, value: str | None) -> int | None:
        where = f"{self.text(column)} is not distinct from ?"
        query = f"select file_row_number + 1 from {self.scan} where {where} limit 1"  # noqa: S608
        found = self.rows(query, value)
        return int(found[0][0]) if found else None

    def _check(self, column: str, allowed: re.Pattern[str], wanted: str) -> None:
        kind = self.types[column]
        if not allowed.fullmatch(kind):
            name = kind if len(kind) < 60 else "a nested type"  # noqa: PLR2004 - a line of text
            raise Refused("column", f"holds {name}, not {wanted}", column=column)


def answer(request: Json) -> Json:
    """Count, or find a value; ``request`` is what ``counting`` writes."""
    import duckdb

    try:
        source = open_source(request["name"])
        if "find" in request:
            return {"place": source.find(*request["find"]), "unit": source.unit}
        return count(source, request)
    except Refused as refused:
        return refused.answer
    except (duckdb.OutOfMemoryException, MemoryError):
        return Refused("large", f"grouping needs more than {MEMORY}: too many values").answer
    except duckdb.Error as error:
        return _broken(str(error)).answer


def open_source(name: str) -> Source:
    with Path(name).open("rb") as file:
        magic = file.read(4)
    return ParquetSource(name) if magic == b"PAR1" else CsvSource(name)


def count(source: Source, request: Json) -> Json:
    """Group by attributes, label and decision, all as text; a score decides "1" or "0"."""
    named = [*request["attributes"], *filter(None, [request["label"]]), request["decision"]]
    for column in named:
        if column not in source.columns:
            raise Refused("column", "no such column", column=column, columns=source.columns[:20])
    more: Json = {}
    if request["mode"] == "prediction":
        decision = source.code(request["decision"])
    else:
        decision, more = _decided_by_score(source, request)
    keys = [source.text(column) for column in request["attributes"]]
    keys.append(source.code(request["label"]) if request["label"] else "cast(null as varchar)")
    groups = source.rows(
        f"select {', '.join(keys)}, {decision} as decision, count(*)"  # noqa: S608 - quoted
        f" from {source.scan} group by all limit {GROUP_LIMIT + 1}"
    )
    if len(groups) > GROUP_LIMIT:
        raise Refused("large", f"over {GROUP_LIMIT} combinations of values: too many to group")
    if request["mode"] != "prediction" and any(group[-2] is None for group in groups):
        _refuse_score(source, request["decision"], decision)
    return {"groups": [list(group) for group in groups], "unit": source.unit, **more}


def _decided_by_score(source: Source, request: Json) -> tuple[str, Json]:
    """Compare in the column's own precision: a stored float32 .7 meets a threshold of .7."""
    score, kind = source.number(request["decision"])
    if request["mode"] == "score":
        compared, more = f"{score} >= cast({_literal(request['threshold'])} as {kind})", {}
    else:
        score = f"cast({score} as double)"
        ((median,),) = source.rows(f"select median({score}) from {source.scan}")  # noqa: S608
        compared, more = f"{score} > cast('{median}' as double)", {"median": median}
        if median is None:
            compared = "null"
    return f"case when isfinite({score}) then if({compared}, '1', '0') end", more


def _refuse_score(source: Source, column: str, decision: str) -> None:
    raw = source.text(column)
    ((value,),) = source.rows(
        f"select {raw} from {source.scan} where ({decision}) is null limit 1"  # noqa: S608
    )
    place = source.find(column, value)
    detail = "the score is missing" if value is None else "not a finite number"
    raise Refused("value", detail, column=column, value=value, place=place, unit=source.unit)


def connect(name: str) -> DuckDBPyConnection:
    """Open a database that can read ``name`` and nothing else; the order matters."""
    import duckdb

    off = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": MEMORY, **off})
    # DuckDB 2.0 would move try_cast into its CSV reader, where a bad value ends the query
    # instead of becoming NULL.
    connection.execute("set disabled_optimizers = 'type_pushdown'")
    connection.execute("set temp_directory = ''")
    connection.execute(f"set allowed_paths = [{_literal(name)}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _header(name: str) -> list[str]:
    """Read the first record ourselves: DuckDB, asked to guess, turns rubbish into one column."""
    with Path(name).open("rb") as file:
        head = file.read(HEADER_LIMIT)
    text = head.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error:
        raise Refused("malformed", "the header cannot be read", place=1, unit="line") from None
    if re.search("[\ud800-\udfff]", "".join(header)):
        raise Refused("malformed", "neither Parquet nor UTF-8 text", place=1, unit="line")
    if not header:
        raise Refused("malformed", "the file is empty or begins with an empty line")
    if len(header) > COLUMN_LIMIT:
        raise Refused("malformed", f"{len(header)} columns, more than {COLUMN_LIMIT}")
    if len(set(header)) < len(header):
        raise Refused("malformed", "the header names a column twice", place=1, unit="line")
    return header


def _broken(message: str) -> Refused:
    """Say what DuckDB found, without the row that it quotes."""
    line = re.search(r"CSV Error on Line: (\d+)", message)
    found = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if found:
        detail = f"{found[2]} values in a line, where the header names {found[1]}"
    elif "unterminated quote" in message:
        detail = "a quoted value does not end where it should"
    elif "not utf-8" in message:
        detail = "not UTF-8 text"
    elif "Maximum line size" in message:
        detail = "a line of more than 2 MB"
    elif "state machine" in message:
        detail = "line ends of more than one kind, or quotes that RFC 4180 does not know"
    else:
        detail = "the file breaks off or is not what its first bytes say"
    place = {"place": int(line[1]), "unit": "line"} if line else {}
    return Refused("malformed", detail, **place)


def _literal(text: str) -> str:
    return _quoted(text, "'")


def _quoted(name: str, mark: str = '"') -> str:
    return mark + name.replace(mark, mark * 2) + mark


def main() -> None:
    """Give up what is not needed, then answer one request."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    json.dump(answer(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
