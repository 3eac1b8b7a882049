"""Exercises of lesson 06."""

from collections.abc import Callable

import torch
from torch import Tensor

from .answers import answer, compare


def check_choose(choose: Callable[[Tensor, Tensor, Tensor], int | Tensor]) -> str:
    """The action that RSPLANNER executes (Alg. 3), from rewards and log-ratios (K, P, H) and sequences (K, H)."""
    g = torch.Generator().manual_seed(0)
    problems = [(torch.randn(9, 6, 4, generator=g), torch.randn(9, 6, 4, generator=g)) for _ in range(40)]
    sequences = torch.randint(5, (9, 4), generator=g)
    given = answer(choose, *problems[0], sequences)
    if given is not None and given.ndim:
        return compare("choose", given, torch.tensor(0), {}, "", "")  # misshapen: it asks for one number
    if given is not None:
        given = torch.stack([answer(choose, *problem, sequences) for problem in problems])

    def decide(values: Callable[[Tensor, Tensor], Tensor], step: int = 0) -> Tensor:
        return torch.stack([sequences[values(r, x).argmax(), step] for r, x in problems])

    def returns(r: Tensor, x: Tensor, late: int = 0) -> Tensor:
        return ((x.cumsum(-1) - (1 - late) * x).exp() * r).sum(-1)

    def value(r: Tensor, x: Tensor) -> Tensor:
        return returns(r, x).mean(-1)

    def one_weight(r: Tensor, x: Tensor) -> Tensor:
        return (torch.nn.functional.pad(x[..., :-1], (1, 0)).exp() * r).sum(-1).mean(-1)

    mistakes = {
        "this takes the worst sequence. Alg. 3 asks for the arg max.": decide(lambda r, x: -value(r, x)),
        "this is the best sequence's last action. RSPLANNER executes the first, then plans anew.": decide(value, -1),
        "this averages over the wrong axis. Each of the K sequences needs one value.": decide(
            lambda r, x: returns(r, x).mean(0)
        ),
        "this takes the sequence of the luckiest particle. A value is the mean over the particles.": decide(
            lambda r, x: returns(r, x).amax(-1)
        ),
        "the weights are one step late. r_1 has none.": decide(lambda r, x: returns(r, x, 1).mean(-1)),
        "this leaves the weights out: it plans as if the model were right.": decide(lambda r, x: r.sum(-1).mean(-1)),
        "this weights each reward by one transition alone. Weights multiply along a plan.": decide(one_weight),
    }
    hint = "Weights before each reward, sum over the steps, mean over the particles, arg max, first action."
    return compare("choose", given, decide(value), mistakes, "that is RSPLANNER around ESTIMATEVALUE.", hint)


def check_error_of_difference(error: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Standard error of the mean of x − y, for returns x, y (P,) imagined with common random numbers."""
    noise = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    x, y = 8 * noise[0], 6 * noise[0] + 3 * noise[1]
    mistakes = {
        "this is √(Var X + Var Y): it forgets the covariance, as if the numbers were not common.": (
            (x.var() + y.var()).sqrt() / 50**0.5
        ),
        "this adds the covariance: it is the error of the sum x + y.": (x + y).std() / 50**0.5,
        "this is the spread of one particle's difference. The mean of P particles has 1/√P of it.": (x - y).std(),
        "this is the variance of the mean difference. Take its square root.": (x - y).var() / 50,
    }
    hint = "Pair the particles: how much does x − y spread from particle to particle?"
    praise = "pairing the particles takes the covariance into account."
    return compare("error_of_difference", answer(error, x, y), (x - y).std() / 50**0.5, mistakes, praise, hint)


def check_rollout(rollout: Callable[[Callable, Callable, Tensor, int], Tensor]) -> str:
    """The actions (T,) of an episode of T steps on a toy road, planned anew at every step."""

    def plan(state: Tensor, left: int) -> Tensor:
        return (3 * state + 3 * torch.arange(left) + 2 * left) % 7

    def drive(pick: int = 0, left: Callable[[int], int] = lambda t: 4 - t, moves: bool = True) -> Tensor:
        state, actions = start, []
        for t in range(4):
            actions.append(plan(state, left(t))[pick])
            state = state + (actions[-1] + 1) * moves
        return torch.stack(actions)

    start = torch.tensor(2)
    mistakes = {
        "this plans once and executes the whole plan, eyes shut. Plan anew in every new state.": plan(start, 4),
        "this executes the last action of each plan. The first one belongs to the present state.": drive(pick=-1),
        "this plans past the end of the episode: only T − t steps are left.": drive(left=lambda t: 4),
        "this plans from the first state every time. Let `step` move the state.": drive(moves=False),
    }
    hint = "For each t: plan over the steps left, keep the first action, take the step."
    given = answer(rollout, plan, lambda state, action: state + action + 1, start, 4)
    return compare("rollout", given, drive(), mistakes, "look, plan, act once, look again: a closed loop.", hint)
