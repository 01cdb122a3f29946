"""How good a classifier is, in numbers for people: computed on the host, not differentiated.

    accuracy, top_k_accuracy                   the share that is right, or among the first k
    confusion_matrix                           how many of each class (row) were taken for which (column)
    precision, recall, f_score                 of those called a class, how many are; of those that are, how
                                               many were called so; and a mean of the two
    specificity                                of those that are not, how many were not called so
    jaccard                                    right, over called so or being so
    roc_auc, roc_curve, precision_recall_curve what a threshold on the scores would give

Predictions are class labels (N, *), integers or bools, or scores (N, C, *), floats, of which the largest
along dimension 1 is taken. Predictions and targets may be Tensors or anything NumPy reads. Predictions come
first, as for the losses; apart from that, names of arguments and values are scikit-learn's.

`accuracy`, `top_k_accuracy`, `confusion_matrix` and `specificity` need NumPy only; the others are
scikit-learn's own: `pip install 'tinygrad-cnn[metrics]'`.
"""

from tinygrad_cnn.metrics.counts import accuracy, confusion_matrix, top_k_accuracy
from tinygrad_cnn.metrics.ranking import precision_recall_curve, roc_auc, roc_curve
from tinygrad_cnn.metrics.scores import f_score, jaccard, precision, recall, specificity

__all__ = [
    "accuracy",
    "confusion_matrix",
    "f_score",
    "jaccard",
    "precision",
    "precision_recall_curve",
    "recall",
    "roc_auc",
    "roc_curve",
    "specificity",
    "top_k_accuracy",
]
