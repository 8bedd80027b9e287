"""The commands ``xlearn_train`` and ``xlearn_predict``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from fieldfare._logging import say, say_error
from fieldfare.compat.xlearn._console import Console
from fieldfare.compat.xlearn._params import KEYS, KINDS
from fieldfare.compat.xlearn.xlearn import XLearn, create_linear
from fieldfare.exceptions import ConfigError, FieldfareError

OK, FAILED = 0, 1
# The flags with a value that are no parameters of both generations of the Python interface.
_PATHS = ("-v", "-m", "-t", "-pre", "-o")
_NUMBERED = {key.flag: name for name, key in KEYS.items() if key.flag}
_TRAIN_SWITCHES = ("--disk", "--cv", "--dis-lock-free", "--dis-es", "--no-norm", "--no-bin",
                   "--quiet")  # fmt: skip
_PREDICT_SWITCHES = ("--sign", "--sigmoid", "--disk", "--no-norm")
_TRAIN_HELP = """\
usage: xlearn_train TRAIN [flags]     train a model; rows are libsvm, libffm or numbers in columns

  -s 0..5      0 linear, 1 FM, 2 FFM for two classes; 3, 4, 5 the same for numbers (default 0)
  -x NAME      metric: acc prec recall f1 auc, or mae mape rmsd for numbers (default none)
  -p NAME      optimiser: sgd, adagrad, ftrl (default adagrad)
  -v FILE      validation data
  -m FILE      model file (default TRAIN.model); none saves nothing
  -pre FILE    model to continue from
  -t FILE      write the model as text, too
  -l FILE      write what is printed to this file, too
  -k N         factors (default 4)              -r X         step size (default 0.2)
  -b X         L2 penalty (default 0.00002)     -u X         size of initial factors (default 0.66)
  -alpha X -beta X -lambda_1 X -lambda_2 X      of ftrl (default 0.3, 1, 0.00001, 0.00002)
  -e N         epochs (default 10)              -f N         folds of --cv (default 3)
  -nthread N   threads (default all cores)      -block N     accepted, without effect
  -sw N        patience of early stopping (2)   -seed N      seed of the order of rows (default 1)
  --cv         cross-validation                 --disk       visit rows in the order of the file
  --dis-es     no early stopping                --no-norm    do not scale rows to unit length
  --quiet      do not print epochs              --no-bin     accepted, without effect
  --dis-lock-free   steps in the order of one thread: the seed then fixes the result
"""
_PREDICT_HELP = """\
usage: xlearn_predict TEST MODEL [flags]     predict with a model, one number per line

  -o FILE      output (default TEST.out)        -l FILE      write what is printed to this file, too
  --sign       0 or 1                           --sigmoid    probabilities
  -nthread N   threads (default all cores)      -block N, --disk   accepted, without effect
  --no-norm    do not scale rows to unit length; only for models that xLearn itself wrote, the
               others know it
"""


def train(argv: Sequence[str] | None = None) -> int:
    """Run ``xlearn_train``.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; by default those of the process.

    Returns
    -------
    int
        0: success, or nothing was asked. 1: failure, with a message on standard error.
    """
    return _run(argv, _TRAIN_HELP, _train)


def predict(argv: Sequence[str] | None = None) -> int:
    """Run ``xlearn_predict``; see `train`."""
    return _run(argv, _PREDICT_HELP, _predict)


def _run(argv: Sequence[str] | None, usage: str, command: Callable[[Sequence[str]], None]) -> int:
    argv = sys.argv[1:] if argv is None else argv
    try:
        if not argv or {"-h", "--help"} & set(argv):
            say(usage)
        else:
            command(argv)
    except KeyboardInterrupt:
        say_error("interrupted")
        return 130
    except (FieldfareError, OSError) as error:
        say_error(f"[ ERROR      ] {error}")
        return FAILED
    return OK


def _train(argv: Sequence[str]) -> None:
    flags = {"-s", *_PATHS[:-1], *_NUMBERED}
    paths, values, switches = _split(argv, flags, _TRAIN_SWITCHES)
    if len(paths) != 1:
        raise ConfigError(f"xlearn_train needs one training file. Got {len(paths)}.")
    number = values.pop("-s", "0")
    if number not in list("012345"):
        raise ConfigError(f"-s must be a number from 0 to 5. Got {number!r}.")
    handle = XLearn(KINDS[int(number) % 3])
    handle.configure(task="binary" if int(number) < 3 else "reg")
    _configure(handle, values)
    if "--disk" in switches:
        handle.setOnDisk()
    if "--dis-es" in switches:
        handle.disableEarlyStop()
    if "--no-norm" in switches:
        handle.disableNorm()
    if "--quiet" in switches:
        handle.setQuiet()
    handle.setTrain(paths[0])
    if "--cv" in switches:
        handle.cv({})
        return
    for flag, setter in (
        ("-v", handle.setValidate), ("-pre", handle.setPreModel), ("-t", handle.setTXTModel)
    ):  # fmt: skip
        if flag in values:
            setter(values[flag])
    handle.fit({}, values.get("-m", f"{paths[0]}.model"))


def _predict(argv: Sequence[str]) -> None:
    paths, values, switches = _split(argv, {"-o", "-l", "-nthread", "-block"}, _PREDICT_SWITCHES)
    if len(paths) != 2:
        raise ConfigError(f"xlearn_predict needs a test file and a model file. Got {len(paths)}.")
    handle = create_linear()
    _configure(handle, values)
    if {"--sign", "--sigmoid"} <= set(switches):
        Console().warning("--sign and --sigmoid exclude each other: raw scores are written.")
    elif "--sign" in switches:
        handle.setSign()
    elif "--sigmoid" in switches:
        handle.setSigmoid()
    if "--no-norm" in switches:
        handle.disableNorm()
    handle.setTest(paths[0])
    handle.predict(paths[1], values.get("-o", f"{paths[0]}.out"))


def _split(
    argv: Sequence[str], flags: set[str], switches: Sequence[str]
) -> tuple[list[str], dict[str, str], list[str]]:
    """Return the paths, the flags with their values, and the switches."""
    paths, values, found = list[str](), dict[str, str](), list[str]()
    left = iter(argv)
    for word in left:
        if word in flags:
            value = next(left, None)
            if value is None:
                raise ConfigError(f"The flag {word} needs a value.")
            values[word] = value
        elif word in switches:
            found.append(word)
        elif word.startswith("-"):
            near = get_close_matches(word, [*flags, *switches], 1, 0.0)
            raise ConfigError(f"Unknow argument '{word}'. Do you mean '{near[0]}' ?")
        else:
            paths.append(word)
    return paths, values, found


def _configure(handle: XLearn, values: Mapping[str, str]) -> None:
    """Give a handle the parameters among the flags."""
    for flag, name in _NUMBERED.items():
        if flag in values:
            key, text = KEYS[name], values[flag]
            try:
                value = key.read(name, key.type(text))
            except (ConfigError, ValueError) as error:
                raise ConfigError(f"{flag} must be {key.allowed}. Got {text!r:.80}.") from error
            if flag == "-nthread" and value == 0:
                raise ConfigError("-nthread must be a whole number greater than 0. Got '0'.")
            handle.configure(**{name: value})
