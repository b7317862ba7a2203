"""All rules in the order of the report."""

from nnguide.doctor import rules_data, rules_loss, rules_model, rules_training  # noqa: F401
from nnguide.doctor.rule import RULES, examine

__all__ = ["RULES", "examine"]
