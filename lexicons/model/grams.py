"""N-grams as places in tables: hashed, all at once, so that a post costs some ten array operations and no dictionary of words.

A word's hash is its CRC-32, a letter's its code point. An n-gram's hash is h(a, b, …) = (…(a · P + b) · P + …) modulo 2^32; the
place is the upper bits of hash · M (multiplicative hashing, Knuth, The Art of Computer Programming 3, 6.4). Every n-gram counts
as often as it stands there; the sum is divided by the root of how many there are, so that a long post does not shout.
"""

from zlib import crc32

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.uint32]
WORD_BITS, LETTER_BITS, SHAPE_BITS = 17, 18, 17
WORDS, LETTERS, SHAPES = (1, 2), (3, 4, 5), (1, 2, 3, 4)  # lengths of the n-grams
_P, _M = np.uint32(0x01000193), np.uint32(0x9E3779B1)


class _Hashes(dict[str, int]):
    """Hash by word: a cache, bounded."""

    def __missing__(self, word: str) -> int:
        found = crc32(word.encode("utf-8", "replace"))
        if len(self) >= 100_000:
            self.clear()
        self[word] = found
        return found


_HASHES = _Hashes()


def of_words(words: list[str]) -> Places:
    """Places of the words and pairs of words."""
    return _grams(_hashed(words), WORDS, WORD_BITS)


def of_letters(words: list[str]) -> Places:
    """Places of the letters of words and of what lies between them."""
    joined = f" {' '.join(words)} "
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _grams(codes, LETTERS, LETTER_BITS)


def of_shapes(shapes: list[str]) -> Places:
    """Places of one to four shapes in a row."""
    return _grams(_hashed(shapes), SHAPES, SHAPE_BITS)


def _hashed(words: list[str]) -> Places:
    hashes = _HASHES
    return np.array([hashes[word] for word in words], np.uint32)


def _grams(codes: Places, lengths: tuple[int, ...], bits: int) -> Places:
    found: list[Places] = []
    hashed = codes
    for length in range(1, min(lengths[-1], len(codes)) + 1):
        if length > 1:
            hashed = hashed[:-1] * _P + codes[length - 1 :]
        if length in lengths:
            found.append(hashed)
    if not found:
        return np.empty(0, np.uint32)
    places = np.concatenate(found)
    places *= _M
    places >>= np.uint32(32 - bits)
    return places
