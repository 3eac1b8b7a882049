"""The ledger: verdicts by hand, the stored ones recomputed from the raw returns, and how often chance makes one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import damlite as dl
from damlite.results import claims, table1
from damlite.results.claims import CLAIMS, FIGURE2_CLAIMS, UNREALISTIC, ledger, unrealistic_mass

OTHERS = [f"Gaussian {method}" for method in dl.METHODS] + [f"mixture {m}" for m in ("baseline", "minvar", "disc")]
HYPOTHESES = [  # the words of the claim, its cell, the other, on which side it claims to be, the tolerance / optimum
    *(("obtains the best results", "mixture dam", other, "above", 0) for other in OTHERS),
    ("our proposed approach improves", "Gaussian dam", "Gaussian baseline", "above", 0),
    ("our proposed approach improves", "mixture dam", "mixture baseline", "above", 0),
    ("often worse", "Gaussian minvar", "Gaussian baseline", "below", 0),
    ("often worse", "mixture minvar", "mixture baseline", "below", 0),
    ("already increases performance", "Gaussian disc", "Gaussian baseline", "above", 0),
    ("does not help", "Gaussian dam", "Gaussian disc", "below", 1 / 18),
    ("it does help", "mixture dam", "mixture disc", "above", 0),
]
TESTS = ["p_welch", "p_bootstrap", "p_permutation", "p_mann_whitney"]
DRAWS = 10_000
FOLDERS = sorted(path.parent for path in table1.STORED.rglob("claims.csv"))  # one for each recipe


def table(cells, **columns):
    """A table of returns from runs by (model, method)."""
    parts = [
        pd.DataFrame({"model": model, "method": method, "run": range(len(runs)), "return": runs})
        for (model, method), runs in cells.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(**{"road": "IcyRoad", "predict": "state", "round": 0, **columns})


def all_cells(draw):
    return {(model, method): draw(model, method) for model in table1.MODELS for method in dl.METHODS}


def bells(means, spread=1.0, runs=20, seed=0):
    """Normal runs about means by cell, 5 by default, each cell's mean exactly there."""
    rng = np.random.default_rng(seed)
    noise = all_cells(lambda *_: rng.normal(size=runs))
    return {cell: means.get(cell, 5.0) + spread * (x - x.mean()) / x.std(ddof=1) for cell, x in noise.items()}


def said(judged, words, cell=None):
    """Verdict and firmness of the claim that says so."""
    by_claim = claims.verdicts(judged)
    chosen = by_claim[by_claim["claim"].str.contains(words) & (by_claim["cell"] == (cell or by_claim["cell"]))]
    assert len(chosen) == 1
    return chosen["verdict"].iloc[0], bool(chosen["firm"].iloc[0])


@pytest.mark.parametrize(
    ("shift", "better", "no_help", "helps"),
    [
        (3, ("reproduced", True), ("not reproduced", True), ("reproduced", True)),
        (0.4, ("undecided", False), ("undecided", False), ("undecided", False)),
        (-3, ("not reproduced", True), ("reproduced", True), ("not reproduced", True)),
    ],
)
def test_verdicts(shift, better, no_help, helps):
    """Three cells moved alike: Gaussian disc on the baseline, both dam on their disc; the tolerance is 0.5."""
    means = {("Gaussian", "disc"): 5 + shift, ("Gaussian", "dam"): 5 + 2 * shift, ("mixture", "dam"): 5 + shift}
    judged = ledger(table(bells(means)), resamples=1999)
    assert said(judged, "already increases") == better
    assert said(judged, "does not help") == no_help
    assert said(judged, "it does help") == helps
    row = judged[judged["claim"].str.contains("does not help")].iloc[0]
    assert row[["difference", "tolerance"]].tolist() == pytest.approx([shift, 0.5], abs=0.002)


