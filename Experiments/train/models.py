"""Two small decoder-only transformers in the layouts of Hugging Face.

The modules are named so that ``state_dict()`` has the tensor names of
``LlamaForCausalLM`` and ``GPT2LMHeadModel``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCABULARY = 256


@dataclass(frozen=True)
class Shape:
    """The dimensions of a model; ``kv_heads`` is unused by GPT-2."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    positions: int
    dropout: float = 0.0
    norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    init_std: float = 0.02

    def __post_init__(self) -> None:
        """Refuse dimensions that do not fit together."""
        sizes = (self.hidden, self.layers, self.heads, self.kv_heads)
        if min(*sizes, self.intermediate, self.positions) < 1:
            raise ValueError("all dimensions must be positive")
        if self.hidden % self.heads:
            raise ValueError("hidden must be a multiple of heads")
        if self.heads % self.kv_heads:
            raise ValueError("heads must be a multiple of kv-heads")
        if self.head_dim % 2:
            raise ValueError("the head dimension must be even")

    @property
    def head_dim(self) -> int:
        """The width of one attention head."""
        return self.hidden // self.heads


class RMSNorm(nn.Module):
    """Root mean square norm with a learned scale."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis."""
        variance = x.pow(2).mean(-1, keepdim=True)
        return self.weight * (x * torch.rsqrt(variance + self.eps))


