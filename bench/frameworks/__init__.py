"""The peers: one file a framework, which builds any network of ``bench.networks`` in its own way.

A file has ``VERSION``, read after its framework is imported, and

    class Model:
        def __init__(self, network, weights, data, threads): ...
        def fit(self, epochs): ...   # shuffled batches, Adam, each epoch's mean loss and accuracy
        def predict(self, x): ...    # probabilities of all rows, in batches of network.batch
        def row(self, row): ...      # a function of no arguments: one row, NumPy in, NumPy out

and ``Machine``, the same for a `bench.networks.Machine`, with ``fit`` and ``predict``.

``data`` has "x" and "y" to train on. What a framework cannot do it does not define, or answers with
NotImplementedError. ``matmul(a, b)``, where there is one, returns a function of no arguments.
"""
