"""Lesson 00: a fixed plan on a road whose threshold speed moves; a weight, the whole method, a road of one's own."""

from collections.abc import Callable

import torch

from .. import exact, figures
from ..data import collect
from ..envs import IcyRoad
from ..estimate import estimate_value
from ..mixture import Mixture, seeded
from ..planning import Belief
from .careful import shortened
from .exercise import Exercise, OpenExercise
from .panel import Panel, dropdown, slider

PLANS = {
    "accelerate once, then hold": (2, 1, 1, 1, 1),
    "accelerate twice, then hold": (2, 2, 1, 1, 1),
    "always accelerate": (2, 2, 2, 2, 2),
    "never accelerate": (1, 1, 1, 1, 1),
}
EPISODES = 40
FASTER = IcyRoad(threshold=3.0)  # the road of the second exercise
TEMPTING = (2, 2, 2, 1, 1)  # on which a Gaussian's planner leaves it
MANY, CLOSE = 0.5, 1.0  # of the third: the share of cars thrown off at least, and the misjudged reward at most


def drive() -> Panel:
    """Drive a fixed plan down the icy road while its threshold speed moves."""
    fig, axes = figures.figure(2, width=10, height=3.8)
    road, bars = axes[0]
    figures.draw_road(road, IcyRoad(), torch.zeros(EPISODES, 6, 4))
    paths, cars = road.lines[2::2], road.lines[3::2]  # after the two edges of the road
    road.set(xlim=(0, 21), ylim=(-16, 16))
    with figures.style():
        columns = bars.barh(list(PLANS), [0.0] * len(PLANS), color=figures.TRUTH)
        marks = [bars.text(0, i, "", va="center") for i in range(len(PLANS))]
        bars.set(xlim=(-12, 48), xlabel="exact expected return", title="what each plan is worth")
        bars.axvline(0, color="black", lw=1)
        bars.invert_yaxis()

    def draw(plan: str, threshold: float, swerve_prob: float) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        actions = torch.tensor(PLANS[plan])
        generator = seeded(0)  # what changes on screen is due to the slider
        data = collect(env, lambda s, t, _: actions[t].expand(s.shape[:-1]), episodes=EPISODES, generator=generator)
        states = torch.cat([data.state, data.next_state[:, -1:]], dim=1)
        for path, car, state in zip(paths, cars, states.numpy(), strict=True):
            path.set_data(state[:, 0], state[:, 1])
            car.set_data(state[-1:, 0], state[-1:, 1])
        off = (data.state[..., 1].abs() > 1).any(-1).sum()
        road.set_title(f"{off} of {EPISODES} cars leave the road")
        for bar, mark, (name, sequence) in zip(columns, marks, PLANS.items(), strict=True):
            value = exact.value(env, torch.tensor(sequence))
            bar.set_width(value)
            bar.set_alpha(1.0 if name == plan else 0.4)
            mark.set(x=max(value, 0) + 0.8, text=f"{value:.2f}")

    controls = {
        "plan": dropdown("plan", list(PLANS), "always accelerate"),
        "threshold": slider("threshold speed", "lengths per step", 2.0, 0.0, 4.0, 1.0),
        "swerve_prob": slider("probability of swerving above it", "0 to 1", 0.9, 0.0, 1.0, 0.1),
    }
    description = f"Left: {EPISODES} cars that follow the chosen plan; right: the exact return of every plan."
    return Panel(fig, draw, controls, description)


