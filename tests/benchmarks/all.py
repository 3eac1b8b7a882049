"""All benchmarks but the browser's, into figures/speed.csv, which README.md shows: `make bench`.

python tests/benchmarks/all.py
"""

import csv
import json

import environments
import fitting
import growth
import planning
import whole
from measure import matrix_rate, show

from damlite.results import pool, table1

COLUMNS = ("group", "size", "contender", "value", "unit", "times_the_first")


def main():
    found = show(planning.rows, fitting.rows, environments.rows, growth.rows, whole.rows)
    with (table1.STORED / "speed.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((*row[:3], f"{row[3]:.4g}", row[4], f"{row[5]:.4g}") for row in found)
    known = {"matrix_gflops": round(matrix_rate(), 1), "threads": 1, "hardware": pool.hardware()}
    (table1.STORED / "speed_settings.json").write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
