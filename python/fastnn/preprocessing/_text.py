"""Text to numbers and back, and windows of them for a language model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.preprocessing._counts import check_count

_WORDS = re.compile(r"\w+(?:'\w+)*|[^\w\s]")


class Vocabulary:
    """The tokens of a text, numbered from 0: its characters, or its words.

    Args:
        tokens: all that there are, in the order of their numbers.
        unknown: the token that stands for all others, one of `tokens`; None refuses others.
        words: whether tokens are words; else they are single characters.

    Attributes:
        tokens: as given.

    Raises:
        ValueError: there is no token, one comes twice, `unknown` is none of them, or one is longer
            than the character that it should be.

    Example:
        >>> vocabulary = Vocabulary.of_characters("hello")
        >>> vocabulary.tokens
        ('e', 'h', 'l', 'o')
        >>> vocabulary.encode("hole")
        array([1, 3, 2, 0], dtype=int32)
        >>> vocabulary.decode([1, 0, 2, 2, 3])
        'hello'
    """

    def __init__(
        self, tokens: Iterable[str], unknown: str | None = None, words: bool = False
    ) -> None:
        self.tokens = tuple(tokens)
        self.unknown = unknown
        self.words = words
        self._numbers = {token: number for number, token in enumerate(self.tokens)}
        if not self.tokens:
            raise ValueError("[Vocabulary] expected at least one token, got none")
        if len(self._numbers) < len(self.tokens):
            twice = next(t for t, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"[Vocabulary] expected different tokens, got {twice!r} twice")
        if unknown is not None and unknown not in self._numbers:
            raise ValueError(f"[Vocabulary] expected unknown to be a token, got {unknown!r}")
        for token in () if words else self.tokens:
            if len(token) != 1 and token != unknown:
                raise ValueError(f"[Vocabulary] expected single characters, got {token!r}")

    @classmethod
    def of_characters(cls, text: str) -> Vocabulary:
        """The characters of a text, sorted by their code points.

        Raises:
            ValueError: the text is empty.
        """
        return cls(sorted(set(text)))

    @classmethod
    def of_words(
        cls, text: str, max_tokens: int | None = None, unknown: str = "<unknown>"
    ) -> Vocabulary:
        """The words of a text, most frequent first, behind `unknown`, which is number 0.

        A word is a run of letters, digits and underscores, apostrophes within it included; a
        punctuation mark is a word of its own. Words that are equally frequent are sorted.

        Args:
            text: what is split into words.
            max_tokens: how many tokens there are at most, with `unknown`; None for all.
            unknown: the token of all other words.

        Raises:
            ValueError: `max_tokens` is below 2.

        Example:
            >>> words = Vocabulary.of_words("to be, or not to be", max_tokens=3)
            >>> words.tokens
            ('<unknown>', 'be', 'to')
            >>> words.decode(words.encode("To be or not to be"))
            '<unknown> be <unknown> <unknown> to be'
        """
        if max_tokens is not None and max_tokens < 2:
            raise ValueError(f"[Vocabulary] expected max_tokens of at least 2, got {max_tokens}")
        counts = Counter(_WORDS.findall(text))
        counts.pop(unknown, None)
        words = sorted(counts, key=lambda word: (-counts[word], word))
        kept = words if max_tokens is None else words[: max_tokens - 1]
        return cls([unknown, *kept], unknown, words=True)

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> NDArray[np.int32]:
        """The numbers of a text's tokens, of shape (tokens,).

        Raises:
            TypeError: for something that is no text.
            ValueError: for a token that is not in the vocabulary, where there is no `unknown`.
        """
        if not isinstance(text, str):
            raise TypeError(f"[Vocabulary] expected a text, got {type(text).__name__}")
        if self.words:
            return np.array([self._number(word, text) for word in _WORDS.findall(text)], np.int32)
        return self._encode_characters(text)

    def _encode_characters(self, text: str) -> NDArray[np.int32]:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        distinct, places = np.unique(codes, return_inverse=True)
        numbers = np.array([self._number(chr(code), text) for code in distinct], np.int32)
        return numbers[places.reshape(-1)] if len(numbers) else np.empty(0, np.int32)

    def _number(self, token: str, text: str) -> int:
        number = self._numbers.get(token)
        if number is not None:
            return number
        if self.unknown is None:
            raise ValueError(
                f"[Vocabulary] {token!r}, at character {text.index(token)} of the text, is none of"
                f" the {len(self)} tokens"
            )
        return self._numbers[self.unknown]

    def decode(self, numbers: Any) -> str:
        """The text of tokens: characters joined, words with spaces between them.

        Args:
            numbers: of shape (tokens,), 0 <= number < len(vocabulary).

        Raises:
            TypeError: for numbers that are not whole.
            ValueError: for another shape, or a number that is no token's.
        """
        array = np.asarray(numbers)
        if array.size == 0:
            return ""
        if array.dtype.kind not in "iu":
            raise TypeError(f"[Vocabulary] expected whole numbers, got dtype {array.dtype}")
        if array.ndim != 1:
            raise ValueError(f"[Vocabulary] expected shape (tokens,), got {array.shape}")
        if array.min() < 0 or array.max() >= len(self):
            wrong = array[(array < 0) | (array >= len(self))][0]
            raise ValueError(f"[Vocabulary] expected numbers 0 to {len(self) - 1}, got {wrong}")
        joint = " " if self.words else ""
        return joint.join(self.tokens[number] for number in array)

    def get_config(self) -> dict[str, Any]:
        """What makes the same vocabulary again, of plain types, as JSON takes them."""
        return {"tokens": list(self.tokens), "unknown": self.unknown, "words": self.words}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Vocabulary:
        """The vocabulary of a configuration."""
        return cls(**config)


def next_token_windows(
    tokens: Any, length: int, step: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Windows of a text, and what follows each of their tokens: for training in any order.

    Args:
        tokens: of shape (n,), as `Vocabulary.encode` gives them.
        length: tokens a window.
        step: from one window's beginning to the next one's.

    Returns:
        x and y of shape (windows, length), y[i, t] being the token behind x[i, t]. Both are
        read-only views of `tokens`: however much the windows overlap, nothing is copied.

    Raises:
        TypeError: if the tokens are no whole numbers.
        ValueError: for another shape, or fewer than ``length + 1`` tokens.

    Example:
        >>> x, y = next_token_windows(np.arange(7), 3, step=2)
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [2, 3, 4]], [[1, 2, 3], [3, 4, 5]])
    """
    array = _check_tokens("next_token_windows", tokens, length)
    check_count("next_token_windows", "step", step)
    windows = np.lib.stride_tricks.sliding_window_view(array, length + 1)[::step]
    return windows[:, :-1], windows[:, 1:]


