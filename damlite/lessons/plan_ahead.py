"""Lesson 07: the best of many noisy promises is the luckiest; one episode with the futures that were planned by."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .. import exact, figures
from ..data import collect
from ..discriminator import Discriminator
from ..envs import IcyRoad
from ..fitting import fit_discriminator, fit_model
from ..mixture import seeded
from ..models import DynamicsModel
from ..planning import Belief, Exhaustive, Plan, Planner, RandomShooting
from .careful import shortened, tensor
from .exercise import Exercise, OpenExercise, ask_once
from .panel import Panel, dropdown, player, slider
from .shared import trajectories

DECISIONS = 60
PARTICLES = 50
NUMBERS = {  # what the sequences share: (common_random_numbers, stratified)
    "each sequence its own": (False, False),
    "common to all sequences": (True, False),
    "common and stratified": (True, True),
}


def curse(particles: int, candidates: int, numbers: str) -> tuple[Tensor, Tensor]:
    """What random shooting through the true road promises, and what its choices are worth, (DECISIONS,) each.

    numbers : what the sequences share of their random numbers, a key of NUMBERS
    """
    env, (common, stratified) = IcyRoad(), NUMBERS[numbers]
    how = {"common_random_numbers": common, "stratified": stratified}
    planner = RandomShooting(candidates=candidates, particles=particles, **how)
    plan = planner.plan(Belief(env), env.initial_state(DECISIONS), generator=seeded(0))
    return plan.value, exact.value(env, plan.actions)


def winners_curse() -> Panel:
    """What random shooting through the true road promises, against what its choices are worth."""
    best = exact.optimum(IcyRoad())
    fig, axes = figures.figure(2, width=10, height=3.9)
    cloud, means = axes[0]
    low, high = -8.0, 42.0
    with figures.style():
        cloud.plot([low, high], [low, high], ":", color="black", lw=1)
        cloud.text(14, 11.5, "dotted: promise kept")
        cloud.set(xlim=(low, high), ylim=(low, 15), title="one mark for every decision")
        cloud.set(xlabel="promised return (points)", ylabel="exact return (points)")
        dots = cloud.scatter([], [], s=45, marker="D", color=figures.MODEL, edgecolor="black", alpha=0.8)
        for ax in (cloud, means):
            ax.axhline(best, color=figures.TRUTH, lw=1)
        cloud.text(high, best + 0.3, "optimum", color=figures.TRUTH, ha="right")
        bars = means.bar([0, 1], [0, 0], color=[figures.MODEL, figures.TRUTH], width=0.6, alpha=0.8)
        bars[0].set_hatch("//")
        errors = [means.plot([i, i], [0, 0], color="black", lw=2)[0] for i in (0, 1)]
        labels = [means.text(i, 0, "", ha="center", va="bottom") for i in (0, 1)]
        means.set_xticks([0, 1], ["promised", "exact"])
        means.set(ylim=(-4, high), ylabel="mean return (points)", title="mean ± 2 standard errors")

    def settle(particles: int, candidates: int, numbers: str) -> None:
        both = curse(particles, candidates, numbers)
        dots.set_offsets(torch.stack(both, -1).numpy())
        for values, bar, error, label in zip(both, bars, errors, labels, strict=True):
            mean, two = values.mean().item(), 2 * values.std().item() / DECISIONS**0.5
            bar.set_height(mean)
            error.set_ydata([mean - two, mean + two])
            label.set(y=max(mean + two, 0) + 0.5, text=f"{mean:.1f}")

    controls = {
        "particles": slider("particles", "per sequence", 1, 1, 20, 1),
        "candidates": slider("candidates", "sequences", 100, 5, 200, 5),
        "numbers": dropdown("random numbers", list(NUMBERS), "each sequence its own"),
    }
    description = (
        f"What random shooting through the true road promises and what its choice is worth, in {DECISIONS} decisions: "
        "each of them (left) and their means (right)."
    )
    return Panel(fig, lambda: None, controls, description, settle)


class Moment(NamedTuple):
    """One step of an episode: what the planner believed before it, and what happened.

    Attributes
    ----------
    driven : (t + 1, S), the real states from the start to the one after this step
    plan : the plan whose first action was executed, with the particles that it was imagined with
    promised : the return of the whole episode that it promised: what was earned before, and the plan's value
    earned : the return up to and with the state after this step
    """

    driven: Tensor
    plan: Plan
    promised: float
    earned: float


@lru_cache(maxsize=1)
def _fitted(env: IcyRoad) -> tuple[DynamicsModel, Discriminator]:
    g = seeded(0)
    odds = torch.tensor([0, 1, 1, 2, 2, 2])  # a bold driver: so small a fit must have seen much of the ice
    data = collect(env, lambda s, t, g: odds[torch.randint(6, s.shape[:-1], generator=g)], episodes=1000, generator=g)
    model = DynamicsModel(env, components=1, hidden=(32, 32), generator=g)
    fit_model(model, data, steps=300, generator=g)
    disc = Discriminator(env, hidden=(32, 32), generator=g)
    fit_discriminator(disc, model, data, steps=300, generator=g)
    return model, disc


@lru_cache(maxsize=2)
def replayed(weighted: bool) -> tuple[Moment, ...]:
    """The episode that `replay` shows, planned through a fitted Gaussian without or with a discriminator's weights."""
    env = IcyRoad()
    model, disc = _fitted(env)
    belief = Belief(env, model, disc.log_ratio if weighted else None)
    planner, ice, g = Exhaustive(horizon=env.horizon, particles=PARTICLES, clip=5.0), seeded(9), seeded(3)
    states, plans = [env.initial_state()], []
    for t in range(env.horizon - 1):
        plans.append(planner.plan(belief, states[-1], env.horizon - t, generator=g))
        states.append(env.transition(states[-1], plans[-1].action).sample(generator=ice))
    driven = torch.stack(states)
    earned = env.reward(driven, torch.tensor(1)).cumsum(0).tolist()
    before = [0.0, *earned]
    return tuple(
        Moment(driven[: t + 2], plan, before[t] + plan.value.item(), earned[t + 1]) for t, plan in enumerate(plans)
    )


