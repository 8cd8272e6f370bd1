"""Runs pipeline.sql with DuckDB: run.py EXPORTS OUT AS_OF [THREADS]. Prints seconds."""

import pathlib
import sys
import time

import duckdb

exports, out, as_of = sys.argv[1:4]
text = pathlib.Path(__file__).with_name("pipeline.sql").read_text()
text = text.replace("EXPORTS", exports).replace("OUT/", out + "/").replace("$as_of", f"'{as_of}'")
begun = time.monotonic()
connection = duckdb.connect()
if len(sys.argv) > 4:
    connection.execute(f"set threads = {int(sys.argv[4])}")
connection.execute(text)
print(f"{time.monotonic() - begun:.2f}")
