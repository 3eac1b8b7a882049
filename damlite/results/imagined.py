"""What the package's planner estimates on the roads as they are, drawn without what cannot matter.

A map of planners needs 10^10 imagined transitions and more. Most of what they simulate is known beforehand: both cars'
speeds follow from the actions, the oncoming car never heeds the agent, and one that turns right never meets it. What
is left is drawn as `Estimator.imagine` draws it. The noise of the speeds, 0.02 to 0.05 in a reward, is left out: it
does no more than break ties, and these go to the first of the sequences, whose order is random.
"""

import math
from dataclasses import dataclass, replace
from functools import singledispatch

import torch
from torch import Generator, Tensor

from ..data import Policy
from ..envs import Environment, IcyRoad, Intersection
from ..estimate import Estimator
from ..mixture import draw_noise, draw_stratified_noise
from ..planning import Planner
from ..support import validate
from .outcomes import DECIMALS, independent, probability


@dataclass(frozen=True)
class Proposal:
    """What a planner goes by: the road with another probability of its forks, and whether it is corrected.

    Attributes
    ----------
    probability : q's of `with_probability`
    weighted : whether rewards are weighted with the exact p/q
    offset : c of `estimate_value`, of one reward

    Raises ValueError if the probability is none.
    """

    probability: float
    weighted: bool = False
    offset: float = 0.0

    def __post_init__(self) -> None:
        validate.each(self, validate.number, "probability", least=0, most=1)
        validate.each(self, validate.number, "offset")

    def weights(self, env: Environment, estimator: Estimator) -> tuple[float, float]:
        """The weights of a transition in which the event of that probability happens, and in which it does not."""
        if not self.weighted:
            return 1.0, 1.0
        p, q = probability(env), self.probability
        ratios = (p / q if q > 0 else 1.0, (1 - p) / (1 - q) if q < 1 else 1.0)
        yes, no = estimator.log_weight(torch.tensor(ratios).log()).exp().tolist()
        return yes, no


@singledispatch
def estimates(
    env: Environment,
    proposal: Proposal,
    planner: Planner,
    state: Tensor,
    sequences: Tensor,
    generator: Generator | None,
) -> Tensor:
    """Estimated values (B, C) of sequences (B, C, H) from states (B, S), in law those of `planner.judge`.

    Raises ValueError if the environment is none of the roads.
    """
    raise ValueError(f"env must be an IcyRoad or an Intersection to be imagined quickly, got {env!r}")


def policy(env: Environment, proposal: Proposal, planner: Planner) -> Policy:
    """A policy for `collect`, in law that of `planning.policy` with the road of the proposal as its belief.

    Raises ValueError if the planner's estimate is no mean of weighted returns of independent particles.
    """
    independent(planner)

    def act(state: Tensor, step: int, generator: Generator | None) -> Tensor:
        steps = min(planner.horizon, env.horizon - step)
        flat = state.flatten(0, -2)
        sequences = planner.propose(env.n_actions, flat.shape[:1], steps, generator).expand(len(flat), -1, steps)
        values = estimates(env, proposal, planner, flat, sequences, generator)
        best = values.round(decimals=DECIMALS - 2).max(-1).indices
        return sequences[torch.arange(len(flat)), best, 0].reshape(state.shape[:-1])

    return act


def _noise(planner: Planner, batch: tuple[int, int], generator: Generator | None) -> Tensor:
    """A uniform and a normal number for each particle, (B, C, P, 2), or (B, 1, P, 2) if plans share them."""
    draw = draw_stratified_noise if planner.stratified else draw_noise
    shared = (batch[0], 1) if planner.common_random_numbers else batch
    return draw(*shared, planner.particles, features=1, generator=generator)


@estimates.register
def _(
    env: IcyRoad, proposal: Proposal, planner: Planner, state: Tensor, sequences: Tensor, generator: Generator | None
) -> Tensor:
    batch, steps = sequences.shape[:2], sequences.shape[-1]
    kicked_weight, stayed_weight = proposal.weights(env, planner)
    kicked_std = math.hypot(env.noise, env.swerve_spread)
    speed = state[:, 2].round()[:, None].expand(batch)
    y, ydot = (state[:, i, None, None].expand(*batch, planner.particles) for i in (1, 3))
    value = total = torch.zeros(())
    w = torch.ones(())
    for t in range(steps):
        bonus = torch.where(env.fast(speed), 8.0, 0.0)[..., None]
        reward = speed[..., None] + torch.where(y.abs() > 1, -6.0, bonus) - proposal.offset
        total, before = total + reward, w
        if t < steps - 1 or planner.estimator == "eq4":
            speed = speed + (sequences[..., t] - 1)
            slippery = env.fast(speed)[..., None]
            noise = _noise(planner, batch, generator)
            stay = noise[..., 0] >= proposal.probability
            left = noise[..., 0] < proposal.probability / 2
            kick = torch.where(left, env.swerve_speed, -env.swerve_speed) + kicked_std * noise[..., 1]
            w = w * torch.where(slippery, torch.where(stay, stayed_weight, kicked_weight), 1.0)
            ydot = ydot + torch.where(slippery & ~stay, kick, env.noise * noise[..., 1])
            y = y + ydot
        value = value + (before if planner.estimator == "per_decision" else w) * reward
    if planner.estimator == "trajectory":
        value = w * total
    return value.mean(-1) + steps * proposal.offset


