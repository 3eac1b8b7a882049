"""Checks of the notebooks' exercises, a file for each lesson: each says what is wrong, by name, and hints."""

from .classify import check_bayes_classifier, check_classifier_loss, check_unequal_weight
from .correct import check_corrected_mean, check_diagnosis
from .cross import check_backup, check_crossing_reward, check_shifted_value
from .drive import check_estimate, check_weight
from .fit import check_gaussian_log_prob, check_mixture_log_prob
from .judge import check_interquartile_mean, check_standard_error, check_verdict
from .loop import check_best_method, check_shift
from .own import check_absorb, check_own, check_wind_reward
from .plan import check_choose, check_error_of_difference, check_rollout
from .variance import check_estimate_variance, check_optimal_proposal, check_weighted_gradient
from .weigh import check_sample_size, check_trajectory_weight

__all__ = [
    "check_absorb",
    "check_backup",
    "check_bayes_classifier",
    "check_best_method",
    "check_choose",
    "check_classifier_loss",
    "check_corrected_mean",
    "check_crossing_reward",
    "check_diagnosis",
    "check_error_of_difference",
    "check_estimate",
    "check_estimate_variance",
    "check_gaussian_log_prob",
    "check_interquartile_mean",
    "check_mixture_log_prob",
    "check_optimal_proposal",
    "check_own",
    "check_rollout",
    "check_sample_size",
    "check_shift",
    "check_shifted_value",
    "check_standard_error",
    "check_trajectory_weight",
    "check_unequal_weight",
    "check_verdict",
    "check_weight",
    "check_weighted_gradient",
    "check_wind_reward",
]