def test_a_tolerance_is_what_is_tested_against_and_moves_no_interval():
    rng = np.random.default_rng(0)
    x, y = rng.normal(1, size=20), rng.normal(size=20)
    plain, strict = (claims._tested(x, y, tolerance, 200) for tolerance in (0.0, 0.5))
    numbers = [name for name in plain if not name.startswith("p_") and name != "agree"]
    assert {"difference", "low", "high", "boot_low", "boot_high", "improvement"} <= set(numbers)
    assert [strict[name] for name in numbers] == pytest.approx([plain[name] for name in numbers])
    assert all(strict[name] > plain[name] for name in TESTS)
    assert max(plain["low"], plain["boot_low"]) < plain["difference"] < min(plain["high"], plain["boot_high"])


def test_a_small_gain_is_no_help_within_the_tolerance():
    judged = ledger(table(bells({("Gaussian", "dam"): 5.1, ("mixture", "dam"): 5.1}, spread=0.1)), resamples=1999)
    assert said(judged, "does not help") == ("reproduced", True)
    assert said(judged, "it does help")[0] == "reproduced"


@pytest.mark.parametrize(
    ("better", "expected"),
    [((), ("reproduced", True)), ((("Gaussian", "disc"),), ("not reproduced", True)), ("equal", ("undecided", False))],
)
def test_best_is_better_than_each(better, expected):
    means = {("mixture", "dam"): 8.0}
    means |= {("Gaussian", "disc"): 8.0} if better == "equal" else dict.fromkeys(better, 11.0)
    assert said(ledger(table(bells(means)), resamples=1999), "best") == expected


def test_seven_chances_are_corrected():
    """A gap to one of seven that alone would show: p = 0.03 is 0.21 among seven, and 0.36 among all twelve."""
    gap = stats.t.ppf(1 - 0.015, 38) * (2 / 20) ** 0.5
    means = {("mixture", method): 5 + gap for method in ("baseline", "minvar", "disc")}
    rows = ledger(table(bells(means)), resamples=99)
    best = rows[rows["claim"].str.contains("best") & (rows["other"] == "mixture disc")].iloc[0]
    alone = rows[rows["claim"].str.contains("it does help")].iloc[0]
    assert best["p_welch"] == alone["p_welch"] == alone["p_claim"] == pytest.approx(0.03, abs=1e-4)
    assert best["p_claim"] == pytest.approx(0.21, abs=1e-3)
    assert (best["verdict"], alone["verdict"]) == ("undecided", "not reproduced")
    assert not alone["firm"] and alone["p_table"] > 0.2


def test_what_another_test_would_turn_round_is_not_firm():
    """Most runs a little below, some far above: the mean says more, a run by itself most often less."""
    rare = np.r_[np.full(28, 29.0), np.full(12, 100.0)] + np.linspace(0, 0.5, 40)
    cells = all_cells(lambda *_: 30 + np.linspace(0, 0.5, 40)) | {("Gaussian", "disc"): rare}
    judged = ledger(table(cells), resamples=1999)
    row = judged[judged["claim"].str.contains("already increases")].iloc[0]
    assert row[TESTS].max() < 0.005 and row["improvement_high"] < 0.5 < row["low"]
    assert (row["verdict"], row["firm"]) == ("reproduced", False)


def test_each_recipe_and_kind_of_prediction_is_a_table_of_its_own():
    """The rows of the recipes together are those of each alone."""
    first, second = table(bells({("mixture", "dam"): 6.0})), table(bells({}, seed=1), predict="velocity")
    masses = pd.read_csv(table1.STORED / "figure2_masses.csv")
    both = pd.concat([first.assign(recipe="our"), first.assign(recipe="paper"), second.assign(recipe="paper")])
    judged = ledger(both, masses, resamples=199)
    assert list(judged.columns[:3]) == ["recipe", "predict", "road"]
    alone = {"state": ledger(first, resamples=199), "velocity": ledger(second, resamples=199)}
    for (recipe, predict), part in judged.groupby(["recipe", "predict"]):
        if recipe != "own":
            found = part.drop(columns="recipe").reset_index(drop=True)
            pd.testing.assert_frame_equal(found, alone[predict])
            assert (part["family"] == 12).all()
    assert (judged["recipe"] == "own").sum() == len(FIGURE2_CLAIMS) == 2
    assert len(judged) == 3 * len(HYPOTHESES) + 2 and judged.index.tolist() == list(range(len(judged)))
    figure2 = judged[judged["recipe"] == "own"]
    assert figure2["cell"].tolist() == ["Gaussian sampled", "Gaussian weighted"]
    assert (figure2[["source", "predict", "road"]] == ["Fig. 2", "velocity", "IcyRoad"]).all(axis=None)
    assert (figure2["tolerance"] == 0.1).all()
    counted = claims.counts(judged).set_index(["recipe", "predict", "claim"])
    assert (counted["of"].groupby(["recipe", "predict"]).sum() == [8, 2, 8, 8]).all()
    assert (counted[["reproduced", "undecided", "not reproduced"]].sum(axis=1) == counted["of"]).all()


