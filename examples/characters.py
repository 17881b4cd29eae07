"""A language model of characters: it reads a text, and then writes one.

Learns from the file that is named on the command line; else from tiny Shakespeare, where the
environment variable FASTNN_DATA names the folder that it lies in; else from three sonnets, which it
comes to know by heart.
"""

import math
import os
import sys
import time

import numpy as np

import fastnn
from fastnn.callbacks import LambdaCallback
from fastnn.datasets import read_text, shakespeare
from fastnn.layers import LSTM, Dense, Dropout, Embedding, Input
from fastnn.losses import SparseCategoricalCrossentropy
from fastnn.models import Sequential
from fastnn.optimizers import Adam
from fastnn.optimizers.schedules import CosineDecay
from fastnn.preprocessing import Vocabulary, next_token_streams

SONNETS = """\
Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe or eyes can see,
So long lives this, and this gives life to thee.

Let me not to the marriage of true minds
Admit impediments. Love is not love
Which alters when it alteration finds,
Or bends with the remover to remove:
O no! it is an ever-fixed mark
That looks on tempests and is never shaken;
It is the star to every wandering bark,
Whose worth's unknown, although his height be taken.
Love's not Time's fool, though rosy lips and cheeks
Within his bending sickle's compass come;
Love alters not with his brief hours and weeks,
But bears it out even to the edge of doom.
If this be error and upon me proved,
I never writ, nor no man ever loved.

That time of year thou mayst in me behold
When yellow leaves, or none, or few, do hang
Upon those boughs which shake against the cold,
Bare ruin'd choirs, where late the sweet birds sang.
In me thou see'st the twilight of such day
As after sunset fadeth in the west,
Which by and by black night doth take away,
Death's second self, that seals up all in rest.
In me thou see'st the glowing of such fire
That on the ashes of his youth doth lie,
As the death-bed whereon it must expire,
Consumed with that which it was nourish'd by.
This thou perceivest, which makes thy love more strong,
To love that well which thou must leave ere long.
"""


def given_text() -> str:
    if len(sys.argv) > 1:
        return read_text(sys.argv[1])
    return shakespeare.load_text() if os.environ.get("FASTNN_DATA") else SONNETS


def build(tokens: int, units: int, rows: int, length: int | None) -> Sequential:
    """Reads `rows` streams at once, `length` characters further (None: any number) each time."""
    return Sequential(
        [
            Input(batch_shape=(rows, length), dtype="int64"),
            Embedding(tokens, 64),
            LSTM(units, return_sequences=True, stateful=True),
            Dropout(0.1 if units > 128 else 0.0),
            Dense(tokens),
        ]
    )


def write(model: Sequential, vocabulary: Vocabulary, read: str, length: int, heat: float) -> str:
    """Reads a text, then draws one character after the other, each from what the model expects."""
    rng = np.random.default_rng(0)
    scores = model.predict(vocabulary.encode(read)[None], verbose=0)[0, -1]
    drawn = []
    for _ in range(length):
        weights = np.exp((scores - scores.max()) / heat, dtype=np.float64)
        drawn.append(rng.choice(len(scores), p=weights / weights.sum()))
        scores = model.predict(np.array([[drawn[-1]]]), verbose=0)[0, -1]
    return vocabulary.decode(drawn)


fastnn.utils.set_random_seed(1)
text = given_text()
large = len(text) > 100_000
vocabulary = Vocabulary.of_characters(text)
tokens = vocabulary.encode(text)
# The end of a long text is held out; of a short one nothing is, and it is learned by heart.
split = int(0.9 * len(tokens)) if large else len(tokens)
rows, length, units, epochs = (32, 64, 256, 8) if large else (8, 32, 96, 60)
x, y = next_token_streams(tokens[:split], length, rows)

model = build(len(vocabulary), units, rows, length)
rate = CosineDecay(0.004 if large else 0.02, epochs * len(x) // rows)
model.compile(Adam(rate, global_clipnorm=5.0), SparseCategoricalCrossentropy(from_logits=True))
# Each epoch begins where nothing has been read yet; so does the held-out end.
forget = LambdaCallback(on_epoch_begin=lambda epoch, logs: model.layers[1].reset_states())
started = time.perf_counter()
history = model.fit(
    x, y, batch_size=rows, epochs=epochs, shuffle=False, callbacks=[forget], verbose=2 * large
)
seconds = time.perf_counter() - started
print(f"{len(text)} characters, {len(vocabulary)} different ones; {model.count_params()} weights")
guess = math.log(len(vocabulary))
print(f"nats a character: {guess:.2f} by guessing, {history.history['loss'][-1]:.2f} in training")
if large:
    print(f"trained in {seconds:.0f} s")
    model.layers[1].reset_states()
    held_out = next_token_streams(tokens[split:], length, rows)
    loss = model.evaluate(*held_out, batch_size=rows, verbose=0)
    print(f"nats a character on the held-out end: {loss:.3f}")

writer = build(len(vocabulary), units, rows=1, length=None)
writer.set_weights(model.get_weights())
read = text[max(0, split - 500) : split] if large else text[:20]
print(f"behind {read[-20:]!r} it writes:")
print(write(writer, vocabulary, read, 400 if large else 120, 0.7 if large else 0.1))