check_weight = Exercise(
    name="weight",
    inputs=(torch.linspace(0.1, 0.9, 9),),
    right=lambda probability: probability / (1 - probability),
    praise="the odds, D/(1 − D) = p/q.",
    hint="Eq. 7 says D = σ(log p/q), that is D = p/(p + q). Solve it for p/q; at D = ½ the weight is 1.",
    mistakes={
        "this is p/(p + q), the probability of being real, not p/q. At D = ½ the two densities are equal: the weight "
        "there is 1.": lambda probability: probability,
        "this is q/p, the inverse. D is near 1 where p is larger than q.": lambda probability: (
            (1 - probability) / probability
        ),
        "this is log p/q, the logit. The estimate multiplies rewards by the ratio itself.": lambda probability: (
            probability.logit()
        ),
        "exp undoes the logarithm in a logit (Eq. 8), but D is a probability already.": lambda probability: (
            probability.exp()
        ),
        "this is right at D = ½ only: 2D cannot exceed 2, and a weight can.": lambda probability: 2 * probability,
    },
)


def judge_belief(believe: Callable[[IcyRoad, torch.Generator], Belief]) -> str:
    """Does a belief learned on FASTER take most of the error out of what the model promises for TEMPTING?

    The verdict on a function that collects, fits both networks, and returns the planner's belief.
    """
    belief = believe(FASTER, seeded(0))
    if not isinstance(belief, Belief):
        return f"expected a dl.Belief, got {type(belief).__name__}: {shortened(belief)}."
    if belief.env != FASTER:
        return f"this belief goes by the rewards of {belief.env}. Use the env that your function is given."
    if belief.dynamics is None or belief.dynamics is FASTER:
        return "this belief knows the road itself. Nobody does: give it your model for its dynamics."
    if belief.log_ratio is None:
        return "this belief has no weights: that is what fooled the planner. Add the discriminator's log_ratio."
    how = (belief.dynamics, FASTER.reward, FASTER.initial_state(), torch.tensor(TEMPTING))
    promised, corrected = (
        estimate_value(*how, log_ratio, particles=4000, generator=seeded(1)).item()
        for log_ratio in (None, belief.log_ratio)
    )
    worth = exact.value(FASTER, torch.tensor(TEMPTING))
    found = (
        f"accelerating three times is promised {promised:.1f}; with weights it is {corrected:.1f}, in truth {worth:.1f}"
    )
    if abs(corrected - worth) < abs(promised - worth) / 2:
        return f"right, {found}."
    return f"{found}. The weights repair too little. Were both networks fitted, and to the data of this road?"


check_believe = OpenExercise(name="believe", verdict=judge_belief, of_a_function=True, seconds=120)


def judge_harmless_road(road: IcyRoad) -> str:
    """Does a road throw off many cars, and yet a Gaussian hardly misjudges their mean next reward?

    The Gaussian has the true mean and spread, as one fitted to endless data has. The verdict on the road.
    """
    if not isinstance(road, IcyRoad):
        return f"expected a dl.IcyRoad, got {type(road).__name__}: {shortened(road)}."
    if road.noise == 0:
        return "expected a road with some noise: without it the cars that stay have no density."
    state = torch.tensor([2.0, 0.0, 2.0, 0.0])
    p = road.transition(state, torch.tensor(2))
    speed, sideways = p.marginal(2), p.marginal(3)
    means, stds = (torch.stack([getattr(m, name) for m in (speed, sideways)])[None] for name in ("mean", "std"))
    gaussian = Mixture(torch.zeros(1), means, stds, state, p.kinematics)
    truth, misjudged = (exact.next_reward(road, mixture).item() for mixture in (p, gaussian))
    off = (1 - p.marginal(1).cdf(torch.tensor(1.0)) + p.marginal(1).cdf(torch.tensor(-1.0))).item()
    found = (
        f"{100 * off:.0f} of 100 cars are thrown off; the mean next reward is {truth:.2f}, a Gaussian's {misjudged:.2f}"
    )
    if off < MANY:
        return f"{found}. Too few cars are thrown off: this ice is hardly dangerous."
    if abs(misjudged - truth) > CLOSE:
        return (
            f"{found}. The Gaussian still puts too many cars where hardly any is. Change where the cars go, or how far."
        )
    return f"right, {found}."


check_harmless_road = OpenExercise(name="harmless_road", verdict=judge_harmless_road)