def test_the_order_of_rows_is_that_of_the_paper():
    """By table and road, whichever come first in the returns, then by its sentences."""
    given = [
        table(bells({}), road=road, predict=predict) for predict in ("velocity", "state") for road in ("mine", "her")
    ]
    judged = ledger(pd.concat(given), resamples=19)
    tables = [("state", "her"), ("state", "mine"), ("velocity", "her"), ("velocity", "mine")]
    assert list(dict.fromkeys(zip(judged["predict"], judged["road"], strict=True))) == tables
    said = list(dict.fromkeys(claim.quote for claim in CLAIMS if not claim.tolerance))
    for listed in (judged, claims.verdicts(judged), claims.counts(judged)):
        assert list(dict.fromkeys(listed["claim"])) == said
        assert listed.index.tolist() == list(range(len(listed)))


def test_rows_in_any_order_and_returns_of_any_type_of_number_have_one_ledger():
    returns = table(bells({}, spread=3.0, runs=7))
    returns["return"] = returns["return"].round().abs()
    for other in (returns.sample(frac=1, random_state=1), returns.astype({"return": "uint8"})):
        pd.testing.assert_frame_equal(ledger(other, resamples=99), ledger(returns, resamples=99))
        pd.testing.assert_frame_equal(table1.summarise(other), table1.summarise(returns))


def test_two_runs_are_enough_and_numbers_are_rounded():
    """To three digits, shares to five, and chances to three that count; a small one is not 0."""
    judged = ledger(table(bells({("mixture", "dam"): 500.0}, runs=2)), resamples=19)
    assert len(judged) == len(HYPOTHESES)
    for numbers, digits in (("low", 3), ("boot_high", 3), ("tolerance", 3), ("improvement", 5)):
        assert judged[numbers].tolist() == judged[numbers].round(digits).tolist()
    judged = ledger(table(bells({("mixture", "dam"): 500.0}, runs=7, seed=2)), resamples=19)
    assert judged["low"].tolist() == judged["low"].round(3).tolist()
    assert judged["improvement"].tolist() == judged["improvement"].round(5).tolist()
    least = judged["p_welch"].min()
    assert 0 < least < 1e-6 and float(f"{least:.3g}") == least


def test_a_road_without_a_known_optimum_has_no_claim_with_a_tolerance():
    judged = ledger(table(bells({}), road="mine"), resamples=99)
    assert len(judged) == len(HYPOTHESES) - 1 and (judged["tolerance"] == 0).all()
    assert judged[["paper_difference", "paper_low", "paper_high"]].isna().all(axis=None)


def test_too_few_runs_are_named():
    few = bells({}) | {("Gaussian", "minvar"): np.ones(1)}
    with pytest.raises(ValueError, match="returns must hold at least 2 runs of Gaussian minvar on IcyRoad, got 1"):
        ledger(table(few))
    del few["Gaussian", "minvar"]
    with pytest.raises(ValueError, match="got 0"):
        ledger(table(few))


def test_counts_by_hand():
    judged = claims.ledger(table1.load(), resamples=199)
    by_claim = claims.verdicts(judged)
    counted = claims.counts(judged).set_index(["predict", "claim"])
    kinds = ["reproduced", "undecided", "not reproduced", "reproduced_firmly", "not_reproduced_firmly"]
    assert [*counted.columns] == ["source", "of", *kinds]
    for (predict, words), row in counted.iterrows():
        chosen = by_claim[(by_claim["predict"] == predict) & (by_claim["claim"] == words)]
        assert row["of"] == len(chosen) == (4 if "often" in words or "improves" in words else 2)
        firm = chosen[chosen["firm"]]["verdict"].tolist()
        for kind in ("reproduced", "not reproduced"):
            assert row[kind] == chosen["verdict"].tolist().count(kind)
            assert row[f"{kind.replace(' ', '_')}_firmly"] == firm.count(kind)


