"""Sequence classification: is it a word of the embedded Reber grammar?

The grammar (Reber 1967; embedded: Hochreiter and Schmidhuber 1997) walks a graph and writes a
letter at each step; the second letter and the last but one must be the same, however much lies
between them. Half of the words here have one letter changed. A GRU reads them letter by letter;
they differ in length, and a mask keeps it from reading the padding.
"""

import numpy as np

import fastnn
from fastnn.layers import GRU, Dense, Embedding
from fastnn.models import Sequential
from fastnn.preprocessing import Vocabulary
from fastnn.utils import pad_sequences

# From each state: letters, and the states they lead to; the last state is the end.
GRAPH = [
    [("B", 1)],
    [("T", 2), ("P", 3)],
    [("S", 2), ("X", 4)],
    [("T", 3), ("V", 5)],
    [("X", 3), ("S", 6)],
    [("P", 4), ("V", 6)],
    [("E", 7)],
]
LETTERS = "BEPSTVX"


def reber(rng):
    """A word of the plain grammar."""
    word, state = "", 0
    while state < len(GRAPH):
        letter, state = GRAPH[state][rng.integers(len(GRAPH[state]))]
        word += letter
    return word


def embedded(rng):
    """A word of the embedded grammar: B, a letter, a plain word, the same letter, E."""
    same = "TP"[rng.integers(2)]
    return f"B{same}{reber(rng)}{same}E"


def spoilt(word, rng):
    """The word with one letter changed."""
    place = rng.integers(len(word))
    other = rng.choice([letter for letter in LETTERS if letter != word[place]])
    return word[:place] + other + word[place + 1 :]


def words(count, rng):
    """Words and whether each is of the grammar."""
    good = [embedded(rng) for _ in range(count)]
    labels = np.arange(count) % 2
    return [w if label else spoilt(w, rng) for w, label in zip(good, labels, strict=True)], labels


rng = np.random.default_rng(0)
vocabulary = Vocabulary("_" + LETTERS)  # 0 is no letter: it fills short words up


def encode(texts):
    return pad_sequences([vocabulary.encode(text) for text in texts], padding="post")


train, labels = words(4000, rng)
test, test_labels = words(1000, rng)

fastnn.utils.set_random_seed(0)
model = Sequential(
    [
        fastnn.Input((None,), dtype="int32"),
        Embedding(len(vocabulary), 8, mask_zero=True),
        GRU(32),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(fastnn.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
model.fit(encode(train), labels, batch_size=64, epochs=20, verbose=0)
accuracy = model.evaluate(encode(test), test_labels, verbose=0)[1]
print(f"{len(test)} words not seen: accuracy {accuracy:.3f}")

# The letters in between do not matter to the one that must come again.
for text in ("BTBTXXTTTVVETE", "BTBTXXTTTVVEPE", "BPBPVVEPE", "BPBPVVEPP"):
    print(f"{text}: {float(model.predict(encode([text]), verbose=0)[0, 0]):.2f}")
