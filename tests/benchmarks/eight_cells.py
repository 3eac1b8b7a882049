"""Minutes for IcyRoad's eight cells with eight seeds on two processes.

python tests/benchmarks/eight_cells.py
"""

import time

from damlite import sweep


def main():
    started = time.perf_counter()
    road = {"IcyRoad": sweep.ROADS["IcyRoad"]}
    returns = sweep.run_table1(seeds=8, predicts=("state",), jobs=2, roads=road)
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes")
    print(sweep.summarise(returns).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
