"""All rules, in the order in which a report has them."""

from nnguide.doctor import rules_data, rules_loss, rules_model, rules_training  # noqa: F401
from nnguide.doctor.rule import RULES, examine

__all__ = ["RULES", "examine"]