def test_chance_alone_makes_few_verdicts():
    """Eight cells of one piled distribution, 100 times: errors in at most 5 % (and five standard errors).

    Without the correction they would be more. "Does not help" is right where there is no difference.
    """
    rng, tables = np.random.default_rng(8), 100
    best, firm, uncorrected = (np.zeros(tables, dtype=bool) for _ in range(3))
    for i in range(tables):
        cells = all_cells(lambda *_: np.where(rng.random(12) < 0.4, 3.0, rng.gamma(2.0, 2.0, 12)))
        judged = ledger(table(cells), resamples=499)
        wrong = judged["verdict"] == np.where(judged["tolerance"] > 0, "not reproduced", judged["verdict"])
        wrong &= judged["verdict"] != "undecided"
        best[i] = (wrong & judged["claim"].str.contains("best")).any()
        firm[i] = (wrong & judged["firm"]).any()
        uncorrected[i] = (judged["p_welch"][judged["tolerance"] == 0] < 0.05).any()
    most = 0.05 + 5 * (0.05 * 0.95 / tables) ** 0.5
    assert max(best.mean(), firm.mean()) <= most < uncorrected.mean()


def by_loop(p):
    """Holm's adjusted p-values, one after the other."""
    adjusted, least = {}, 0.0
    for rank, i in enumerate(sorted(p, key=p.get)):
        least = adjusted[i] = max(least, min(1.0, (len(p) - rank) * p[i]))
    return adjusted


def check_difference(row, x, y, rng):
    """One stored row against its raw runs: each number in another way, drawn ones by other draws."""
    difference, errors = x.mean() - y.mean(), (x.var(ddof=1) / len(x), y.var(ddof=1) / len(y))
    assert row["difference"] == pytest.approx(difference, abs=0.002)
    freedom = sum(errors) ** 2 / sum(error**2 / (len(runs) - 1) for error, runs in zip(errors, (x, y), strict=True))
    reach = stats.t.ppf(0.975, freedom) * sum(errors) ** 0.5
    assert (row["low"], row["high"]) == pytest.approx((difference - reach, difference + reach), abs=0.002)
    over = difference - row["tolerance"]
    assert row["p_welch"] == pytest.approx(2 * stats.t.sf(abs(over) / sum(errors) ** 0.5, freedom), rel=0.02)
    drawn = rng.choice(x, (DRAWS, len(x))).mean(1) - rng.choice(y, (DRAWS, len(y))).mean(1)
    ends = np.quantile(drawn, [0.025, 0.975])
    for end, own in zip((row["boot_low"], row["boot_high"]), ends, strict=True):
        assert abs(end - own) < 0.15 * sum(errors) ** 0.5 + 0.002
    left, right = (drawn <= row["tolerance"]).mean(), (drawn >= row["tolerance"]).mean()
    assert same_chance(row["p_bootstrap"], min(1, 2 * min(left, right)), 2)
    pooled, n = rng.permuted(np.tile(np.r_[x - row["tolerance"], y], (DRAWS, 1)), axis=1), len(x)
    spread = (pooled[:, :n].var(1, ddof=1) / n + pooled[:, n:].var(1, ddof=1) / len(y)) ** 0.5
    dealt = abs(pooled[:, :n].mean(1) - pooled[:, n:].mean(1)) / spread
    assert same_chance(row["p_permutation"], (dealt >= abs(over) / sum(errors) ** 0.5 - 1e-9).mean(), 1)
    pairs = (x[:, None] - y).ravel()
    assert row["improvement"] == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean(), abs=0.001)
    ranks = stats.rankdata(np.r_[x - row["tolerance"], y])
    middle, mean = ranks[:n].sum() - n * (n + 1) / 2, n * len(y) / 2
    spread = (n * len(y) / (len(ranks) * (len(ranks) - 1)) * ((ranks - ranks.mean()) ** 2).sum()) ** 0.5
    z = max(0.0, abs(middle - mean) - 0.5) / spread
    assert row["p_mann_whitney"] == pytest.approx(min(1, 2 * stats.norm.sf(z)), rel=0.02)
    return (difference > row["tolerance"]) == (middle > mean)


