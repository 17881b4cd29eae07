"""Which customers leave the bank? Data, preprocessing, network, training, evaluation, step by step.

    python examples/churn_classifier.py [Churn_Modelling.csv]

Without a file the customers are made, like those of that file.
"""

import sys

import numpy as np

import fastnn
from fastnn.datasets import load_churn, make_churn
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.preprocessing import (
    LabelEncoder,
    StandardScaler,
    churn_encoder,
    confusion_matrix,
    train_test_split,
)

fastnn.utils.set_random_seed(0)

# Steps 1 to 3: the columns that say something about a customer, and whether he left.
dataset = load_churn(sys.argv[1]) if len(sys.argv) > 1 else make_churn()
names = list(dataset)[3:13]
Y = dataset["Exited"]
print("features:", ", ".join(names))

# Steps 4 and 5: numbers for words; one of three countries follows from the other two.
country = LabelEncoder().fit_transform(dataset["Geography"])
gender = LabelEncoder().fit_transform(dataset["Gender"])
rest = [gender if name == "Gender" else dataset[name] for name in names if name != "Geography"]
X = np.stack([country == 1, country == 2, *rest], axis=1).astype(float)
print("encoded:", X.shape)

# Step 6: four fifths to train on.
X_train, X_test, y_train, y_test = train_test_split(X, Y, test_size=0.2, random_state=0)

# Step 7: mean 0 and deviation 1, by the training rows' figures.
sc = StandardScaler()
X_train = sc.fit_transform(X_train)
X_test = sc.transform(X_test)

# Steps 4 to 7 are what churn_encoder() does in one go.
train, test = train_test_split(dataset, test_size=0.2, random_state=0)
np.testing.assert_allclose(churn_encoder().fit(train).transform(test), X_test, atol=1e-12)

# Steps 8 to 10: the network.
classifier = Sequential()
classifier.add(Dense(units=6, kernel_initializer="glorot_uniform", activation="relu", input_dim=11))
classifier.add(Dense(units=6, kernel_initializer="glorot_uniform", activation="relu"))
classifier.add(Dense(units=1, kernel_initializer="glorot_uniform", activation="sigmoid"))

# Step 11: what to minimise, and how.
classifier.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])

# Step 12: training.
history = classifier.fit(X_train, y_train, batch_size=10, epochs=50, verbose=0)
loss, accuracy = history.history["loss"][-1], history.history["accuracy"][-1]
print(f"loss: {loss:.4f}    acc: {accuracy:.4f}")

# A single new customer: Spain, 500, Female, 40, 3, 50000, 2 products, card, active, 40000.
new = sc.transform(np.array([[0.0, 1, 500, 0, 40, 3, 50000, 2, 1, 1, 40000]]))
print(f"the new customer leaves: {classifier.predict(new, verbose=0)[0, 0] > 0.5}")

# Steps 13 and 14: the test rows.
y_pred = classifier.predict(X_test, verbose=0) > 0.5
cm = confusion_matrix(y_test, y_pred)
print(cm)
print(f"test accuracy: {cm.trace() / cm.sum():.4f}")