def next_token_streams(
    tokens: Any, length: int, batch_size: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """A text as parallel streams, for layers that carry their state from batch to batch.

    The text is cut into `batch_size` streams of equal length (a remainder at its end is left out),
    and each batch holds the next `length` tokens of every stream: row r of a batch goes on where
    row r of the batch before it ended. Train with this `batch_size` and ``shuffle=False``.

    Args:
        tokens: of shape (n,), as `Vocabulary.encode` gives them.
        length: tokens a row.
        batch_size: streams.

    Returns:
        x and y of shape (batches * batch_size, length), y[i, t] being the token behind x[i, t].

    Raises:
        TypeError: if the tokens are no whole numbers.
        ValueError: for another shape, or fewer than ``batch_size * length + 1`` tokens.

    Example:
        >>> x, y = next_token_streams(np.arange(13), length=2, batch_size=3)
        >>> x.tolist()
        [[0, 1], [4, 5], [8, 9], [2, 3], [6, 7], [10, 11]]
    """
    array = _check_tokens("next_token_streams", tokens, length)
    check_count("next_token_streams", "batch_size", batch_size)
    batches = (len(array) - 1) // (batch_size * length)
    if batches == 0:
        raise ValueError(
            f"next_token_streams expected at least {batch_size * length + 1} tokens for"
            f" batch_size={batch_size} and length={length}, got {len(array)}"
        )
    used = batches * batch_size * length

    def rows(part: NDArray[Any]) -> NDArray[Any]:
        streams = part.reshape(batch_size, batches, length).transpose(1, 0, 2)
        return np.ascontiguousarray(streams).reshape(batches * batch_size, length)

    return rows(array[:used]), rows(array[1 : used + 1])


def _check_tokens(owner: str, tokens: Any, length: int) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(tokens)
    if array.ndim != 1:
        raise ValueError(f"{owner} expected tokens of shape (n,), got {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{owner} expected whole numbers as tokens, got dtype {array.dtype}")
    check_count(owner, "length", length)
    if len(array) < length + 1:
        raise ValueError(
            f"{owner} expected at least {length + 1} tokens for length={length}, got {len(array)}"
        )
    return array
