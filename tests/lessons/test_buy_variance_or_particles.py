"""Lesson 08: single trajectories are right on average, the panel shows the map, open answers are judged by deeds."""

import pytest
import torch

import damlite as dl
from damlite.lessons import buy_variance_or_particles as lesson
from damlite.results import imagined
from damlite.results import map as maps


@pytest.mark.parametrize("q", [0.5, 0.23, 0.1])
def test_what_one_particle_says_is_right_on_average_and_as_the_map_has_it(q):
    said = lesson.one_particle(q)
    known = maps.luck(dl.Intersection(), (q,), particles=(1,), draws=2000).set_index("plan")
    mean = q * said["left"] + (1 - q) * said["right"]
    spread = (q * (1 - q)) ** 0.5 * (said["left"] - said["right"]).abs()
    assert (mean - known["worth"]).abs().max() < 1e-4
    assert (spread - known["spread"]).abs().max() < 1e-4


@pytest.mark.parametrize("road", ["IcyRoad", "Intersection"])
def test_every_choice_of_the_panel_is_a_cell_of_the_map(road):
    for optimism in lesson.OPTIMISM:
        for weights in maps.WEIGHTS:
            proposal, used = lesson.proposal_named(road, optimism, weights)
            for numbers in maps.NUMBERS:
                rows = lesson.stored().loc[(road, proposal.probability, used, numbers)]
                assert rows.index.tolist() == list(maps.PARTICLES)


def test_the_panel_marks_the_cell_that_is_chosen():
    panel = lesson.buy()
    panel.controls["particles"].value = 20
    (_, _, here) = panel.fig.axes[0].lines
    row = lesson.stored().loc[("Intersection", 0.1, "exact + shift", "own", 20)]
    assert here.get_xdata() == [20]
    assert here.get_ydata() == pytest.approx([100 * row["return"] / 112.5], rel=1e-3)
    assert f"{row['return']:.1f} ± {row['stderr']:.1f}" in panel.fig.axes[0].get_title()
    panel.close_all()


def test_more_trajectories_through_the_truth_promise_less():
    gaps = []
    for particles in (1, 50):
        made = lesson.decisions("IcyRoad", imagined.Proposal(0.9), "own", particles)
        gaps.append((made.promise - made.worth).mean())
    assert gaps[0] > gaps[1] + 5


def test_a_lead_is_held_against_the_map():
    known = {particles: lesson.known_lead(particles) for particles in lesson.LEADS}
    assert known[1][0] < -5 * known[1][1] < 0 < known[50][0]
    assert "right, " in lesson.check_lead(known.get)
    assert "turned round" in lesson.check_lead(lambda p: (-known[p][0], known[p][1]))
    assert "should be near" in lesson.check_lead(lambda p: (known[p][0] + 2.5, known[p][1]))
    assert "a standard error of 0.00" in lesson.check_lead(lambda p: (known[p][0], 0.0))
    assert "expected a lead and its standard error" in lesson.check_lead(lambda p: (float("nan"), 1.0))
    assert "expected a lead and its standard error" in lesson.check_lead(lambda p: 2.0)
    assert "too large to say who leads" in lesson.check_lead(lambda p: (known[p][0], 0.8))
    assert "not answered yet" in lesson.check_lead(lambda p: ...)


@pytest.mark.parametrize(
    ("planner", "sentence"),
    [
        (..., "not answered yet"),
        ("random shooting", "expected a planner"),
        (dl.RandomShooting(candidates=100, particles=20), "more than 600"),
        (dl.CrossEntropy(horizon=20, candidates=30, iterations=3, elites=4, particles=10), "imagines 900 trajectories"),
        (dl.RandomShooting(horizon=10, candidates=100, particles=1, common_random_numbers=False), "own numbers"),
        (dl.RandomShooting(horizon=4, candidates=100, particles=5), "how many of these"),
        (dl.Exhaustive(horizon=20, particles=20, hold=(3, 5, 12)), "right, "),
    ],
)
def test_a_repaired_planner_is_judged_by_its_budget_and_its_drives(planner, sentence):
    assert sentence in lesson.check_repaired(planner)


@pytest.mark.parametrize("letter", lesson.CLAIMS)
def test_each_wrong_letter_gets_its_own_sentence(letter):
    answer = {"A", "B", "C"} ^ {letter}
    assert lesson.CLAIMS[letter][1] in lesson.check_refuted(answer)


def test_the_claims_that_are_refuted():
    assert "right, " in lesson.check_refuted("CAB")
    assert "expected some of the letters" in lesson.check_refuted("XYZ")
    assert "expected some of the letters" in lesson.check_refuted(3)
    assert "not answered yet" in lesson.check_refuted(...)


def test_claims_agree_with_the_stored_map():
    table = lesson.stored()
    weighted = table.xs("exact + shift", level="weights")["return"]
    truth = table["return"].xs("none", level="weights")
    assert weighted["Intersection", 0.1, "own", 1] > truth["Intersection", 0.5, "own", 1] + 30  # A
    spread = table["spread"].xs("own", level="numbers")
    assert spread["Intersection", 0.1, "exact + shift", 1] > spread["Intersection", 0.5, "none", 1]  # B
    assert weighted["Intersection", 0.1, "own", 20] > truth["Intersection", 0.5, "own", 20] + 30  # C
    plain = table.xs("none", level="weights")
    for road, q in (("IcyRoad", 0.9), ("Intersection", 0.5)):  # D
        best = plain.loc[(road, q)]
        for other in set(maps.PROPOSALS[road]) - {q}:
            rows = plain.loc[(road, other)]
            error = torch.tensor((rows["stderr"] ** 2 + best["stderr"] ** 2).to_numpy()).sqrt()
            assert ((rows["return"] - best["return"]).to_numpy() < 2 * error.numpy()).all()
