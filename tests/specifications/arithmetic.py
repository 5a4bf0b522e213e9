"""docs/numeric_contract.md, sections Arithmetic, Elementary functions and Random numbers, in NumPy.

Arrays are float32 unless a name says otherwise. NumPy rounds each operation by itself, to nearest, so only fma needs
care.
"""

import hashlib
import math
import re
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np

CONTRACT = Path(__file__).resolve().parents[2] / "docs/numeric_contract.md"
RUN_TERMS = 16384
F = np.float32


def read_constants():
    """Name -> numbers (as text) of the contract's lists of constants, which may go on over several lines."""
    number = r"-?\d+\.\d+(?:e[+-]?\d+)?"
    constants, name, fenced = {}, None, False
    for line in CONTRACT.read_text().splitlines():
        if line.startswith("```"):
            fenced, name = not fenced, None
            continue
        match = re.fullmatch(rf"([a-zA-Z]\w*(?: \w+)?)?\s+((?:{number}\s*)+)", line)
        if not (fenced and match and (match[1] or name)):
            name = None
            continue
        name = match[1] or name
        constants.setdefault(name, []).extend(match[2].split())
    return constants


CONSTANTS = read_constants()


def fma(a, b, c):
    """a * b + c, rounded once. The product of two float32 is exact in double, and rounding the sum to double and then
    to float32 goes wrong only where the sum in double is halfway between two float32: there it is rounded to odd."""
    product = np.multiply(a, b, dtype=np.float64)
    total = np.asarray(product + c)
    magnitude = np.abs(total)
    halfway = (total.view(np.int64) & 0x1FFFFFFF) == 0x10000000
    halfway |= (magnitude < 2.0**-126) & (magnitude > 0)  # subnormal numbers have other places between them
    if halfway.any():
        parts = (np.broadcast_to(part, total.shape)[halfway] for part in (product, c))
        total[halfway] = sum_to_odd(*parts)
    return total.astype(F)


