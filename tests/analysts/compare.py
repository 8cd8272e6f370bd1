"""Answers the questions of docs/analysts.md by its SQL, in pandas and in polars, and compares the answers row by row.

    python tests/analysts/compare.py DATA

Prints the rows of each answer as JSON; ends with 1 and names the questions whose answers differ. tests/analysts.rs calls it.
"""

import decimal
import json
import os
import re
import sys
from pathlib import Path

# The programs read the data folder from the command line.
DATA = Path(sys.argv[1])
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs/analysts"))

import duckdb
import pyarrow as pa

import with_pandas
import with_polars


def statements():
    """The statements of each question, as the document has them."""
    sections = (ROOT / "docs/analysts.md").read_text().split("\n### ")[1:]
    return [re.findall(r"```sql\n(.*?)```", section, re.DOTALL) for section in sections]


def plain(value):
    """A value without the differences between the three libraries."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, float):
        return None if value != value else round(value, 6)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return [plain(item) for item in value] if isinstance(value, list) else value


def rows(table):
    """The names of the columns, and the rows in order."""
    return table.column_names, [tuple(plain(value) for value in row.values()) for row in table.to_pylist()]


def several(answer):
    return answer if isinstance(answer, tuple) else (answer,)


def main():
    connection = duckdb.connect()
    here = os.getcwd()
    os.chdir(DATA)
    connection.execute(Path("views.sql").read_text())
    by_sql = [[rows(connection.sql(block).to_arrow_table()) for block in blocks] for blocks in statements()]
    os.chdir(here)
    counts, different = [], []
    for number, expected in enumerate(by_sql, start=1):
        frames = several(with_pandas.QUESTIONS[number - 1]())
        in_pandas = [rows(pa.Table.from_pandas(frame, preserve_index=False)) for frame in frames]
        in_polars = [rows(frame.lazy().collect().to_arrow()) for frame in several(with_polars.QUESTIONS[number - 1]())]
        counts.append([len(answer) for _, answer in expected])
        for library, found in {"pandas": in_pandas, "polars": in_polars}.items():
            if found != expected:
                first = next((pair for pair in zip(expected, found) if pair[0] != pair[1]), (expected, found))
                different.append(f"question {number} in {library}: {str(first[0])[:600]}\nis not {str(first[1])[:600]}")
    print(json.dumps(counts))
    if different:
        sys.exit("\n".join(different))


if __name__ == "__main__":
    main()
