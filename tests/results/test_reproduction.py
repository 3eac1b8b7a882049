"""README.md and REPRODUCTION.md say what is stored: their tables are made from it, and their sentences follow."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import damlite as dl
from damlite.results import claims, command_map, deviations, fitted_map, report, table1

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("README.md", "REPRODUCTION.md")
METHODS = ["baseline", "minvar", "disc", "dam"]
PRINTED = ("paper", "paper-trajectory")


@pytest.fixture(scope="module")
def final():
    """Every run's return after the last round, under every recipe that is stored."""
    returns = table1.load_all()
    return returns[returns["round"] == 0]


@pytest.fixture(scope="module")
def verdict():
    """The verdict on a claim that begins so, under a recipe, and whether it is firm."""
    judged = {recipe: pd.read_csv(table1.place(recipe) / "claims.csv") for recipe in table1.RECIPES}
    by_claim = {recipe: claims.verdicts(table) for recipe, table in judged.items()}

    def find(recipe, road, words, cell, predict="state"):
        table = by_claim[recipe]
        chosen = table["claim"].str.contains(words) & (table["cell"] == cell) & (table["road"] == road)
        (row,) = table[chosen & (table["predict"] == predict)].itertuples()
        return row.verdict, bool(row.firm)

    return find


@pytest.fixture(scope="module")
def text():
    """REPRODUCTION.md."""
    return (ROOT / "REPRODUCTION.md").read_text()


def told(runs, digits):
    """The mean of some runs and its standard error, as a text says them; without a sign."""
    return f"{abs(runs.mean()):.{digits}f} ± {stats.sem(runs):.{digits}f}"


def told_apart(runs, others, digits):
    """How far two means of runs are apart, as a text says it."""
    error = np.hypot(stats.sem(runs), stats.sem(others))
    return f"{abs(runs.mean() - others.mean()):.{digits}f} ± {error:.{digits}f}"


def near(part):
    """How many of some cells' means are within two combined standard errors of the paper's, by hand."""
    found = 0
    for key, runs in part.groupby(["road", "model", "method"])["return"]:
        mean, error = table1.PAPER[key]
        found += abs(runs.mean() - mean) <= 2 * np.hypot(runs.sem(), error)
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_texts_hold_what_is_stored(name):
    text = (ROOT / name).read_text()
    assert report.refresh(text) == text
    assert len(re.findall(report.MARK, text)) == text.count("<!-- table:") == text.count("<!-- end -->") > 0


def test_no_table_but_those_there_are():
    with pytest.raises(ValueError, match=r"text must ask for tables out of table1, .*, got 'guess IcyRoad'"):
        report.refresh("<!-- table: guess IcyRoad -->\n<!-- end -->\n")
    assert report.refresh("<!-- table: fitted IcyRoad -->\n<!-- end -->", ROOT) == (
        f"<!-- table: fitted IcyRoad -->\n\n{report.NOT_RUN}\n\n<!-- end -->"
    )


