"""Retrieval: how good recommendations are, beside what any recommender should beat."""

from fieldfare.retrieval.comparison import Comparison, compare
from fieldfare.retrieval.evaluation import Evaluation, Trial, evaluate_scores

__all__ = ["Comparison", "Evaluation", "Trial", "compare", "evaluate_scores"]