def replay() -> Panel:
    """What the planner believed at each step, beside what happened; played, or moved by hand."""
    env = IcyRoad()
    fig, axes = figures.figure(2, width=10, height=3.6, share=True)
    believed, happened = axes[0]
    with figures.style():
        for ax in axes[0]:
            figures.draw_road(ax, env, torch.zeros(0, 1, 4))
            ax.set(xlim=(-0.5, 16), ylim=(-9, 9), yticks=(-8, -4, 0, 4, 8))
        happened.set_ylabel("")
        paths = [ax.plot([], [], color=figures.TRUTH, lw=1, alpha=0.6)[0] for ax in axes[0]]
        cars = [ax.plot([], [], "s", color=figures.TRUTH, ms=5)[0] for ax in axes[0]]
        threads = [believed.plot([], [], "--", color=figures.MODEL, lw=0.8, alpha=0.5)[0] for _ in range(PARTICLES)]
        dots = believed.scatter([], [], color=figures.MODEL, edgecolor="black", lw=0.5, zorder=3)

    def draw(step: int, weights: str) -> None:
        driven, plan, promised, earned = replayed(weights == "with weights")[step - 1]
        for thread, particle in zip(threads, plan.states.unbind(1), strict=True):
            thread.set_data(*particle[:, :2].T)
        dots.set_offsets(plan.states[1:, :, :2].reshape(-1, 2).numpy())
        dots.set_sizes((20 * plan.log_weights[1:].exp()).clamp(0.5, 150).flatten().numpy())
        for path, car, part in zip(paths, cars, (driven[:step, :2], driven[:, :2]), strict=True):
            path.set_data(*part.T)
            car.set_data(*part[-1:].T)
        believed.set_title(f"believed at step {step}: {env.action_names[plan.action]},\npromised return {promised:.1f}")
        happened.set_title(f"what happened: step {step + 1},\nreturn so far {round(earned, 1) + 0.0}")

    controls = {
        "step": slider("step", "of the episode", 2, 1, env.horizon - 1, 1),
        "weights": dropdown("planning", ["without weights", "with weights"], "without weights"),
    }
    description = (
        "Left: the car so far (blue) and what was imagined (orange, large where its weight is large); right: reality."
    )
    panel = Panel(fig, draw, controls, description)
    player(panel, "step", interval=1200)
    return panel


MISSHAPEN = torch.inf  # no action


def _answer_all(given: Callable, inputs: tuple) -> object:
    """The answers (40,) to the problems; MISSHAPEN for what is not one number."""
    rewards, log_ratio, sequences = inputs
    answers = []
    for problem in zip(rewards, log_ratio, strict=True):
        answer = tensor(ask_once(given, (*problem, sequences)))
        answers.append(answer.item() if answer.ndim == 0 else MISSHAPEN)
    return torch.tensor(answers)


def _choosing(values: Callable[[Tensor, Tensor], Tensor], step: int = 0) -> Callable:
    """A planner that executes one step's action of the sequence of the highest value."""
    return lambda r, x, sequences: sequences[values(r, x).argmax(), step]