def sum_to_odd(a, b):
    """a + b in double, with the last bit set if that is not exact: what is between two numbers stays between them."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    total = a + b
    part = total - a
    error = (a - (total - part)) + (b - part)  # Knuth's two-sum: total + error is exact
    bits = total.view(np.int64)
    inexact = ((error > 0) | (error < 0)) & ((bits & 1) == 0)  # false where something is infinite or NaN
    away = (error > 0) == (total > 0)
    return (bits + np.where(inexact, np.where(away, 1, -1), 0)).view(np.float64)


def fma64(a, b, c):
    """The same of Python floats, by exact fractions."""
    return float(Fraction(a) * Fraction(b) + Fraction(c))


def chain(terms, start=None):
    """Of arrays along the first axis."""
    acc = np.zeros(terms.shape[1:], terms.dtype) if start is None else start.copy()
    for term in terms:
        acc = acc + term
    return acc


def pairwise(parts):
    parts = list(parts)
    step = 1
    while step < len(parts):
        for p in range(0, len(parts) - step, 2 * step):
            parts[p] = parts[p] + parts[p + step]
        step *= 2
    return parts[0]


def long_sum(terms):
    """Of arrays along the first axis."""
    starts = range(0, max(len(terms), 1), RUN_TERMS)
    return pairwise(chain(terms[start : start + RUN_TERMS]) for start in starts)


def matrix_product(a, b):
    """(M, K) x (K, N)."""
    acc = np.zeros((a.shape[0], b.shape[1]), F)
    for k in range(a.shape[1]):
        acc = fma(a[:, k, None], b[k], acc)
    return acc


def exp_reduced(x):
    """q and e(r)."""
    q = np.trunc(fma(x, F(1.442695040888963407), np.where(np.signbit(x), F(-0.5), F(0.5))))
    r = fma(q, F(-1.428606765330187045e-6), fma(q, F(-0.693145751953125), x))
    c = [F(text) for text in CONSTANTS["c"]]
    r2 = r * r
    r4 = r2 * r2
    low = fma(r2, fma(c[3], r, c[2]), fma(c[1], r, c[0]))
    return q, fma(fma(r4, fma(c[5], r, c[4]), low), r2, r)


def scaled_exp(q, e):
    half = np.floor(q / 2)
    return (e + F(1)) * np.ldexp(F(1), half.astype(int)) * np.ldexp(F(1), (q - half).astype(int))


def exp(x):
    """Of numbers up to 100."""
    q, e = exp_reduced(np.maximum(x, F(-105)))
    return np.where(x < F(-104), F(0), scaled_exp(q, e))


def tanh(x):
    magnitude = np.abs(x)
    twice = np.minimum(magnitude, F(20)) * F(2)
    q, e = exp_reduced(twice)
    y = np.where(twice < F(0.346573590279972655), e, scaled_exp(q, e) - F(1))
    return np.copysign(np.where(magnitude > F(18.714973875), F(1), y / (y + F(2))), x)


def log(x):
    """Of positive, normal numbers."""
    bits = x.view(np.uint32) + np.uint32(0x004AFB0D)
    k = ((bits >> np.uint32(23)).astype(np.int32) - 127).astype(F)
    y = ((bits & np.uint32(0x007FFFFF)) + np.uint32(0x3F3504F3)).view(F)
    m = y - F(1)
    z = m / (y + F(1))
    z2 = z * z
    z4 = z2 * z2
    c = [F(text) for text in CONSTANTS["l binary32"]]
    p = fma(fma(c[2], z4, c[0]), z2, fma(c[3], z4, c[1]) * z4)
    high, low = F(CONSTANTS["high binary32"][0]), F(CONSTANTS["low binary32"][0])
    return fma(k, high, -(fma(z, m - p, -(k * low)) - m))


def log64(x):
    """Of a positive, normal Python float."""
    number = struct.unpack("<Q", struct.pack("<d", x))[0]
    bits = number + 0x00095F6200000000
    k = float((bits >> 52) - 1023)
    of_y = ((bits & 0x000FFFFF00000000) + 0x3FE6A09E00000000) | (number & 0xFFFFFFFF)
    y = struct.unpack("<d", struct.pack("<Q", of_y))[0]
    m = y - 1.0
    z = m / (y + 1.0)
    z2 = z * z
    z4 = z2 * z2
    c = [float(text) for text in CONSTANTS["l double"]]
    odd = fma64(fma64(c[5], z4, c[3]), z4, c[1]) * z4
    p = fma64(fma64(fma64(fma64(c[6], z4, c[4]), z4, c[2]), z4, c[0]), z2, odd)
    high, low = float(CONSTANTS["high double"][0]), float(CONSTANTS["low double"][0])
    return fma64(k, high, -(fma64(z, m - p, -(k * low)) - m))


def u64(value):
    return struct.pack("<Q", value)


def text(value):
    return u64(len(value.encode())) + value.encode()


class Stream:
    def __init__(self, key):
        self.key = key

    @staticmethod
    def _derived(parent, kind, name):
        digest = hashlib.sha256(text("reprise.random.v1") + u64(parent) + text(kind) + text(name)).digest()
        return Stream(int.from_bytes(digest[:8], "little"))

    @staticmethod
    def of_seed(seed):
        return Stream._derived(seed, "seed", "")

    def child(self, name):
        kind = "name" if isinstance(name, str) else "index"
        return self._derived(self.key, kind, str(name))

    def words(self, counters):
        """The four words of each counter, as uint64: (counters, 4)."""
        low32 = np.uint64(0xFFFFFFFF)
        half = np.uint64(32)
        counters = np.asarray(counters, np.uint64)
        a, b = counters & low32, counters >> half
        c, d = np.zeros_like(a), np.zeros_like(a)
        k0, k1 = self.key & 0xFFFFFFFF, self.key >> 32
        for _ in range(10):
            one, two = np.uint64(0xD2511F53) * a, np.uint64(0xCD9E8D57) * c
            a, b, c, d = (two >> half) ^ b ^ np.uint64(k0), two & low32, (one >> half) ^ d ^ np.uint64(k1), one & low32
            k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
        return np.stack([a, b, c, d], axis=-1)

    def bits(self, counters):
        words = self.words(counters)
        return (words[..., 1] << np.uint64(32)) | words[..., 0]

    def uniform(self, counters):
        return (self.bits(counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def permutation(self, count):
        order = list(range(count))
        bits = self.bits(np.arange(count + 1))
        for i in range(count, 1, -1):
            other = int(bits[i]) * i >> 64
            order[i - 1], order[other] = order[other], order[i - 1]
        return order


def quantile(p):
    """The standard normal's, of an array of doubles."""
    def polynomial(name, x):
        value = np.zeros_like(x)
        for coefficient in reversed(CONSTANTS[name]):
            value = value * x + float(coefficient)
        return value

    q = p - 0.5
    r = 0.180625 - q * q
    central = q * polynomial("A", r) / polynomial("B", r)
    outside = np.abs(q) > 0.425
    result = central
    tails = np.where(q < 0, p, 1.0 - p)[outside]
    s = np.sqrt(-np.array([log64(float(tail)) for tail in tails]))
    near = polynomial("C", s - 1.6) / polynomial("D", s - 1.6)
    far = polynomial("E", s - 5.0) / polynomial("F", s - 5.0)
    magnitude = np.where(s <= 5.0, near, far)
    result[outside] = np.where(q[outside] < 0, -magnitude, magnitude)
    return result


def initial_values(kind, count, fan_in, fan_out, stream):
    u = stream.uniform(np.arange(count))
    if kind == "he_normal":
        t = 0.02275013194817920720
        z = np.clip(quantile(t + u * (1.0 - 2.0 * t)), -2.0, 2.0)
        return (math.sqrt(2.0 / fan_in) / 0.87962566103423978 * z).astype(F)
    if kind == "alexnet":
        return (0.01 * quantile(u + 2.0**-54)).astype(F)
    assert kind == "glorot_uniform"
    return (math.sqrt(6.0 / (fan_in + fan_out)) * (2.0 * u - 1.0)).astype(F)
