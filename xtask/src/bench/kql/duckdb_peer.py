"""DuckDB as the benchmark's peer: reads one JSON object a line, answers with one.

First line: {"threads": N, "views": {NAME: [FILE, ...]}}. Then {"version": true}, or {"sql": TEXT, "fresh": BOOL}: the
query's result is stored in a temporary table, which is what is timed; its rows follow untimed, instants as microseconds.
"""

import datetime
import json
import resource
import sys
import time

import duckdb

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def processor_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def connect(setup):
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET threads TO {int(setup['threads'])}")
    connection.execute("SET TimeZone = 'UTC'")
    for name, files in setup["views"].items():
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)")
    return connection


def plain(value):
    if isinstance(value, datetime.datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return (moment - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value


def run(connection, sql):
    connection.execute("DROP TABLE IF EXISTS answer")
    started, spent = time.perf_counter(), processor_s()
    connection.execute(f"CREATE TEMP TABLE answer AS {sql}")
    wall, spent = time.perf_counter() - started, processor_s() - spent
    rows = connection.execute("SELECT * FROM answer").fetchall()
    return {"wall_s": wall, "processor_s": spent, "rows": [[plain(cell) for cell in row] for row in rows]}


def main():
    setup = json.loads(sys.stdin.readline())
    connection = connect(setup)
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if "version" in question:
                answer = {"version": duckdb.__version__}
            else:
                if question["fresh"]:
                    connection = connect(setup)
                answer = run(connection, question["sql"])
        except duckdb.Error as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


main()
