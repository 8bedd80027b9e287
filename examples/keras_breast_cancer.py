"""The task of the dense Keras snippet: classify tumours with a factorization machine layer.

The columns measure lengths, areas and ratios on scales that differ by a factor of a hundred
thousand. Interactions multiply them, so the largest would drown all others: standardise first.
"""

from __future__ import annotations

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import keras
from fieldfare.keras import FactorizationMachine


def fit(X_train, y_train, X_valid, y_valid) -> float:  # noqa: ANN001
    """Train for 10 epochs in batches of 16; return the accuracy on the validation data."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((X_train.shape[1],))
    output = FactorizationMachine(n_factors=4, activation="sigmoid")(inputs)
    model = keras.Model(inputs, output)
    optimizer = keras.optimizers.Adam(0.01)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    validation = (X_valid, y_valid)
    history = model.fit(
        X_train, y_train, epochs=10, batch_size=16, validation_data=validation, verbose=0
    )
    return history.history["val_accuracy"][-1]


def main() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.3, random_state=0)
    scaler = StandardScaler().fit(X_train)
    raw = fit(X_train, y_train, X_valid, y_valid)
    scaled = fit(scaler.transform(X_train), y_train, scaler.transform(X_valid), y_valid)
    print(f"validation accuracy: {raw:.3f} as measured, {scaled:.3f} standardised")
    assert scaled >= 0.93


if __name__ == "__main__":
    main()
