"""Decimal numbers as TF Serving writes them into JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from serving.wire.tensors import Array


def six_digits(value: float) -> str:
    """Six significant digits, as absl::StrCat and C's `%g` write a number."""
    return f"{value:g}"


def decimals(values: Array) -> list[str]:
    """Each number of a float array, float32 or float64, flat.

    Six digits where they read back as the same number, else nine (float32) or seventeen
    (float64); always with a point or an exponent; NaN, Infinity and -Infinity as words,
    which strict JSON has not.
    """
    flat = values.ravel()
    digits = 9 if flat.dtype == np.float32 else 17
    numbers = flat.tolist()
    short = [f"{number:g}" for number in numbers]
    same = np.array(short, np.float64).astype(flat.dtype) == flat if numbers else []
    return [
        _with_point(text if is_same else f"{number:.{digits}g}", number)
        for text, is_same, number in zip(short, same, numbers, strict=True)
    ]


def decimal(value: float, dtype: npt.DTypeLike = np.float32) -> str:
    """One number, as `decimals` writes it."""
    return decimals(np.array([value], dtype))[0]


def join_single_line(texts: Sequence[str]) -> str:
    """A list on one line."""
    return "[" + ", ".join(texts) + "]"


def _with_point(text: str, number: float) -> str:
    if math.isfinite(number):
        return text if "." in text or "e" in text else text + ".0"
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"
