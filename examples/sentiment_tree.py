"""A recursive neural tensor network says how each part of a sentence sounds.

python examples/sentiment_tree.py            a few sentences of its own: seconds
python examples/sentiment_tree.py FOLDER     the Stanford Sentiment Treebank: half a minute
"""

import itertools
import sys

import fastnn
from fastnn.datasets import sst
from fastnn.models import RNTN

if len(sys.argv) > 1:
    train, dev, test = sst.load_data(sys.argv[1])
    units, epochs = 25, 15
else:
    # "a good film", "not a good film": a word in front turns the meaning round.
    nouns = ["film", "story", "cast", "plot", "score"]
    feelings = {"good": 3, "great": 4, "fine": 3, "bad": 1, "awful": 0, "dull": 1}
    train, test = [], []
    for number, (noun, (word, label)) in enumerate(itertools.product(nouns, feelings.items())):
        phrase = f"({label} (2 a) ({label} ({label} {word}) (2 {noun})))"
        turned = f"({4 - label} (2 not) {phrase})"
        (test if number % 7 == 0 else train).extend(map(sst.parse_tree, (phrase, turned)))
    dev, units, epochs = test, 8, 150

fastnn.utils.set_random_seed(0)
model = RNTN(units=units, l2=1e-5, vector_dropout=0.2, seed=0)
model.compile()
history = model.fit(train, validation_data=dev, epochs=epochs, batch_size=16, verbose=0).history
found = model.evaluate(test)
print(f"{len(train)} sentences to learn from, {len(test)} others")
print(
    f"parts labelled right: {found['accuracy']:.2f}, whole sentences {found['root_accuracy']:.2f}"
)
print("positive or negative: " + f"{found['binary_root_accuracy']:.2f} of the sentences right")
print(model.show(test[1]))