def test_sensitivity_stands_under_its_picture_once_that_is_drawn(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    deviations.load(table1.STORED).assign(source="sensitivity").to_csv(folder / "deviations.csv", index=False)
    without = report.sensitivity_block(folder, "IcyRoad")
    (folder / "sensitivity_icyroad_mixture.png").touch()
    image, between, rest = report.sensitivity_block(folder, "IcyRoad").partition("\n\n")
    assert (between, rest) == ("\n\n", without)
    assert re.fullmatch(r"!\[Tornado charts of IcyRoad.*\]\(figures/sensitivity_icyroad_mixture.png\)", image)


def test_a_cell_of_the_readme_by_hand(final):
    chosen = (final["recipe"] == "paper-trajectory") & (final["road"] == "Intersection") & (final["model"] == "mixture")
    runs = final.loc[chosen & (final["predict"] == "state") & (final["method"] == "dam"), "return"]
    told = f"{runs.mean():.1f} ± {stats.sem(runs):.1f}"
    lines = (ROOT / "README.md").read_text().splitlines()
    assert sum(line.startswith("| mixture `dam` |") and told in line for line in lines) == 1


def test_cells_within_two_errors_by_hand(final):
    text = report.within_block(table1.STORED)
    for (recipe, predict), part in final.groupby(["recipe", "predict"]):
        assert f"| {report.RECIPE_WORDS[recipe]} | {predict} | {near(part)} of 16 |" in text


def test_deviations_are_those_of_the_stored_sweeps():
    stored = deviations.load(table1.STORED)
    again = deviations.deviations(table1.STORED).round(3)
    pd.testing.assert_frame_equal(stored, again, check_dtype=False)


def test_a_deviation_by_hand():
    ladder = pd.read_csv(table1.STORED / "ladder.csv")
    part = ladder[(ladder["road"] == "IcyRoad") & (ladder["model"] == "mixture")]
    by_run = part.pivot(index="run", columns=["variant", "method"], values="return")
    change = by_run["common numbers"] - by_run["estimator"]
    stored = deviations.load(table1.STORED)
    row = stored[(stored["road"] == "IcyRoad") & (stored["choice"] == "common numbers")].iloc[0]
    assert (row["paper"], row["ours"]) == ("common_random_numbers=False", "common_random_numbers=True")
    difference = change["dam"] - change["disc"]
    for name, runs in {**{method: change[method] for method in METHODS}, "dam_minus_disc": difference}.items():
        assert row[name] == pytest.approx(runs.mean(), abs=6e-4)
        assert row[f"{name}_stderr"] == pytest.approx(stats.sem(runs), abs=6e-4)


def test_what_the_text_says_of_the_ladder(text):
    ladder = pd.read_csv(table1.STORED / "ladder.csv").query("road == 'Intersection' and model == 'mixture'")
    by_run = ladder.pivot(index="run", columns=["variant", "method"], values="return")
    rungs = [by_run[rung] for rung in ("bottom", "estimator", "common numbers", "data")]
    means = [rung["dam"].mean() - rung["disc"].mean() for rung in rungs]
    errors = [np.hypot(stats.sem(rung["dam"]), stats.sem(rung["disc"])) for rung in rungs]
    apart = f"by {min(means):.0f} to {max(means):.0f}, each ± {min(errors):.0f} to {max(errors):.0f}"
    assert f"as long as a plan has one particle, {apart}. Common numbers" in text
    gain = by_run["common numbers"]["dam"] - by_run["estimator"]["dam"]
    loss = by_run["data"]["dam"] - by_run["common numbers"]["dam"]
    assert gain.mean() > 0 > loss.mean()
    words = "to it; our data, fewer rounds after more random driving, take back"
    assert f"are worth {told(gain, 0)} {words} {told(loss, 0)}." in text


def test_what_the_text_says_of_the_sensitivity(text):
    table = deviations.load(table1.STORED).query("source == 'sensitivity'")
    pairs = ("disc_minus_baseline", "dam_minus_disc")
    t = pd.concat([table[pair] / table[f"{pair}_stderr"] for pair in pairs], ignore_index=True).abs()
    runs = table["runs"].unique().item()
    p = (2 * stats.t.sf(t, runs - 1)).min() * len(t)  # Holm's first
    chance = 2 * stats.t.sf(2, runs - 1) * len(t)
    words = f"Of these {len(t)} effects {sum(t > 2)} are beyond two errors, and with ten runs about {chance:.0f} would"
    assert runs == 10 and words in text
    assert p > 0.05 and f"none is left; the strongest has p = {p:.2f}" in text
    strongest = table.loc[(table[pairs[0]] / table[f"{pairs[0]}_stderr"]).abs().idxmax()]
    assert (strongest["road"], strongest["instead"]) == ("IcyRoad", "instance_noise=0.0")

    runs = pd.read_csv(table1.STORED / "sensitivity.csv")
    runs = runs.set_index(["road", "variant", "method"])["return"].sort_index()

    def said(road, variant, above, below, digits):
        return told_apart(runs.loc[road, variant, above], runs.loc[road, variant, below], digits)

    ahead = said("IcyRoad", "instance noise: 0", "disc", "baseline", 1)
    behind = said("IcyRoad", "instance noise: 0", "dam", "disc", 1)
    assert f"ahead of `baseline` by {ahead} there, and `dam` behind `disc` by {behind}." in text
    mean = runs.groupby(["road", "variant", "method"]).mean().unstack().drop("as chosen", level="variant")
    gain, more = mean["disc"] - mean["baseline"], mean["dam"] - mean["disc"]
    for change in (gain["IcyRoad"], more["IcyRoad"]):
        assert min(change.drop("instance noise: 0")) < 0 < max(change.drop("instance noise: 0"))
    gain, more = gain["Intersection"], more["Intersection"]
    words = f"`disc` is ahead of `baseline` at {sum(gain > 0)} of {len(gain)} levels, by {gain.mean():.0f} on average"
    assert f"{words}, and `dam` of `disc` at {sum(more > 0)} of {len(more)}, by {more.mean():.0f}." in text
    assert (gain.idxmin(), more.idxmin()) == ("horizon: 5", "candidates: 150")
    assert f"gains nothing (−{said('Intersection', 'horizon: 5', 'disc', 'baseline', 1)})" in text
    assert f"gains nothing (−{said('Intersection', 'candidates: 150', 'dam', 'disc', 0)})" in text
    chosen = runs.loc["Intersection", "as chosen"]
    assert f"As chosen `dam` is ahead by {told_apart(chosen['dam'], chosen['disc'], 0)}, more than at most" in text
    assert sum(more < chosen["dam"].mean() - chosen["disc"].mean()) > len(more) / 2


def test_what_the_text_says_of_the_verdicts(final, verdict):
    better, lifts = "improves performance over standard", "simply having a discriminator"
    alone, helps, best = "minvar only", "but it does help with multimodal", "obtains the best"
    paper, whole, ours, firm = *PRINTED, "our", ("reproduced", True)
    for recipe in table1.RECIPES:
        assert verdict(recipe, "IcyRoad", lifts, "Gaussian disc") == firm
        for road in table1.ROADS:
            for model in table1.MODELS:
                assert verdict(recipe, road, alone, f"{model} minvar")[0] != "not reproduced"
    assert verdict(ours, "Intersection", lifts, "Gaussian disc") == firm
    assert verdict(whole, "Intersection", lifts, "Gaussian disc") == firm
    assert verdict(paper, "Intersection", lifts, "Gaussian disc")[0] == "undecided"
    found = {
        (recipe, road, model): verdict(recipe, road, better, f"{model} dam")
        for recipe in PRINTED
        for road in table1.ROADS
        for model in table1.MODELS
    }
    assert found.pop((paper, "IcyRoad", "mixture"))[0] == "undecided"
    assert set(found.values()) == {firm}
    for road, said in {"IcyRoad": "undecided", "Intersection": "not reproduced"}.items():
        assert verdict(ours, road, better, "Gaussian dam")[0] == "reproduced"
        for words in (better, helps, best):
            assert verdict(ours, road, words, "mixture dam")[0] == said
    for words in (helps, best):
        assert verdict(paper, "Intersection", words, "mixture dam") == ("reproduced", False)
        assert verdict(whole, "Intersection", words, "mixture dam") == firm
    assert verdict(paper, "IcyRoad", helps, "mixture dam")[0] == "undecided"
    assert verdict(whole, "IcyRoad", helps, "mixture dam")[0] == "reproduced"
    for recipe in PRINTED:
        assert verdict(recipe, "IcyRoad", best, "mixture dam")[0] == "undecided"
    mean = final.groupby(["recipe", "road", "predict", "model", "method"])["return"].mean()
    assert mean["our", "Intersection", "state", "mixture", "baseline"] > 100


def test_what_the_text_says_of_gaussians_with_weights(verdict):
    words = "does not help with unimodal models"
    found = {
        (recipe, road): verdict(recipe, road, words, "Gaussian dam")[0]
        for recipe in table1.RECIPES
        for road in table1.ROADS
    }
    reproduced = {key for key, said in found.items() if said == "reproduced"}
    assert reproduced == {("our", "Intersection"), ("paper-trajectory", "Intersection"), ("our", "IcyRoad")}
    assert "not reproduced" not in found.values()


def test_differences_in_the_text_by_hand(final, text):
    runs = final[final["predict"] == "state"].set_index(["recipe", "road", "model", "method"])["return"].sort_index()

    def said(recipe, road, above, below, digits):
        return told_apart(runs.loc[recipe, road, *above.split()], runs.loc[recipe, road, *below.split()], digits)

    def both(road, model):
        return " and ".join(said(recipe, road, f"{model} dam", f"{model} disc", 1) for recipe in PRINTED)

    crossing = ("paper", "Intersection")
    assert f"`disc` gains {said(*crossing, 'Gaussian disc', 'Gaussian baseline', 1)} there, and that" in text
    assert f"gains {said('paper', 'IcyRoad', 'mixture dam', 'mixture baseline', 1)}, undecided" in text
    behind = said("paper-trajectory", "Intersection", "Gaussian dam", "Gaussian disc", 1)
    assert f"where `dam` is behind `disc` by {behind}, and on IcyRoad under ours" in text
    assert f"ahead by {both('IcyRoad', 'Gaussian')} on IcyRoad (per-decision, trajectory), and by " in text
    assert f"and by {said(*crossing, 'Gaussian dam', 'Gaussian disc', 1)} at the Intersection per-decision." in text
    assert f"ahead of `disc` by {both('Intersection', 'mixture')} (per-decision, trajectory), firm" in text
    assert f"On IcyRoad it is ahead by {both('IcyRoad', 'mixture')}: undecided, and reproduced." in text
    assert f"`dam` is behind by {said('our', 'Intersection', 'mixture dam', 'mixture disc', 0)}." in text
    ahead = said("paper-trajectory", "Intersection", "mixture dam", "Gaussian disc", 0)
    assert f"firm with the trajectory one: {ahead} ahead of the next." in text

    best = runs.loc["paper-trajectory", "Intersection"].groupby(["model", "method"]).mean()
    assert best.drop(("mixture", "dam")).idxmax() == ("Gaussian", "disc")
    level = {road: told(runs.loc["paper-trajectory", road, "mixture", "dam"], 1) for road in table1.ROADS}
    words = f"we find {level['Intersection']} with the trajectory estimator, and for its 7.94 on IcyRoad"
    assert f"{words} {level['IcyRoad']}." in text


def test_what_the_text_says_of_velocities(final, verdict, text):
    runs = final[final["predict"] == "velocity"].set_index(["recipe", "road", "model", "method"])["return"].sort_index()
    words = "obtains the best"
    assert verdict("paper", "Intersection", words, "mixture dam", "velocity") == ("reproduced", True)
    assert verdict("paper-trajectory", "Intersection", words, "mixture dam", "velocity") == ("reproduced", False)
    for recipe in PRINTED:
        assert verdict(recipe, "IcyRoad", words, "mixture dam", "velocity")[0] == "undecided"
        gaussian, mixture = (runs[recipe, "IcyRoad", model, "dam"] for model in ("Gaussian", "mixture"))
        assert stats.ttest_ind(gaussian, mixture, equal_var=False).pvalue > 0.2
    mixtures = [runs.loc[recipe, "Intersection", "mixture"] for recipe in PRINTED]
    levels = " and ".join(told(found["dam"], 1) for found in mixtures)
    leads = " and ".join(told_apart(found["dam"], found["disc"], 1) for found in mixtures)
    assert f"{levels} (per-decision, trajectory), firm per-decision" in text
    assert f"ahead of `disc` by {leads}." in text


def test_at_least_five_cells_are_off(final):
    for recipe, part in final[final["predict"] == "state"].groupby("recipe"):
        assert 16 - near(part) >= 5, recipe


def test_what_the_text_says_of_the_map():
    table = command_map.load("map")
    table = table[
        (table["candidates"] == report.CANDIDATES) & table["weights"].isin(["none", "exact", "exact + shift"])
    ]
    cell = table.set_index(["road", "probability", "weights", "numbers", "particles"])[["return", "stderr"]]

    def ahead(road, q, weights, numbers, particles):
        truth = {"IcyRoad": 0.9, "Intersection": 0.5}[road]
        a, b = cell.loc[road, q, weights, numbers, particles], cell.loc[road, truth, "none", numbers, particles]
        return a["return"] - b["return"], np.hypot(a["stderr"], b["stderr"])

    def said(road, q, weights, numbers, particles):
        return tuple(round(x) for x in ahead(road, q, weights, numbers, particles))

    shifted = "exact + shift"
    assert said("Intersection", 0.1, shifted, "own", 50) == (32, 3)
    assert all(ahead("Intersection", 0.1, shifted, "own", p)[0] > 20 for p in (1, 2, 5, 10, 20, 50))
    for particles in (20, 50):  # common ones: on ice the order has turned round
        assert said("IcyRoad", 0.2, shifted, "common", particles)[0] == -1
        difference, error = ahead("IcyRoad", 0.2, shifted, "common", particles)
        assert difference < -2 * error
    assert [said("Intersection", 0.1, shifted, "common", p) for p in (1, 2)] == [(-21, 3), (-26, 3)]
    later = [ahead("Intersection", 0.1, shifted, "common", p) for p in (5, 10, 20, 50)]
    assert all(abs(difference) < 2 * error for difference, error in later)
    for weights in ("exact", shifted):
        assert said("IcyRoad", 0.2, weights, "own", 2)[0] == 2
        difference, error = ahead("IcyRoad", 0.2, weights, "own", 5)
        assert abs(difference) < error
        assert said("IcyRoad", 0.2, weights, "own", 10)[0] == -4


def test_what_the_text_says_of_fitted_models(text):
    table = fitted_map.load(table1.STORED)
    assert (table["model"] == "mixture").all()
    by_run = table.pivot(index=["road", "run"], columns=["fit", "weights", "numbers", "particles"], values="return")
    lucky, plain = by_run["return-weighted"], by_run["likelihood"]

    gain = (lucky - plain)["learned", "own", 1]
    ahead = f"by {told(gain['Intersection'], 0)} at the Intersection, and by {told(gain['IcyRoad'], 1)} on IcyRoad"
    assert f"return-weighted mixture is ahead {ahead}, which is within two errors; the likelihood's" in text
    assert 0 < gain["IcyRoad"].mean() < 2 * stats.sem(gain["IcyRoad"])
    for road in table1.ROADS:
        weights = (plain["learned", "own", 1] - plain["none", "own", 1])[road]
        assert abs(weights.mean()) < 2 * stats.sem(weights)

    road = command_map.load("map").query("road == 'IcyRoad' and numbers == 'own' and particles == 1")
    road = road.query("candidates == 10 and weights == 'none' and probability == 0.9").iloc[0]
    assert dl.paper_recipe(table1.ROADS["IcyRoad"]).planner.candidates == 10
    above = {}
    for fit, found in {"likelihood": plain, "return-weighted": lucky}.items():
        exact, none = (found[weights, "own", 1] for weights in ("exact", "none"))
        above[fit] = (exact["IcyRoad"].mean() - road["return"]) / np.hypot(stats.sem(exact["IcyRoad"]), road["stderr"])
        assert exact["Intersection"].mean() < 2 + none["Intersection"].mean()
    assert 2 < above["likelihood"] < above["return-weighted"]
    both = [told(found["exact", "own", 1]["IcyRoad"], 1) for found in (lucky, plain)]
    words = f"candidates, {road['return']:.1f} ± {road['stderr']:.1f}: the return-weighted one {both[0]}, and the"
    assert f"{words} likelihood's {both[1]}, which is {above['likelihood']:.1f} errors above." in text

    costs = (plain - lucky)["none"]
    icy = costs["own"].loc["IcyRoad"]
    assert icy.mean().is_monotonic_increasing and (icy.mean() > 0).all()
    assert f"there are, {told(icy[1], 1)} with one and {told(icy[20], 1)} with 20; at the Intersection" in text
    crossing = costs.loc["Intersection"].mean()
    assert f"it costs {crossing.min():.0f} to {crossing.max():.0f} points" in text
    assert not crossing["own"].is_monotonic_increasing and not crossing["common"].is_monotonic_increasing


def test_what_the_text_says_of_seconds(text):
    minutes = {}
    for recipe in PRINTED:
        known = json.loads((table1.place(recipe) / "table1_settings.json").read_text())
        for name, seconds in known["seconds"]["pieces"].items():
            key = ("state" if "-state-" in name else "velocity", recipe)
            minutes[key] = minutes.get(key, 0) + seconds / 60
    velocity, state = (
        " and ".join(f"{minutes[kind, recipe]:.0f}" for recipe in PRINTED) for kind in ("velocity", "state")
    )
    assert f"are {velocity} minutes, added up, and those of states {state}." in text


def test_what_the_text_says_of_luck():
    luck = pd.read_csv(table1.STORED / "luck.csv").query("particles == 1").set_index(["road", "probability", "plan"])
    luck = luck.sort_index()
    for road, truth, optimistic in (("IcyRoad", 0.9, 0.2), ("Intersection", 0.5, 0.1)):
        assert luck["best"][road, truth].idxmax() != "safe"
        assert luck["best"][road, optimistic].idxmax() == "safe"
    spread = luck["spread"]["Intersection"]
    assert spread[0.1].mean() > spread[0.5].mean()


def test_what_the_text_says_of_reckless_plans():
    looks = pd.read_csv(table1.STORED / "lucky.csv").query("road == 'IcyRoad' and predict == 'state'")
    share = looks[looks["weights"] == "learned"].groupby(["fit", "model", "run"])["luckiest"].mean().unstack("model")
    assert share.groupby("fit").mean().round(2).to_dict("index") == {
        "likelihood": {"Gaussian": 0.19, "mixture": 0.31},
        "return-weighted": {"Gaussian": 0.08, "mixture": 0.28},
    }
    difference = (share["mixture"] - share["Gaussian"]).groupby("fit").agg(["mean", "sem"])
    assert difference.round(2).to_numpy().tolist() == [[0.12, 0.03], [0.19, 0.04]]


def test_what_the_text_says_of_ratios():
    table = pd.read_csv(table1.STORED / "ratios.csv").query("quantity == 'return' and predict == 'state'")
    mean = table.groupby(["road", "estimator", "rung"])["value"].mean()
    crossing, ice = mean["Intersection", "trajectory"], mean["IcyRoad", "trajectory"]
    assert crossing["coarse"] < crossing["none"] + 3
    assert crossing["road elsewhere, coarse"] > 0.9 * crossing["road, coarse"]
    oracle = max(mean["Intersection", estimator]["road, coarse"] for estimator in ("trajectory", "per_decision"))
    assert (crossing["learned, noise 0.5"] - crossing["none"]) / (oracle - crossing["none"]) == pytest.approx(
        2 / 3, 0.1
    )
    assert mean["Intersection", "per_decision"]["learned, noise 0.1"] < crossing["learned, noise 0.1"] - 10
    assert ice["learned elsewhere"] == pytest.approx(ice["coarse throughout"], abs=0.3)
    assert ice["learned, noise 0.5"] < ice["learned, noise 0.1"]


def test_where_the_text_says_that_ratios_err():
    table = pd.read_csv(table1.STORED / "ratios.csv")
    mean = table.groupby(["road", "predict", "quantity", "rung"])["value"].mean()
    crossing = mean["Intersection", "state"]
    quiet, loud = "learned, noise 0.1", "learned, noise 0.5"
    assert [round(crossing["error elsewhere", rung], 1) for rung in (quiet, loud)] == [-1.0, -0.2]
    assert crossing["spread of log-weights", loud] / crossing["spread of log-weights", quiet] == pytest.approx(0.5, 0.2)
    kick = mean["IcyRoad", "velocity", "error none"]
    assert [round(kick[rung], 1) for rung in (quiet, loud)] == [0.5, 0.8]
    step4 = table[(table["road"] == "Intersection") & (table["rung"] == "exact") & (table["step"] == 4)]
    assert round(step4.loc[step4["quantity"] == "mean weight", "value"].mean(), 3) == 0.002


def test_differences_of_ratios_in_the_text():
    table = pd.read_csv(table1.STORED / "ratios.csv").query("quantity == 'return'")
    by_run = table.pivot(index=["road", "predict", "run"], columns=["estimator", "rung"], values="value")
    per, whole, quiet = by_run["per_decision"], by_run["trajectory"], "learned, noise 0.1"

    def said(change):
        return round(abs(change.mean())), round(stats.sem(change))

    assert said((whole - per).loc["Intersection", "state"][quiet]) == (14, 5)
    assert said((per - whole).loc["Intersection", "state"]["road, coarse"]) == (14, 6)
    both = [
        change.loc[road, predict]
        for change in (per, whole)
        for road, predict in by_run.index.droplevel("run").unique()
        if road == "Intersection"
    ]
    gains = [one["learned, 10× data"] - one[quiet] for one in both]
    assert all(gain.mean() < 2 * stats.sem(gain) for gain in gains)
    exact = [one["exact"] - one[quiet] for one in both if one["exact"].notna().all()]
    assert len(exact) == 2
    assert all(abs(change.mean()) < 2 * stats.sem(change) for change in exact)

    ice = [change.loc["IcyRoad", predict] for change in (per, whole) for predict in ("state", "velocity")]
    assert all(round(abs((one["learned elsewhere"] - one["coarse throughout"]).mean()), 1) <= 0.2 for one in ice)
    for changes, least, most in (
        ([one["learned elsewhere"] - one[quiet] for one in ice], 0.4, 1.2),
        ([one[quiet] - one["learned, noise 0.5"] for one in ice], 0.5, 1.2),
    ):
        means = [round(change.mean(), 1) for change in changes]
        assert (min(means), max(means)) == (least, most)
    beyond = [(one["learned elsewhere"] - one[quiet]) for one in ice]
    assert sum(change.mean() > 2 * stats.sem(change) for change in beyond) == 1
