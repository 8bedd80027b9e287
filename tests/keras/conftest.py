"""Keras is imported here or not at all: without it, these tests are skipped.

One process imports TensorFlow once: `xdist_group` keeps these tests together.
"""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

pytest.importorskip("keras", reason="Keras is not installed: pip install 'fieldfare[keras]'")
