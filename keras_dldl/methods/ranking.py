"""The methods that ask at every label whether the face is older: K - 1 binary answers.

The outputs are logits of the ranking code (Gao et al. 2018/2020, section 3). As 1 minus a
cumulative distribution they stand for a label distribution, whose median is the decoded label
`l[sum_k 1(r_k >= 0.5)]`.
"""

from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_dldl.labels import LabelGrid
from keras_dldl.layers.heads import linear_head, shared_ranking_head
from keras_dldl.losses import RankingLoss
from keras_dldl.methods.base import Method
from keras_dldl.ops import compute_dtype, ranking_to_distribution, to_tensor


class _Ranking(Method):
    """What they share: the head, and from ranking code to distribution."""

    decoder = "median"

    def head(self, features: Any, grid: LabelGrid) -> Any:
        """Return the logits of the ranking code, (B, K-1)."""
        return linear_head(features, grid.size - 1)

    def distribution(self, raw: Any, grid: LabelGrid) -> Any:
        """Return the differences of the ranking code, once it is made falling, (B, K)."""
        return ranking_to_distribution(ops.sigmoid(to_tensor(raw, compute_dtype(raw))))


@dataclass(frozen=True)
class RankingBCE(_Ranking):
    """Binary cross-entropy of every answer (Niu et al. 2016; there OR-CNN).

    The paper's two outputs an answer, under a softmax, are one output under a sigmoid. Its
    importance of the answers, lambda_t, is 1 here.
    """

    name = "ranking-bce"
    summary = "is it older than l_k? binary cross-entropy of K-1 answers"

    def loss(self, grid: LabelGrid) -> RankingLoss:
        """Return the loss over `grid`, from logits."""
        return RankingLoss(grid, "bce", from_logits=True)


@dataclass(frozen=True)
class RankingL2(_Ranking):
    """Squared error of every answer (Gao et al. 2018/2020, section 4)."""

    name = "ranking-l2"
    summary = "is it older than l_k? squared error of K-1 answers"

    def loss(self, grid: LabelGrid) -> RankingLoss:
        """Return the loss over `grid`, from logits."""
        return RankingLoss(grid, "l2", from_logits=True)


@dataclass(frozen=True)
class CORAL(RankingBCE):
    """Ranking whose answers share one weight vector and differ in their biases alone.

    So they fall along the grid as soon as the biases do, which they do where the loss is least
    (Cao, Mirjalili and Raschka 2020, theorem 1). Importance of the answers: 1.
    """

    name = "coral"
    summary = "ranking with one weight vector for all answers, and a bias for each"

    def head(self, features: Any, grid: LabelGrid) -> Any:
        """Return the logits of the ranking code, (B, K-1)."""
        return shared_ranking_head(features, grid.size - 1)
