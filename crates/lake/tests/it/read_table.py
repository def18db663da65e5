"""Reads the column `Text` of a Delta table with the readers that are installed; one JSON line per reader.

Usage: read_table.py TABLE_DIRECTORY. Exit code 77: no reader is installed.
"""

import json
import pathlib
import sys


def with_deltalake(table: pathlib.Path) -> list[str]:
    """The official Python package, which follows checkpoints and the log by itself."""
    import deltalake

    rows = deltalake.DeltaTable(str(table))
    if hasattr(rows, "to_pyarrow_table"):
        try:
            return rows.to_pyarrow_table(columns=["Text"]).column("Text").to_pylist()
        except ImportError:
            pass
    return deltalake.QueryBuilder().register("t", rows).execute('SELECT "Text" FROM t').read_all()["Text"].to_pylist()


def with_duckdb(table: pathlib.Path) -> list[str]:
    """DuckDB on the active Parquet files, which the JSON commits name."""
    import duckdb

    active: dict[str, None] = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                active[action["add"]["path"]] = None
            if "remove" in action:
                active.pop(action["remove"]["path"])
    files = [str(table / path) for path in active]
    rows = duckdb.execute("SELECT Text FROM read_parquet(?, hive_partitioning = true)", [files]).fetchall()
    return [row[0] for row in rows]


def main() -> int:
    table = pathlib.Path(sys.argv[1])
    read = 0
    for reader in (with_deltalake, with_duckdb):
        try:
            texts = reader(table)
        except ImportError:
            continue
        print(json.dumps({"reader": reader.__name__, "texts": texts}))
        read += 1
    return 0 if read else 77


sys.exit(main())
