"""A vision transformer whose last block is a mixture of experts; every token has its own route.

Sources and choices: `hydranet.config.moe`. In the words of the protocol, what comes before the
experts is the stem, the router is the gate, experts are branches, and the combiner is what follows.
Tokens are rows: B images of T tokens have a route of B·T rows.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hydranet.config.moe import MoeViTConfig
from hydranet.errors import InputError
from hydranet.models.combiner import weighted_sum
from hydranet.models.dynamic import (
    DynamicNetwork,
    DynamicOutput,
    Every,
    ImageView,
    OfTensor,
    in_order,
)
from hydranet.routing.routes import PADDING, Route, top_k_route


class Attention(nn.Module):
    """Self-attention over the tokens of an image. Its two products are counted."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        images, tokens, dim = x.shape
        qkv = self.qkv(x).view(images, tokens, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, D / heads) each
        scores = query @ key.transpose(2, 3) * query.shape[3] ** -0.5  # (B, heads, T, T)
        mixed = scores.softmax(dim=3) @ value  # (B, heads, T, D / heads)
        return self.out(mixed.transpose(1, 2).reshape(images, tokens, dim))


class Expert(nn.Module):
    """A transformer's MLP: of a block, or one expert of many."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.into = nn.Linear(dim, hidden)
        self.out = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(…, D) → (…, D)."""
        return self.out(F.gelu(self.into(x)))


class Block(nn.Module):
    """Attention and, unless experts stand for it, an MLP, each behind a layer norm."""

    def __init__(self, config: MoeViTConfig, *, with_mlp: bool) -> None:
        super().__init__()
        dim = config.dim
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, config.heads)
        self.norm2 = nn.LayerNorm(dim) if with_mlp else None
        self.mlp = Expert(dim, config.mlp * dim) if with_mlp else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        x = x + self.attention(self.norm1(x))
        if self.norm2 is None or self.mlp is None:
            return x
        return x + self.mlp(self.norm2(x))


class TokenStem(nn.Module):
    """Patches, where they lie, all blocks, the last without its MLP, and the experts' norm."""

    def __init__(self, config: MoeViTConfig) -> None:
        super().__init__()
        dim = config.dim
        self.patches = nn.Conv2d(3, dim, config.patch, config.patch)
        self.place = nn.Parameter(torch.empty(config.tokens, dim))
        nn.init.trunc_normal_(self.place, std=0.02)
        last = config.depth - 1
        self.blocks = nn.Sequential(
            *(Block(config, with_mlp=index < last) for index in range(config.depth))
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) → (B·T, D)."""
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.place  # (B, T, D)
        return self.norm(self.blocks(tokens)).flatten(0, 1)


class Router(nn.Module):
    """One linear score an expert for every token; its softmax is what an expert counts."""

    def __init__(self, dim: int, experts: int) -> None:
        super().__init__()
        self.score = nn.Linear(dim, experts)

    def forward(self, tokens: Tensor) -> Tensor:
        """(R, D) → (R, N)."""
        return self.score(tokens)

    def route(self, gate_scores: Tensor, k: int, *, threshold: float = 0.0) -> Route:
        """The k best-scored experts of each token, less those that get less than `threshold`.

        `gate_scores`: (R, N). Weights are a softmax over all N, not only over those chosen: so the
        router learns also where k is 1. Raises InputError if k or the threshold is out of range.
        """
        if not 0 <= threshold <= 1:
            raise InputError(f"The threshold of dynamic k must be from 0 to 1, not {threshold}.")
        fired = top_k_route(gate_scores, k).indices  # (R, k)
        weights = gate_scores.softmax(dim=1).gather(1, fired)
        dropped = weights < threshold
        dropped[:, 0] = False
        fired, weights = fired.masked_fill(dropped, PADDING), weights.masked_fill(dropped, 0.0)
        return Route(fired, weights, gate_scores.shape[1])


class MeanOfTokens(nn.Module):
    """What the experts add to each token, the mean over an image's tokens, one output layer."""

    def __init__(self, config: MoeViTConfig) -> None:
        super().__init__()
        self.tokens = config.tokens
        self.output = nn.Linear(config.dim, config.num_classes)

    def forward(self, features: Tensor, weights: Tensor, tokens: Tensor) -> Tensor:
        """(R, k, D) features, (R, k) weights and (R, D) tokens → (B, C)."""
        return self.output(self.pooled(features, weights, tokens))

    def pooled(self, features: Tensor, weights: Tensor, tokens: Tensor) -> Tensor:
        """The same without the output layer: (B, D)."""
        added = tokens + weighted_sum(features, weights)  # (R, D)
        return self.mean(added)

    def matrix(self) -> tuple[Tensor, Tensor]:
        """See `Combiner.matrix`; the mean of the tokens that came in adds to it."""
        return self.output.weight, self.output.bias

    def shares(self, features: Tensor, weights: Tensor) -> Tensor:
        """How much each expert adds to each logit of an image, whose features are `ImageView`'s:
        (B, k, D) and (B, k) → (B, k, C), exact."""
        return torch.einsum("bkd,bk,cd->bkc", features, weights, self.output.weight)

    def mean(self, rows: Tensor) -> Tensor:
        """(B·T, …) → (B, …): over each image's tokens."""
        return rows.unflatten(0, (-1, self.tokens)).mean(dim=1)