def same_chance(p, own, sides):
    """Whether two p-values, each from about DRAWS draws, agree to five standard errors and what few draws can tell."""
    share = min((p + own) / 2 / sides, 1.0)  # pooled: what is rare may not have been drawn once
    return abs(p - own) < sides * (5 * (2 * share * (1 - share) / DRAWS) ** 0.5 + 4 / DRAWS)


def check_verdicts(rows, agree):
    """One table's corrected p-values, verdicts and firmness, from the uncorrected ones."""
    keys = list(zip(rows["road"], rows["cell"], rows["other"], rows["tolerance"], strict=True))
    corrected = {name: by_loop(dict(zip(keys, rows[name], strict=True))) for name in TESTS}
    within = {}
    for _, part in rows.groupby(["road", "claim", "cell"]):
        within |= by_loop(part["p_welch"].to_dict())
    for (i, row), key, side in zip(rows.iterrows(), keys, agree, strict=True):
        assert row["family"] == len(set(keys))
        assert row["p_claim"] == pytest.approx(within[i], rel=0.02)
        assert row["p_table"] == pytest.approx(corrected["p_welch"][key], rel=0.02)
        worst = max(corrected[name][key] for name in TESTS)
        assert row["p_worst"] == pytest.approx(worst, rel=0.02)
        holds = (row["difference"] > row["tolerance"]) == (row["claimed"] == "above")
        word = "undecided" if row["p_claim"] >= 0.05 else "reproduced" if holds else "not reproduced"
        assert row["verdict"] == word
        assert row["firm"] == (word != "undecided" and row["p_worst"] < 0.05 and side)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_stored_ledger_about_table_1_is_that_of_the_raw_returns(folder):
    """Every row again from the raw numbers alone, without the package's own tests."""
    returns, stored = (pd.read_csv(folder / name) for name in ("table1_returns.csv", "claims.csv"))
    stored = stored[stored["source"] == "Table 1"]
    final = returns[returns["round"] == 0]
    cells = dict(list(final.groupby(["road", "predict", "model", "method"])["return"]))
    rng, best = np.random.default_rng(10), {"IcyRoad": 9.0, "Intersection": 112.5}
    assert len(stored) == returns["predict"].nunique() * len(best) * len(HYPOTHESES)
    for predict, rows in stored.groupby("predict"):
        agree = []
        expected = [(road, *hypothesis) for road in best for hypothesis in HYPOTHESES]
        for (_, row), (road, words, cell, other, side, share) in zip(rows.iterrows(), expected, strict=True):
            assert (row["road"], row["cell"], row["other"], row["claimed"]) == (road, cell, other, side)
            assert words in row["claim"] and row["tolerance"] == pytest.approx(share * best[road], abs=0.01)
            x, y = (cells[(road, predict, *name.split())].to_numpy() for name in (cell, other))
            agree.append(check_difference(row, x, y, rng))
        check_verdicts(rows, agree)