def _returns(r: Tensor, log_w: Tensor) -> Tensor:
    """Each particle's weighted return (K, P)."""
    return (log_w.exp() * r).sum(-1)


def _value(r: Tensor, x: Tensor) -> Tensor:
    """ESTIMATEVALUE (K,): each reward times the weights of the transitions before it."""
    return _returns(r, x.cumsum(-1) - x).mean(-1)


_g = seeded(0)
check_choose = Exercise(
    "choose",
    (
        torch.randn(40, 9, 6, 4, generator=_g),
        torch.randn(40, 9, 6, 4, generator=_g),
        torch.randint(5, (9, 4), generator=_g),
    ),
    _choosing(_value),
    "that is RSPLANNER around ESTIMATEVALUE.",
    "Weights before each reward, sum over the steps, mean over the particles, arg max, first action.",
    {
        "expected one number, the action to execute now: the first of the best sequence.": (
            lambda r, x, sequences: sequences[_value(r, x).argmax()]
        ),
        "this takes the worst sequence. Alg. 3 asks for the arg max.": _choosing(lambda r, x: -_value(r, x)),
        "this is the best sequence's last action. RSPLANNER executes the first, then plans anew.": _choosing(
            _value, step=-1
        ),
        "this averages over the wrong axis. Each of the K sequences needs one value.": _choosing(
            lambda r, x: _returns(r, x.cumsum(-1) - x).mean(0)
        ),
        "this takes the sequence of the luckiest particle. A value is the mean over the particles.": _choosing(
            lambda r, x: _returns(r, x.cumsum(-1) - x).amax(-1)
        ),
        "the weights are one step late. r_1 has none.": _choosing(lambda r, x: _returns(r, x.cumsum(-1)).mean(-1)),
        "this leaves the weights out: it plans as if the model were right.": _choosing(lambda r, x: r.sum(-1).mean(-1)),
        "this is the number of the best sequence. RSPLANNER executes that sequence's first action.": (
            lambda r, x, sequences: _value(r, x).argmax()
        ),
        "this weights the whole return by the whole path. Alg. 1 weights a reward by what came before it.": _choosing(
            lambda r, x: (r.sum(-1) * x.sum(-1).exp()).mean(-1)
        ),
        "the weight is exp of the log-ratios' sum; this takes the sum itself.": _choosing(
            lambda r, x: (r * (x.cumsum(-1) - x)).sum(-1).mean(-1)
        ),
        "this weights each reward by one transition alone. Weights multiply along a plan.": _choosing(
            lambda r, x: _returns(r, torch.nn.functional.pad(x[..., :-1], (1, 0))).mean(-1)
        ),
    },
    ask=_answer_all,
)

_noise = torch.randn(2, 50, generator=seeded(0))
check_error_of_difference = Exercise(
    "error_of_difference",
    (8 * _noise[0], 6 * _noise[0] + 3 * _noise[1]),
    lambda x, y: (x - y).std() / len(x) ** 0.5,
    "pairing the particles takes the covariance into account.",
    "Pair the particles: how much does x − y spread from particle to particle?",
    {
        "this is √(Var X + Var Y): it forgets the covariance, as if the numbers were not common.": (
            lambda x, y: ((x.var() + y.var()) / len(x)) ** 0.5
        ),
        "this adds the covariance: it is the error of the sum x + y.": lambda x, y: (x + y).std() / len(x) ** 0.5,
        "this is the spread of one particle's difference. The mean of P particles has 1/√P of it.": (
            lambda x, y: (x - y).std()
        ),
        "this is the variance of the mean difference. Take its square root.": lambda x, y: (x - y).var() / len(x),
        "this is the mean difference itself. How far may it be from the true one?": lambda x, y: (x - y).mean(),
    },
)


def _toy_plan(state: Tensor, left: int) -> Tensor:
    """A whole sequence (left,) on a toy road: another for every state and every number of steps left."""
    return (3 * state + 3 * torch.arange(left) + 2 * left) % 7


def _toy_step(state: Tensor, action: Tensor) -> Tensor:
    """The toy road's next state."""
    return state + action + 1


def _rollout(
    plan: Callable,
    step: Callable,
    state: Tensor,
    horizon: int,
    *,
    pick: int = 0,
    past_the_end: bool = False,
    look: bool = True,
) -> Tensor:
    """The closed loop, or what it becomes without one of its parts."""
    actions = []
    for t in range(horizon):
        actions.append(plan(state, horizon if past_the_end else horizon - t)[pick])
        state = step(state, actions[-1]) if look else state
    return torch.stack(actions)


