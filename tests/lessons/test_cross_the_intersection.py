"""Lesson 10's panel shows the very futures that the plans were chosen by; its exercises take other ways to be right."""

import pytest
import torch

import damlite as dl
from damlite.lessons import cross_the_intersection as lesson

PLANNING = [name for name, driver in lesson.DRIVERS.items() if not isinstance(driver, int)]


@pytest.mark.parametrize("driver", PLANNING)
def test_the_futures_are_those_that_the_plans_were_chosen_by(driver):
    env = dl.Intersection()
    planner, plans = lesson.DRIVERS[driver], []

    def remember(state, step, generator):
        plans.append(planner.plan(dl.Belief(env), state, min(planner.horizon, env.horizon - step), generator=generator))
        return plans[-1].action

    data = dl.collect(env.sides()[0], remember, episodes=1, generator=dl.seeded(0))
    drive = lesson.driven(driver, "left")
    assert torch.equal(drive.states[:-1], data.state[0])
    assert torch.equal(drive.rewards, data.reward[0])
    for plan, future in zip(plans, drive.futures, strict=True):
        assert torch.equal(future, plan.states[0])
        value = env.reward(future, plan.actions[0][:, None]).mean(-1).sum()
        assert torch.isclose(value, plan.value[0], rtol=1e-4)


@pytest.mark.parametrize("driver", lesson.DRIVERS)
@pytest.mark.parametrize("turn", ["left", "right"])
def test_every_future_begins_where_the_car_is(driver, turn):
    drive = lesson.driven(driver, turn)
    assert len(drive.futures) == len(drive.rewards) == len(drive.states) - 1
    for state, future in zip(drive.states, drive.futures, strict=False):
        assert torch.equal(future[0], state.expand_as(future[0]))
    assert len(drive.futures[-1]) == 1


def test_the_planner_of_table_1_is_shown_with_all_of_its_particles():
    assert dl.our_recipe(dl.Intersection()).planner in lesson.DRIVERS.values()
    drive = lesson.driven(PLANNING[0], "left")
    assert {future.shape[1] for future in drive.futures} == {20}


def test_moving_the_step_draws_the_futures_of_that_step():
    panel = lesson.cross()
    panel.controls["step"].value = 3
    agent, other = (lines for lines in panel.fig.axes[0].collections[-2:])
    future = lesson.driven(panel.values["driver"], "left").futures[3].movedim(0, 1)
    for lines, first in ((agent, 0), (other, 5)):
        drawn = torch.tensor([segment.tolist() for segment in lines.get_segments()])
        assert torch.allclose(drawn, future[..., first : first + 2])
    assert "step 3" in panel.fig.axes[0].get_title()
    panel.close_all()


def test_the_panel_draws_under_a_float64_default(double):
    lesson.driven.cache_clear()
    panel = lesson.cross()
    panel.controls["step"].value = 3
    assert lesson.driven(panel.values["driver"], "left").states.dtype == torch.float64
    assert "step 3" in panel.fig.axes[0].get_title()
    panel.close_all()
    lesson.driven.cache_clear()


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (lesson.check_backup, lambda r, p, v: r + torch.einsum("nak,nak->na", p, v).max(-1).values),
        (lesson.check_shifted_value, lambda w, r, c: float((w * (r - c)).sum(-1).mean() + r.shape[-1] * c)),
    ],
)
def test_another_way_to_the_same_number_is_right(check, answer):
    assert "right" in check(answer)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (lesson.check_backup, lambda r, p, v: (p * v).sum(-1)),
        (lesson.check_shifted_value, lambda w, r, c: (w * (r - c) + c).sum(-1)),
    ],
)
def test_a_sum_too_many_or_too_few_has_the_wrong_shape(check, answer):
    assert "expected" in check(answer)


def test_a_patient_shows_its_fault_where_the_verdict_says():
    env = dl.Intersection()
    fork = env.initial_state()
    fork[5:10] = torch.tensor([-1.75, 4.9, 0.0, -5.0, -torch.pi / 2])
    met = fork.clone()
    met[5:7] = met[:2] + 1.0
    for name, (fault, *_) in lesson.PATIENTS.items():
        _, belief = lesson.patient(name)
        turn = belief.dynamics.transition(fork, torch.tensor(1)).log_weights.exp()[0]
        after = belief.dynamics.transition(met, torch.tensor(1)).sample(generator=dl.seeded(0))
        assert (turn < 0.4) == (fault == "turn")
        assert (after[3].abs() > 1) == (fault == "crash")


@pytest.mark.parametrize("name", lesson.PATIENTS)
def test_every_patient_crashes_and_a_healthy_driver_does_not(name):
    def crashes(planner, belief):
        act = dl.policy(planner, belief)
        data = dl.collect(dl.Intersection().sides()[0], act, episodes=8, generator=dl.seeded(0))
        return (data.returns < 40).sum()

    assert crashes(*lesson.patient(name)) >= 1
    assert crashes(lesson.PLANNER, dl.Belief(dl.Intersection())) == 0


@pytest.mark.parametrize("name", lesson.PATIENTS)
def test_a_wrong_diagnosis_names_the_patient(name):
    right = {patient: fault for patient, (fault, *_) in lesson.PATIENTS.items()}
    other = next(fault for fault in right.values() if fault != right[name])
    assert lesson.check_diagnosis(right).startswith("diagnosis: right, ")
    assert lesson.PATIENTS[name][1] in lesson.check_diagnosis({**right, name: other})
    assert "expected keys" in lesson.check_diagnosis({**right, name: "fever"})
    assert "not answered yet" in lesson.check_diagnosis(dict.fromkeys(right, ...))