def test_the_stored_ledger_about_figure_2_is_that_of_the_raw_shares():
    masses = pd.read_csv(table1.STORED / "figure2_masses.csv")
    cells = dict(list(masses.groupby(["of", "counted"])["mass"]))
    stored = pd.read_csv(table1.STORED / "claims.csv")
    rows = stored[stored["source"] == "Fig. 2"]
    assert rows["cell"].tolist() == ["Gaussian sampled", "Gaussian weighted"]
    assert rows["claimed"].tolist() == ["above", "below"] and (rows["tolerance"] == 0.1).all()
    rng, truth = np.random.default_rng(11), cells["truth", "exact"].to_numpy()
    agree = [
        check_difference(row, cells[tuple(row["cell"].split())].to_numpy(), truth, rng) for _, row in rows.iterrows()
    ]
    check_verdicts(rows, agree)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_stored_ledger_is_what_the_package_says_now(folder):
    """Once more by the package itself, with all columns; drawn numbers are the same on every machine."""
    stored, returns = pd.read_csv(folder / "claims.csv"), table1.load(folder)
    with_figure2 = folder == table1.STORED
    now = ledger(returns, pd.read_csv(folder / "figure2_masses.csv") if with_figure2 else None)
    tables = 2 * returns["predict"].nunique()
    assert len(now) == tables * sum(len(claim.others) for claim in CLAIMS) + with_figure2 * len(FIGURE2_CLAIMS)
    pd.testing.assert_frame_equal(now, stored, rtol=1e-2, atol=2e-3)


def test_unrealistic_states_are_those_the_road_does_not_make():
    """The truth's share by sampling; the Gaussian's and the weighted one on their sides of it."""
    mass = unrealistic_mass(runs=2, samples=500).groupby(["of", "counted"])["mass"].mean()
    env, g = dl.IcyRoad(), dl.seeded(0)
    size = env.transition(torch.tensor([2.0, 0, 2, 0]), torch.tensor(2)).sample((200_000,), generator=g)[:, 3].abs()
    sampled = float(((size > UNREALISTIC[0]) & (size < UNREALISTIC[1])).float().mean())
    assert mass["truth", "exact"] == pytest.approx(sampled, abs=4 * (sampled / 200_000) ** 0.5)
    assert mass["truth", "exact"] < 0.01 < mass["Gaussian", "weighted"] + 0.01 < mass["Gaussian", "sampled"] / 2


@pytest.mark.parametrize(
    ("how", "runs", "seed", "samples"),
    [({}, 20, 0, 2000), ({"runs": 2, "seed": 3, "samples": 8}, 2, 3, 8)],
)
def test_unrealistic_mass_by_hand(monkeypatch, how, runs, seed, samples):
    """Of every four samples two are between staying and swerving; the weights are 1, 1, 2 and 4."""
    lateral, weights, used = torch.tensor([0.0, 0.5, -0.5, 1.5]), torch.tensor([1.0, 1.0, 2.0, 4.0]), []

    def transition(state, action):
        assert state.shape == (runs, samples, 4) and action.shape == (runs, samples)
        assert (state == torch.tensor([2.0, 0.0, 2.0, 0.0])).all() and (action == 2).all()
        drawn = torch.cat([state[..., :3], lateral.repeat(samples // 4).expand(runs, samples)[..., None]], -1)
        return SimpleNamespace(sample=lambda generator: used.append(generator) or drawn)

    def log_ratio(state, action, next_state):
        return weights.log().repeat(samples // 4).expand(next_state.shape[:-1])

    def learn(env, data, components, generator):
        assert (env, components) == (dl.IcyRoad(), 1)
        assert torch.equal(data.state, dl.collect(env, episodes=400, runs=runs, generator=dl.seeded(seed)).state)
        used.append(generator)
        return SimpleNamespace(model=SimpleNamespace(transition=transition), disc=SimpleNamespace(log_ratio=log_ratio))

    monkeypatch.setattr(claims, "learn_velocities", learn)
    masses = unrealistic_mass(**how)
    assert used[0] is used[1] and used[0].initial_seed() == seed
    kick = stats.norm(1.5, (0.2**2 + 0.05**2) ** 0.5)  # nine in ten times, to either side
    truth = round(0.9 * (kick.cdf(0.9) - kick.cdf(0.25)), 5)
    for cell, mass in {
        ("truth", "exact"): truth,
        ("Gaussian", "sampled"): 2 / 4,
        ("Gaussian", "weighted"): 3 / 8,
    }.items():
        rows = masses[(masses["of"] == cell[0]) & (masses["counted"] == cell[1])]
        assert rows["run"].tolist() == list(range(runs))
        assert rows["mass"].tolist() == pytest.approx([mass] * runs, abs=1e-9)
    assert list(masses.columns) == ["of", "counted", "run", "mass"] and len(masses) == 3 * runs