def rotate_half(x: Tensor) -> Tensor:
    """Return (-second half, first half) of the last axis."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


class LlamaAttention(nn.Module):
    """Causal attention with rotary positions and grouped key/value heads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv_width = shape.kv_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)
        self.k_proj = nn.Linear(shape.hidden, kv_width, bias=False)
        self.v_proj = nn.Linear(shape.hidden, kv_width, bias=False)
        self.o_proj = nn.Linear(shape.hidden, shape.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Attend from every position to itself and those before it."""
        batch, length, _ = x.shape
        split = (batch, length, -1, self.shape.head_dim)
        q = self.q_proj(x).view(split).transpose(1, 2)
        k = self.k_proj(x).view(split).transpose(1, 2)
        v = self.v_proj(x).view(split).transpose(1, 2)
        q = q * cos + rotate_half(q) * sin
        k = k * cos + rotate_half(k) * sin
        group = self.shape.heads // self.shape.kv_heads
        k = k.repeat_interleave(group, dim=1)
        v = v.repeat_interleave(group, dim=1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class LlamaMLP(nn.Module):
    """The gated feed-forward block."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.intermediate, bias=False)
        self.down_proj = nn.Linear(shape.intermediate, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return down(silu(gate(x)) * up(x))."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaLayer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = LlamaAttention(shape)
        self.mlp = LlamaMLP(shape)
        self.input_layernorm = RMSNorm(shape.hidden, shape.norm_eps)
        self.post_attention_layernorm = RMSNorm(shape.hidden, shape.norm_eps)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Apply attention and the feed-forward block to the residual."""
        x = x + self.dropout(self.self_attn(self.input_layernorm(x), cos, sin))
        return x + self.dropout(self.mlp(self.post_attention_layernorm(x)))


class LlamaModel(nn.Module):
    """The embedding, the layers and the last norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCABULARY, shape.hidden)
        self.layers = nn.ModuleList(
            LlamaLayer(shape) for _ in range(shape.layers)
        )
        self.norm = RMSNorm(shape.hidden, shape.norm_eps)
        exponents = torch.arange(0, shape.head_dim, 2).float() / shape.head_dim
        frequencies = 1.0 / shape.rope_theta**exponents
        angles = torch.outer(torch.arange(shape.positions).float(), frequencies)
        angles = torch.cat((angles, angles), dim=-1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the normalised hidden states."""
        length = tokens.shape[1]
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, self.cos[:length], self.sin[:length])
        return self.norm(x)


class Llama(nn.Module):
    """``LlamaForCausalLM`` with an untied head."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = LlamaModel(shape)
        self.lm_head = nn.Linear(shape.hidden, VOCABULARY, bias=False)
        _initialise(self, shape, ("o_proj.weight", "down_proj.weight"))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits, shaped [batch, length, 256]."""
        return self.lm_head(self.model(tokens))

    def config(self) -> dict[str, Any]:
        """Return ``config.json``."""
        shape = self.shape
        return {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": None,
            "eos_token_id": None,
            "head_dim": shape.head_dim,
            "hidden_act": "silu",
            "hidden_size": shape.hidden,
            "initializer_range": shape.init_std,
            "intermediate_size": shape.intermediate,
            "max_position_embeddings": shape.positions,
            "mlp_bias": False,
            "model_type": "llama",
            "num_attention_heads": shape.heads,
            "num_hidden_layers": shape.layers,
            "num_key_value_heads": shape.kv_heads,
            "pretraining_tp": 1,
            "rms_norm_eps": shape.norm_eps,
            "rope_scaling": None,
            "rope_theta": shape.rope_theta,
            "tie_word_embeddings": False,
            "torch_dtype": "float32",
            "use_cache": True,
            "vocab_size": VOCABULARY,
        }


class Conv1D(nn.Module):
    """A linear layer with its weight stored [in, out], as GPT-2 has it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ weight + bias."""
        return x @ self.weight + self.bias


class GPT2Attention(nn.Module):
    """Causal attention with the fused query/key/value projection."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.c_attn = Conv1D(shape.hidden, 3 * shape.hidden)
        self.c_proj = Conv1D(shape.hidden, shape.hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Attend from every position to itself and those before it."""
        batch, length, width = x.shape
        split = (batch, length, self.shape.heads, self.shape.head_dim)
        q, k, v = (
            part.view(split).transpose(1, 2)
            for part in self.c_attn(x).split(width, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(batch, length, width))


class GPT2MLP(nn.Module):
    """The feed-forward block with the tanh form of GELU (``gelu_new``)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.c_fc = Conv1D(shape.hidden, shape.intermediate)
        self.c_proj = Conv1D(shape.intermediate, shape.hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Return proj(gelu(fc(x)))."""
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class GPT2Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.hidden, eps=shape.norm_eps)
        self.attn = GPT2Attention(shape)
        self.ln_2 = nn.LayerNorm(shape.hidden, eps=shape.norm_eps)
        self.mlp = GPT2MLP(shape)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Apply attention and the feed-forward block to the residual."""
        x = x + self.dropout(self.attn(self.ln_1(x)))
        return x + self.dropout(self.mlp(self.ln_2(x)))


class GPT2Transformer(nn.Module):
    """The embeddings, the layers and the last norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.wte = nn.Embedding(VOCABULARY, shape.hidden)
        self.wpe = nn.Embedding(shape.positions, shape.hidden)
        self.h = nn.ModuleList(GPT2Layer(shape) for _ in range(shape.layers))
        self.ln_f = nn.LayerNorm(shape.hidden, eps=shape.norm_eps)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the normalised hidden states."""
        x = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        for layer in self.h:
            x = layer(x)
        return self.ln_f(x)


class GPT2(nn.Module):
    """``GPT2LMHeadModel``; the head is the token embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        if shape.kv_heads != shape.heads:
            raise ValueError("GPT-2 has as many kv-heads as heads")
        self.shape = shape
        self.transformer = GPT2Transformer(shape)
        _initialise(self, shape, ("c_proj.weight",))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits, shaped [batch, length, 256]."""
        return F.linear(self.transformer(tokens), self.transformer.wte.weight)

    def config(self) -> dict[str, Any]:
        """Return ``config.json``."""
        shape = self.shape
        return {
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.0,
            "bos_token_id": None,
            "embd_pdrop": 0.0,
            "eos_token_id": None,
            "initializer_range": shape.init_std,
            "layer_norm_epsilon": shape.norm_eps,
            "model_type": "gpt2",
            "n_ctx": shape.positions,
            "n_embd": shape.hidden,
            "n_head": shape.heads,
            "n_inner": shape.intermediate,
            "n_layer": shape.layers,
            "n_positions": shape.positions,
            "resid_pdrop": 0.0,
            "scale_attn_weights": True,
            "tie_word_embeddings": True,
            "torch_dtype": "float32",
            "use_cache": True,
            "vocab_size": VOCABULARY,
        }


STYLES: dict[str, type[Llama] | type[GPT2]] = {"llama": Llama, "gpt2": GPT2}


def _initialise(
    model: nn.Module, shape: Shape, residual_names: tuple[str, ...]
) -> None:
    """Draw the matrices; those that end a residual branch are smaller."""
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        std = shape.init_std
        if name.endswith(residual_names):
            std /= math.sqrt(2 * shape.layers)
        nn.init.normal_(parameter, std=std)
