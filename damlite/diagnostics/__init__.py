"""Can the weights be trusted? Effective sample size, Pareto k, calibration."""

from .calibration import Calibration, calibration
from .weights import TRUSTWORTHY_K, effective_sample_size, pareto_k

__all__ = ["TRUSTWORTHY_K", "Calibration", "calibration", "effective_sample_size", "pareto_k"]
