"""What lessons and tests are held against: values, ratios and variances without sampling."""

from .finite import chi_square, estimate_variance, least_variance_proposal
from .optimum import closed_loop_optimum, optimum
from .ratios import log_ratio, next_reward, next_reward_variance, weight_second_moment
from .values import best_sequence, value

__all__ = [
    "best_sequence",
    "chi_square",
    "closed_loop_optimum",
    "estimate_variance",
    "least_variance_proposal",
    "log_ratio",
    "next_reward",
    "next_reward_variance",
    "optimum",
    "value",
    "weight_second_moment",
]
