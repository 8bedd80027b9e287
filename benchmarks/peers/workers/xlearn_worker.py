"""The flags of xLearn's two programs that the comparison uses, for its Python package."""

from __future__ import annotations

import argparse

import xlearn as xl

MAKERS = {"0": xl.create_linear, "1": xl.create_fm, "2": xl.create_ffm}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["train", "predict"])
    parser.add_argument("data")
    parser.add_argument("model", nargs="?")
    parser.add_argument("-s", default="0")
    parser.add_argument("-k", type=int, default=4)
    parser.add_argument("-e", type=int, default=1)
    parser.add_argument("-m", default="none")
    parser.add_argument("-v")
    parser.add_argument("-o")
    parser.add_argument("-l", default="log")
    parser.add_argument("-nthread", type=int, default=1)
    parser.add_argument("-block", type=int, default=500)
    for flag in ("--no-norm", "--no-bin", "--dis-es", "--disk"):
        parser.add_argument(flag, action="store_true")
    given = parser.parse_args()
    machine = MAKERS[given.s]()
    if given.no_norm:
        machine.disableNorm()
    if given.action == "predict":
        machine.setTest(given.data)
        machine.predict(given.model, given.o)
        return
    machine.setTrain(given.data)
    if given.v:
        machine.setValidate(given.v)
    if given.dis_es:
        machine.disableEarlyStop()
    if given.disk:
        machine.setOnDisk()
    if given.no_bin and hasattr(machine, "setNoBin"):  # the sdist is older than this
        machine.setNoBin()
    chosen = {
        "task": "binary", "k": given.k, "epoch": given.e, "nthread": given.nthread,
        "block_size": given.block, "log": given.l,
    }  # fmt: skip
    machine.fit(chosen, given.m)


if __name__ == "__main__":
    main()
