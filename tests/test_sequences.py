"""Texts and series as sequences: vocabularies, windows, streams, and their errors."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from fastnn.datasets import read_text, shakespeare
from fastnn.layers import Dense, Embedding, Flatten
from fastnn.models import Sequential
from fastnn.preprocessing import (
    Vocabulary,
    next_token_streams,
    next_token_windows,
    timeseries_windows,
)
from fastnn.utils import pad_sequences

TEXT = "to be, or not to be: that's the question.\nß € 🙂"


def test_characters_there_and_back():
    vocabulary = Vocabulary.of_characters(TEXT)
    assert list(vocabulary.tokens) == sorted(set(TEXT))
    numbers = vocabulary.encode(TEXT)
    assert numbers.dtype == np.int32
    assert numbers.tolist() == [vocabulary.tokens.index(c) for c in TEXT]
    assert vocabulary.decode(numbers) == TEXT
    assert vocabulary.decode(list(numbers[:3])) == "to "
    assert vocabulary.encode("").shape == (0,)
    assert vocabulary.decode(vocabulary.encode("")) == ""


def test_words_there_and_back():
    words = Vocabulary.of_words(TEXT)
    assert words.tokens[:3] == ("<unknown>", "be", "to")
    assert words.decode(words.encode("that's the question.")) == "that's the question ."
    assert words.encode("the end").tolist() == [words.tokens.index("the"), 0]
    assert len(Vocabulary.of_words(TEXT, max_tokens=4)) == 4


def test_words_of_one_letter_are_words():
    words = Vocabulary.of_words("a b a")
    assert words.encode("ab a").tolist() == [0, 1]


@pytest.mark.parametrize("vocabulary", [Vocabulary.of_characters(TEXT), Vocabulary.of_words(TEXT)])
def test_a_vocabulary_survives_json(vocabulary):
    config = json.loads(json.dumps(vocabulary.get_config()))
    again = Vocabulary.from_config(config)
    assert again.get_config() == vocabulary.get_config()
    np.testing.assert_array_equal(again.encode("to be"), vocabulary.encode("to be"))


def test_unknown_characters():
    with pytest.raises(ValueError, match="'x', at character 2 of the text, is none of the 2"):
        Vocabulary("ab").encode("abx")
    assert Vocabulary("ab?", unknown="?").encode("axb").tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("tokens", "options", "message"),
    [
        ("", {}, "at least one token"),
        ("aba", {}, "got 'a' twice"),
        ("ab", {"unknown": "?"}, "unknown to be a token, got '?'"),
        (["a", "bc"], {}, "single characters, got 'bc'"),
    ],
)
def test_vocabulary_refuses(tokens, options, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(tokens, **options)


@pytest.mark.parametrize(
    ("numbers", "error", "message"),
    [
        ([0, 2], ValueError, "numbers 0 to 1, got 2"),
        ([0, -1], ValueError, "numbers 0 to 1, got -1"),
        ([[0]], ValueError, r"shape \(tokens,\), got \(1, 1\)"),
        ([0.5], TypeError, "whole numbers, got dtype float64"),
    ],
)
def test_decode_refuses(numbers, error, message):
    with pytest.raises(error, match=message):
        Vocabulary("ab").decode(numbers)


@pytest.mark.parametrize(
    ("count", "length", "step"), [(20, 4, 1), (20, 4, 3), (5, 4, 7), (2, 1, 1)]
)
def test_windows_of_tokens(count, length, step):
    tokens = np.arange(count, dtype=np.int32) * 7 % 5
    x, y = next_token_windows(tokens, length, step)
    starts = range(0, count - length, step)
    assert x.tolist() == [tokens[s : s + length].tolist() for s in starts]
    assert y.tolist() == [tokens[s + 1 : s + length + 1].tolist() for s in starts]
    assert np.shares_memory(x, tokens)
    assert not x.flags.writeable


def test_streams_go_on_from_batch_to_batch():
    tokens = np.arange(100)
    x, y = next_token_streams(tokens, length=4, batch_size=3)
    assert x.shape == y.shape == (24, 4)
    batches = x.reshape(8, 3, 4)
    for row in range(3):
        stream = batches[:, row].reshape(-1)
        np.testing.assert_array_equal(stream, tokens[row * 32 : (row + 1) * 32])
    np.testing.assert_array_equal(y, x + 1)


def test_windows_and_streams_refuse():
    with pytest.raises(ValueError, match="at least 5 tokens for length=4, got 4"):
        next_token_windows(np.arange(4), 4)
    with pytest.raises(ValueError, match="step of at least 1, got 0"):
        next_token_windows(np.arange(9), 4, 0)
    with pytest.raises(TypeError, match=r"length to be a whole number, got 2\.5"):
        next_token_windows(np.arange(9), 2.5)
    with pytest.raises(TypeError, match=r"batch_size to be a whole number, got 2\.0"):
        next_token_streams(np.arange(90), 4, 2.0)
    with pytest.raises(TypeError, match="sequence_length to be a whole number, got '3'"):
        timeseries_windows(np.arange(9), None, "3")
    with pytest.raises(TypeError, match="expected a text, got bytes"):
        Vocabulary("ab").encode(b"ab")
    with pytest.raises(ValueError, match="length of at least 1, got 0"):
        next_token_windows(np.arange(9), 0)
    with pytest.raises(ValueError, match=r"tokens of shape \(n,\), got \(3, 3\)"):
        next_token_windows(np.zeros((3, 3), int), 1)
    with pytest.raises(TypeError, match="whole numbers as tokens, got dtype float64"):
        next_token_windows(np.zeros(9), 1)
    with pytest.raises(
        ValueError, match="at least 13 tokens for batch_size=3 and length=4, got 12"
    ):
        next_token_streams(np.arange(12), 4, 3)
    with pytest.raises(ValueError, match="batch_size of at least 1"):
        next_token_streams(np.arange(12), 4, 0)


def test_a_model_learns_from_overlapping_views():
    tokens = Vocabulary.of_characters("abcd").encode("abcd" * 100)
    x, y = next_token_windows(tokens, 3)
    model = Sequential([Embedding(4, 5, input_length=3), Flatten(), Dense(4, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y[:, -1], epochs=20, verbose=0)
    assert history.history["accuracy"][-1] == 1.0


@pytest.mark.parametrize("features", [(), (3,), (2, 2)])
@pytest.mark.parametrize("settings", [(4, 1, 1), (4, 3, 1), (3, 1, 2), (3, 2, 4), (1, 1, 1)])
@pytest.mark.parametrize("bounds", [(None, None), (5, None), (None, 17), (3, 18)])
def test_windows_of_a_series(features, settings, bounds):
    length, stride, rate = settings
    size = int(np.prod(features))
    data = np.arange(20.0 * size).reshape(20, *features)
    targets = -np.arange(20)
    x, y = timeseries_windows(data, targets, length, stride, rate, *bounds)
    first, last = bounds[0] or 0, bounds[1] or 20
    starts = range(first, last - (length - 1) * rate, stride)
    expected = np.stack([data[s : s + (length - 1) * rate + 1 : rate] for s in starts])
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(y, targets[list(starts)])
    assert np.shares_memory(x, data)
    assert not x.flags.writeable
    assert not y.flags.writeable
    alone = timeseries_windows(data, None, length, stride, rate, *bounds)
    np.testing.assert_array_equal(alone, expected)


def test_windows_end_with_the_targets():
    x, y = timeseries_windows(np.arange(10), np.arange(3, 10), 3)
    assert (len(x), len(y)) == (7, 7)
    x, y = timeseries_windows(np.arange(10), np.arange(4), 3, start_index=2)
    assert (x[:, 0].tolist(), y.tolist()) == ([2, 3], [2, 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequence_length": 0}, "sequence_length of at least 1, got 0"),
        ({"sequence_stride": 0}, "sequence_stride of at least 1"),
        ({"sampling_rate": -1}, "sampling_rate of at least 1"),
        ({"sequence_length": 11}, "at least 11 steps .* got 10"),
        ({"sequence_length": 4, "sampling_rate": 4}, "at least 13 steps .* got 10"),
        ({"start_index": 10}, "start_index of 0 to 9, got 10"),
        ({"start_index": -1}, "start_index of 0 to 9, got -1"),
        ({"end_index": 11}, "end_index of 1 to 10, got 11"),
        ({"start_index": 4, "end_index": 4}, "end_index of 5 to 10, got 4"),
        ({"targets": np.arange(3), "start_index": 3}, "more than 3 targets, got shape"),
        ({"data": 1.0}, r"data of shape \(time, …\), got shape \(\)"),
        ({"data": []}, r"data of shape \(time, …\), got shape \(0,\)"),
    ],
)
def test_windows_of_a_series_refuse(options, message):
    given = {"data": np.arange(10), "targets": None, "sequence_length": 2, **options}
    with pytest.raises(ValueError, match=message):
        timeseries_windows(**given)


def test_padding():
    given = [[1, 2, 3], [], [4], np.array([5, 6])]
    for padding in ("pre", "post"):
        for truncating in ("pre", "post"):
            got = pad_sequences(given, 2, padding=padding, truncating=truncating, value=9)
            one = [9, 4] if padding == "pre" else [4, 9]
            three = [2, 3] if truncating == "pre" else [1, 2]
            assert got.tolist() == [three, [9, 9], one, [5, 6]]
    wide = pad_sequences([np.ones((2, 3)), np.ones((1, 3))], dtype="float32")
    assert wide.shape == (2, 2, 3)
    assert wide.sum() == 9


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pad_sequences([]), ValueError, "expected sequences, got none"),
        (lambda: pad_sequences([[1]], padding="left"), ValueError, "padding 'pre' or 'post'"),
        (lambda: pad_sequences([[1]], truncating="x"), ValueError, "truncating 'pre' or"),
        (lambda: pad_sequences([[1]], maxlen=0), ValueError, "maxlen of at least 1, got 0"),
        (lambda: pad_sequences([[1], 2]), TypeError, "a sequence at 1, got 2"),
        (lambda: pad_sequences([[1.5]]), TypeError, "whole numbers for dtype int32, got float64"),
        (
            lambda: pad_sequences([[[1, 2]], [[1]]]),
            ValueError,
            r"steps of shape \(2,\), got \(1,\) in sequence 1",
        ),
    ],
)
def test_padding_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"fine\nM\xfcller\n", "line 2: expected UTF-8 text, got the byte 0xfc"),
        ("text".encode("utf-16"), "expected UTF-8 text, got UTF-16"),
        (b"a\n\nb\0", "line 3: expected text, got a NUL"),
        (b"x" * 101, "at most 100 bytes, got 101"),
    ],
)
def test_read_text_refuses(tmp_path, content, message):
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_text(path, max_bytes=100)


def test_read_text(tmp_path):
    path = tmp_path / "text"
    path.write_bytes("\ufeffeins\r\nzwei\rdrei\n".encode())
    assert read_text(path) == "eins\nzwei\ndrei\n"
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none")


def test_shakespeare(data_folder):
    path = data_folder / "tinyshakespeare.txt"
    if not path.is_file():
        pytest.skip(f"no tinyshakespeare.txt in {data_folder}")
    text = shakespeare.load_text(path)
    assert len(text) == 1_115_394
    vocabulary = Vocabulary.of_characters(text)
    assert len(vocabulary) == 65
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_shakespeare_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        shakespeare.load_text()
    for part in ("as path", "FASTNN_DATA", "'fastnn[download]'"):
        assert part in str(caught.value)
    (tmp_path / "tinyshakespeare.txt").write_text("words")
    assert shakespeare.load_text() == "words"
