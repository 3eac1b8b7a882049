"""Minutes for IcyRoad's eight cells with eight seeds on two processes.

python tests/benchmarks/eight_cells.py
"""

import time

from damlite.results import table1


def main():
    started = time.perf_counter()
    road = {"IcyRoad": table1.ROADS["IcyRoad"]}
    returns = table1.run_table1(seeds=8, predicts=("state",), jobs=2, roads=road)
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes")
    print(table1.summarise(returns).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