def _states(step: Callable, state: Tensor, actions: Tensor) -> Tensor:
    """The states after each action."""
    states = [state]
    for action in actions:
        states.append(step(states[-1], action))
    return torch.stack(states[1:])


check_rollout = Exercise(
    "rollout",
    (_toy_plan, _toy_step, torch.tensor(2), 4),
    _rollout,
    "look, plan, act once, look again: a closed loop.",
    "For each t: plan over the steps left, keep the first action, take the step.",
    {
        "this plans once and executes the whole plan, open-loop. Plan anew in every new state.": (
            lambda plan, step, state, horizon: plan(state, horizon)
        ),
        "this executes the last action of each plan. The first one belongs to the present state.": (
            lambda *toy: _rollout(*toy, pick=-1)
        ),
        "this plans past the end of the episode: only T − t steps are left.": (
            lambda *toy: _rollout(*toy, past_the_end=True)
        ),
        "these are the states that it comes to. The executed actions are asked for.": (
            lambda plan, step, state, horizon: _states(step, state, _rollout(plan, step, state, horizon))
        ),
        "this plans from the first state every time. Let `step` move the state.": (
            lambda *toy: _rollout(*toy, look=False)
        ),
    },
)


BUDGET, TRIALS, REGRET = 200, 100, 2.0  # trajectories a decision; decisions that are judged; their greatest mean regret


def judge_repaired(repaired: Callable[[], Planner]) -> str:
    """Has a planner of at most BUDGET trajectories a small regret at IcyRoad's start?

    The verdict on a planner, by its budget and its regret.
    """
    planner = repaired()
    if not isinstance(planner, Planner):
        return f"expected a planner such as dl.RandomShooting(...), got {shortened(planner)}."
    env = IcyRoad()
    spent = trajectories(planner, env)
    if spent > BUDGET:
        return f"this imagines {spent} trajectories a decision, and {BUDGET} are allowed."
    plan = planner.plan(Belief(env), env.initial_state(TRIALS), env.horizon, generator=seeded(11))
    regret = exact.optimum(env) - exact.value(env, plan.actions)
    mean, error = regret.mean().item(), regret.std().item() / TRIALS**0.5
    told = f"regret {mean:.1f} ± {error:.1f} with {spent} trajectories"
    if mean <= REGRET:
        return f"right, {told}."
    promised = plan.value.mean().item() - exact.value(env, plan.actions).mean().item()
    if promised > 1:
        return f"{told}: it promises {promised:.1f} too much, so the winners are lucky. Too few particles a plan."
    return f"{told}: its promises are kept, but the best plan is seldom among those tried. Too few plans."


check_repaired = OpenExercise(name="repaired", verdict=judge_repaired, of_a_function=True, seconds=60)


def judge_two_estimates(two_estimates: Callable[[], Iterable[Sequence[float]]]) -> str:
    """Does the first of two unbiased estimates of −1, with less variance than the second, exceed 0 more often?

    The verdict on two distributions, four lists in all.
    """
    answer = two_estimates()
    try:
        lists = [torch.as_tensor(part, dtype=torch.float64) for part in answer]
    except (TypeError, ValueError):  # no lists, or not of numbers
        lists = []
    if len(lists) != 4 or any(x.ndim != 1 for x in lists):
        return "expected four lists: values and probabilities of the calmer estimate, then of the wilder one."
    moments = []
    for name, x, p in (("calmer", *lists[:2]), ("wilder", *lists[2:])):
        if x.shape != p.shape or bool((p < 0).any()) or not abs(p.sum() - 1) < 1e-3:
            return f"the {name} one needs a probability for each value, none negative, with the sum one."
        mean = (p * x).sum().item()
        if not abs(mean + 1) < 1e-3:
            return f"the {name} one has the mean {mean:.3f}, so it is biased: the risky plan is worth −1."
        moments.append(((p * (x - mean) ** 2).sum().item(), p[x > 0].sum().item()))
    (calm, calm_fooled), (wild, wild_fooled) = moments
    told = f"variances {calm:.2f} and {wild:.2f}, fooled in {calm_fooled:.0%} and {wild_fooled:.0%} of decisions"
    if calm >= wild:
        return f"{told}: the first must have less variance than the second."
    if calm_fooled <= wild_fooled:
        return f"{told}: the first must mislead more often. Make the second's good outcomes few and large, or none."
    return f"right, {told}: less variance, and the worse ranking."


check_two_estimates = OpenExercise(name="two_estimates", verdict=judge_two_estimates, of_a_function=True)