class MoeViT(DynamicNetwork):
    """See `DynamicNetwork`; a route has a row for each token."""

    config: MoeViTConfig

    def __init__(self, config: MoeViTConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = TokenStem(config)
        self.gate = Router(config.dim, config.num_branches)
        hidden = config.mlp * config.dim
        self.branches = nn.ModuleList(
            Expert(config.dim, hidden) for _ in range(config.num_branches)
        )
        self.combiner = MeanOfTokens(config)

    @property
    def rows(self) -> int:
        """A route has a row for each token."""
        return self.config.tokens

    def stem_maps(self, x: Tensor) -> Tensor:
        """The tokens where they lie: (B, D, h, w)."""
        side = self.config.image_size // self.config.patch
        tokens = self.stem(x).unflatten(0, (-1, side, side))  # (B, h, w, D)
        return tokens.permute(0, 3, 1, 2)

    def join(self, features: Tensor, weights: Tensor, stem_features: Tensor) -> Tensor:
        """See `DynamicNetwork.join`."""
        return self.combiner(features, weights, stem_features)

    def given_route(self, gate_scores: Tensor, fired: Tensor) -> Route:
        """The route of every token if the experts in `fired` (B, k) are all that there are."""
        allowed = torch.zeros(len(fired), self.config.num_branches, dtype=torch.bool)
        allowed = allowed.to(fired.device)
        rows = torch.arange(len(fired), device=fired.device)[:, None].expand_as(fired)
        is_there = fired != PADDING
        allowed[rows[is_there], fired[is_there]] = True
        masked = gate_scores.masked_fill(
            ~allowed.repeat_interleave(self.config.tokens, dim=0), -torch.inf
        )
        scores, indices = masked.topk(self.config.k, dim=1)
        padded = torch.isinf(scores)
        weights = gate_scores.softmax(dim=1).gather(1, indices).masked_fill(padded, 0.0)
        return Route(indices.masked_fill(padded, PADDING), weights, gate_scores.shape[1])

    def cut(self, branch: int) -> tuple[OfTensor, OfTensor]:
        """An expert has no feature maps: raises InputError."""
        raise InputError(
            "An expert of this network sees patches one by one and has no feature maps, so neither "
            "they nor Grad-CAM can be shown. Choose another method, or see which patch went where."
        )

    def pooled(self, every: Every, route: Route) -> Tensor:
        """See `DynamicNetwork.pooled`."""
        features = in_order(every.features, route.indices.clamp(min=0))
        return self.combiner.pooled(features, route.weights, every.stem_features)

    def image_view(self, output: DynamicOutput) -> ImageView:
        """See `DynamicNetwork.image_view`: experts that got a token, by their share of the answer;
        `gate_scores`: the logarithm of the router's mean share; `features`: means over tokens."""
        route, experts = output.route, self.config.num_branches
        share = self.combiner.mean(route.dense_weights)  # (B, N)
        rows = route.mask.unflatten(0, (-1, self.config.tokens)).sum(dim=1)  # (B, N)
        added = output.features.new_zeros(len(route.indices), experts, output.features.shape[2])
        place = route.indices.clamp(min=0)[:, :, None].expand_as(output.features)
        weighted = output.features * route.weights[:, :, None]
        added = self.combiner.mean(added.scatter_add(1, place, weighted))  # (B, N, D)
        features = added / share.clamp(min=1e-12)[:, :, None]
        order = share.masked_fill(rows == 0, -1).argsort(dim=1, descending=True, stable=True)
        ran = rows.gather(1, order)  # (B, N)
        wanted = self.combiner.mean(output.gate_scores.softmax(dim=1))
        return ImageView(
            gate_scores=wanted.clamp(min=1e-12).log(),
            fired=order.masked_fill(ran == 0, PADDING),
            weights=share.gather(1, order).masked_fill(ran == 0, 0.0),
            features=in_order(features, order),
            rows=ran,
        )