@estimates.register
def _(
    env: Intersection,
    proposal: Proposal,
    planner: Planner,
    state: Tensor,
    sequences: Tensor,
    generator: Generator | None,
) -> Tensor:
    drive = _Drive(env, state, sequences)
    turned = state[:, 9] + math.pi / 2
    moving = ~env.crashed(state)
    value = drive.speed.sum(-1)
    undecided = moving & (turned.abs() <= env.turning)
    for rows, decided in ((undecided, False), (moving & (turned > env.turning), True)):
        if rows.any():
            some = _Some(env, proposal, planner, state[rows], drive.of(rows), decided)
            value[rows] = some.value(generator)
    return value


class _Drive:
    """What the agent does under plans (B, C, H): its speeds at s_1 … s_H, and how far it gets without noise."""

    def __init__(self, env: Intersection, state: Tensor, sequences: Tensor) -> None:
        speeds = [state[:, 3].round()[:, None].expand(sequences.shape[:2])]
        for action in sequences[..., :-1].unbind(-1):
            speeds.append((speeds[-1] + (action - 1)).clamp(0, env.top_speed))
        self.speed = torch.stack(speeds, -1)
        self.way = env.dt * (self.speed.cumsum(-1) - self.speed[..., :1])

    def of(self, rows: Tensor) -> "_Drive":
        """Of these states only."""
        some = object.__new__(_Drive)
        some.speed, some.way = self.speed[rows], self.way[rows]
        return some

    def losses(self) -> Tensor:
        """By how much a crash found at s_1 … s_H lowers the return: (B, C, H)."""
        steps = self.speed.shape[-1]
        tail = self.speed.sum(-1, keepdim=True) - self.speed.cumsum(-1)
        return 10.0 * torch.arange(steps, 0, -1) + tail


