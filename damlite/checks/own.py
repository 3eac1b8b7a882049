"""Exercises of lesson 10."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..data import collect
from ..gym import FromGymnasium
from .answers import answer, compare, say, untouched


def check_absorb(absorb: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Next states (T, S) of an episode that has ended where `terminated` (T,) is first true."""
    seen = torch.arange(1.0, 13.0).reshape(6, 2)
    terminated = torch.tensor([False, False, True, False, True, True])
    stays = torch.tensor([0, 1, 2, 2, 2, 2])
    early, late, last = (torch.tensor(i) for i in ([0, 1, 1, 1, 1, 1], [0, 1, 2, 3, 3, 3], [0, 1, 2, 3, 4, 4]))
    mistakes = {
        "this changes nothing. After the end the environment's answers mean nothing.": seen,
        "this fills up with zeros. Zero is a state like any other, an upright pole for one: keep the last.": (
            seen * (torch.arange(6) <= 2)[:, None]
        ),
        "this goes back to the state before the end. The state that ended the episode is the one that stays.": (
            seen[early]
        ),
        "this is one step late: the state after the end is no longer real.": seen[late],
        "this stays from the last `terminated`. The first one ends the episode.": seen[last],
    }
    given = answer(absorb, seen.clone(), terminated)
    if given is not None and given.shape == (3, 2):
        return say("absorb: this cuts the episode off. All episodes must be equally long: keep the last state.")
    praise = "the state that ended the episode stays, as a crash does at the Intersection."
    hint = "Find the first true entry of `terminated`. From there on every row is that row."
    return compare("absorb", given, seen[stays], mistakes, praise, hint)


def check_wind_reward(reward: Callable[[Tensor, Tensor], Tensor]) -> str:
    """9 right of 0.1, 1 left of it, and 0 where the pole leans by more than 0.2, for states (..., 4)."""
    x = torch.tensor([[-0.5, 0.05, 0.4], [0.3, 0.3, -0.2]])
    angle = torch.tensor([[0.1, -0.1, 0.05], [0.3, -0.3, -0.3]])
    state = torch.stack([x, torch.full_like(x, 5.0), angle, torch.full_like(x, 0.7)], -1)
    try:
        given = answer(reward, state, torch.zeros(2, 3, dtype=torch.long))
    except (RuntimeError, IndexError) as error:
        instead = "torch.where in place of if, and state[..., 2] in place of state[2]"
        return say(f"reward: it fails on a batch of states ({error}). Use {instead}.")
    fallen, windy = angle.abs() > 0.2, x > 0.1
    right = torch.where(fallen, 0.0, torch.where(windy, 9.0, 1.0))
    mistakes = {
        "a pole that leans to the left has fallen too: take the absolute value of the angle.": (
            torch.where(angle > 0.2, 0.0, torch.where(windy, 9.0, 1.0))
        ),
        "a fallen pole in the wind gets paid. Nobody gets anything for a fallen pole.": (
            torch.where(windy, 9.0, torch.where(fallen, 0.0, 1.0))
        ),
        "fallen poles get paid.": torch.where(windy, 9.0, 1.0),
        "the wind pays 8 *more* than the calm, 9 in all.": torch.where(fallen, 0.0, torch.where(windy, 8.0, 1.0)),
        "calm and wind are exchanged.": torch.where(fallen, 0.0, torch.where(windy, 1.0, 9.0)),
    }
    if given is not None and given.shape != right.shape and given.numel() == 1:
        return say("reward: one number for the whole batch. Every state needs a reward of its own: no sum, no mean.")
    hint = "Coordinate 0 is the position, 2 the angle: torch.where on the angle first, then on the position."
    return compare("reward", given, right, mistakes, "and it takes batches of any shape, as planners need.", hint)


def check_own(env: FromGymnasium | None) -> str:
    """An environment of one's own: does it give a planner something to choose?"""
    if env is None or env is ...:
        return untouched("own")
    if not isinstance(env, FromGymnasium):
        return say(f"own: this is a {type(env).__name__}. Put it in: dl.FromGymnasium(make, reward, horizon).")
    data = collect(env, episodes=8, generator=torch.Generator().manual_seed(0))
    if data.reward.isnan().any():
        return say("own: some rewards are NaN. A planner cannot compare them.")
    if data.reward.min() == data.reward.max():
        return say(
            f"own: every state that random play met has the reward {data.reward.min():g}. "
            "To a planner all is equal then: reward what leads to the goal, too."
        )
    if (data.next_state == data.state).all(-1).float().mean() > 0.5:
        return say("own: more than half of all steps come after the end. Choose a shorter horizon.")
    size = f"{len(env.state_names)} coordinates, {env.n_actions} actions, {env.horizon} steps"
    return say(f"own: right, {size}; random play returns {data.returns.mean():.1f}. `run_mbrl` takes it from here.")