class _Some:
    """Plans from states that are alike: the oncoming car has still to turn, or turns left already."""

    def __init__(
        self,
        env: Intersection,
        proposal: Proposal,
        planner: Planner,
        state: Tensor,
        drive: _Drive,
        decided: bool,
    ) -> None:
        self.env, self.proposal, self.planner = env, proposal, planner
        self.state, self.drive, self.decided = state, drive, decided
        self.batch, self.steps = drive.speed.shape[:2], drive.speed.shape[-1]
        self.left_weight, self.right_weight = (1.0, 1.0) if decided else proposal.weights(env, planner)

    def value(self, generator: Generator | None) -> Tensor:
        """Estimates (B, C)."""
        left = self.left(generator)
        soonest, early = self.straight()
        value = torch.zeros(self.batch)
        left_late = torch.binomial(left, (1 - early).expand_as(left), generator)
        right = self.planner.particles - left
        right_late = torch.binomial(right, (1 - early).expand_as(left), generator)
        for straight, of_left, of_right in (
            (soonest, left - left_late, right - right_late),
            (soonest + 1, left_late, right_late),
        ):
            value = value + self.without_crash(straight, of_left, of_right) - self.crashes(straight, of_left, generator)
        return value / self.planner.particles + self.steps * self.proposal.offset

    def left(self, generator: Generator | None) -> Tensor:
        """How many particles turn left, (B, C) or, if plans share them, (B, 1)."""
        how = self.planner
        shape = (self.batch[0], 1 if how.common_random_numbers else self.batch[1])
        if self.decided:
            return torch.full(shape, float(how.particles))
        if how.stratified:
            picks = draw_stratified_noise(*shape, how.particles, features=0, generator=generator)[..., 0]
            return (picks < self.proposal.probability).sum(-1).float()
        q = torch.full(shape, self.proposal.probability)
        return torch.binomial(torch.full(shape, float(how.particles)), q, generator)

    def straight(self) -> tuple[Tensor, Tensor]:
        """The least number of steps (B,) that the oncoming car still goes straight, and its probability (B, 1).

        It turns from the first state with y ≤ 5 m on. y falls by one a step, but for noise: where it comes to 5 m
        all but exactly, chance says whether it turns there or one step later.
        """
        env, y = self.env, self.state[:, 6]
        if self.decided:
            return torch.zeros(len(y), dtype=torch.long), torch.ones(len(y), 1)
        stride = env.top_speed * env.dt
        least = ((y - env.turn_y) / stride).round().clamp(min=0)
        over = y - least * stride - env.turn_y  # how far it is above the line after so many steps, without noise
        spread = env.noise * env.dt * least.sqrt()
        early = torch.where(spread > 0, torch.special.ndtr(-over / spread.clamp(min=1e-9)), (over <= 0).float())
        return least.long(), early[:, None]

    def without_crash(self, straight: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """Sum over the particles that turn after so many steps (B,) of their returns, if no car ever crashed."""
        how = self.planner.estimator
        so_far = torch.nn.functional.pad((self.drive.speed - self.proposal.offset).cumsum(-1), (1, 0))
        transitions = self.steps if how == "eq4" else self.steps - 1
        plain = {"per_decision": straight + 1, "eq4": straight, "trajectory": 0 * straight}[how]
        plain = torch.where(straight < transitions, plain, self.steps)
        before = so_far.gather(-1, plain[:, None, None].expand(*self.batch, 1))[..., 0]
        later = so_far[..., -1] - before
        return (left + right) * before + (left * self.left_weight + right * self.right_weight) * later

    def near(self, straight: Tensor) -> Tensor:
        """Whether a plan comes near a car that turns left after so many steps, (B, C); no other can crash."""
        path, near = _LeftTurn(replace(self.env, noise=0.0), self.state, straight), torch.zeros(self.batch).bool()
        for i in range(1, self.steps - int(straight.min())):
            path.step()
            index = (straight + i).clamp(max=self.steps - 1)[:, None, None].expand(*self.batch, 1)
            way = self.drive.way.gather(-1, index)[..., 0]
            distance = torch.hypot(path.across[:, None], path.ahead[:, None] - way)
            # A heading's noise is felt in all later positions: its standard deviations add up, five of them suffice.
            astray = 5 * self.env.noise * (0.1 + math.sqrt(i * (i + 1) * (2 * i + 1) / 6))
            near |= (distance < self.env.crash_distance + astray) & (straight + i < self.steps)[:, None]
        return near

    def crashes(self, straight: Tensor, left: Tensor, generator: Generator | None) -> Tensor:
        """What crashes take off the sums of particles that turn left, each with a path of its own, (B, C)."""
        lost = torch.zeros(self.batch).flatten()
        if not (near := self.near(straight)).any():
            return lost.reshape(self.batch)
        plans = self.batch[1]
        if left.shape[1] < plans:  # plans share the paths
            row = torch.arange(len(left)).repeat_interleave(left[:, 0].long())
            of, candidate = near[row].nonzero(as_tuple=True)
            plan = row[of] * plans + candidate
        else:
            plan = torch.arange(left.numel()).repeat_interleave((left * near).flatten().long())
            row, of = plan // plans, torch.arange(len(plan))
        path = _LeftTurn(self.env, self.state[row], straight[row], generator)
        way, losses, end = self.drive.way, self.drive.losses(), (plan + 1) * self.steps
        at = plan * self.steps + straight[row][of]
        for _ in range(1, self.steps - int(straight.min())):
            path.step()
            at = at + 1
            open_ = at < end
            plan, of, at, end = plan[open_], of[open_], at[open_], end[open_]
            hit = (path.ahead[of] - way.take(at)).abs() < path.reach[of]
            lost.index_add_(0, plan[hit], losses.take(at[hit]))
            plan, of, at, end = plan[~hit], of[~hit], at[~hit], end[~hit]
        return self.left_weight * lost.reshape(self.batch)


class _LeftTurn:
    """Oncoming cars that turn left after `straight` steps, seen from an agent without noise of its own.

    Attributes
    ----------
    ahead : (N,), how far the other car is ahead of where the agent was, in metres
    reach : (N,), the agent crashes if its way differs from that by less; 0 if it cannot
    """

    def __init__(self, env: Intersection, state: Tensor, straight: Tensor, generator: Generator | None = None) -> None:
        self.env, self.generator = env, generator
        self.std = math.sqrt(2) * env.noise * env.dt  # of both cars' velocities together, in a step
        gone = straight.float()
        self.across = state[:, 5] - state[:, 0] + self.std * gone.sqrt() * self._normal(gone)
        self.ahead = state[:, 6] - state[:, 1] - env.top_speed * env.dt * gone
        self.ahead = self.ahead + self.std * gone.sqrt() * self._normal(gone)
        now = state[:, 9] + math.pi / 2
        self.turned = torch.where(straight == 0, now, env.noise * self._normal(gone))
        self.reach = torch.zeros_like(gone)

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator)

    def step(self) -> None:
        """One step of the turn."""
        env = self.env
        turned = (self.turned + env.top_speed * env.dt / env.left_radius).clamp(max=math.pi / 2)
        stride = env.top_speed * env.dt
        self.across = self.across + stride * turned.sin() + self.std * self._normal(turned)
        self.ahead = self.ahead - stride * turned.cos() + self.std * self._normal(turned)
        self.turned = turned + env.noise * self._normal(turned)
        self.reach = (env.crash_distance**2 - self.across.square()).clamp(min=0).sqrt()
