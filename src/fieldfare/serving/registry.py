"""The versions of all models: loaded beside one another, switched at once, and rolled back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, final

from msgspec import structs

from fieldfare._validation import closest
from fieldfare.exceptions import RequestError
from fieldfare.retrieval.id_map import id_text
from fieldfare.serving.golden import check_version
from fieldfare.serving.settings import ModelFiles, Settings, Split
from fieldfare.serving.versions import INDEX_HEADER, Version
from fieldfare.serving.wire import LoadRequest, ModelsAnswer, SlotAnswer


@final
@dataclass(frozen=True)
class Slot:
    """The versions of one model."""

    active: Version
    previous: Version | None = None
    staged: Version | None = None

    def versions(self) -> list[Version]:
        """Return all of them."""
        return [one for one in (self.active, self.previous, self.staged) if one is not None]


class Splitting:
    """Which model answers a user: always the same one, and each as often as its share says."""

    def __init__(self, split: Split) -> None:
        self._salt = split.salt
        total = sum(split.shares.values())
        self.shares = {name: share / total for name, share in split.shares.items()}

    def model_of(self, user: Any) -> str:
        """Return the model of a user; of requests without a user, the first."""
        text = id_text(user)
        if text is None:
            return next(iter(self.shares))
        digest = blake2b(f"{self._salt}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8)
        left = int.from_bytes(digest.digest(), "big") / 2**64
        for name, share in self.shares.items():
            left -= share
            if left < 0:
                return name
        return name


@final
class View:
    """The versions in use at one moment: what a batch sees."""

    def __init__(
        self, active: Mapping[str, Version], default: str, splitting: Splitting | None
    ) -> None:
        self.active, self._default, self.splitting = active, default, splitting

    def version(self, name: str | None) -> Version:
        """Return the version of a model, or of the default one.

        Raises
        ------
        RequestError
            404 if there is no such model.
        """
        found = self.active.get(name or self._default)
        if found is None:
            raise RequestError(
                f"There is no model {name!r}. The models are {', '.join(self.active)}."
                f"{closest(str(name), list(self.active))}",
                status=404,
                where="$.model",
            )
        return found

    def version_for(self, name: str | None, user: Any) -> Version:
        """Return the version that answers a user, where no model is named by the split."""
        if name is None and self.splitting is not None:
            return self.active[self.splitting.model_of(user)]
        return self.version(name)


@final
class Registry:
    """The models of a server.

    Parameters
    ----------
    settings : Settings
    prepare : function of a Version
        Called with a version before it is first used: changes since its index was built are made
        to it here.
    """

    def __init__(self, settings: Settings, prepare: Callable[[Version], None]) -> None:
        self._settings, self._prepare = settings, prepare
        self._splitting = None if settings.split is None else Splitting(settings.split)
        self._slots: dict[str, Slot] = {}
        self._numbers = dict.fromkeys(settings.models, 0)
        self._changing = threading.Lock()

    def load_all(self) -> None:
        """Load, check and use the first version of every model.

        Raises
        ------
        FieldfareError
            If one cannot be loaded or fails its check.
        """
        for name, files in self._settings.models.items():
            version = self._loaded(name, files)
            with self._changing:
                self._slots = {**self._slots, name: Slot(version)}

    def view(self) -> View:
        """Return the versions in use."""
        slots = self._slots
        active = {name: slot.active for name, slot in slots.items()}
        return View(active, self._settings.default_model, self._splitting)

    def versions(self) -> list[Version]:
        """Return all versions in memory."""
        return [version for slot in self._slots.values() for version in slot.versions()]

    def load(self, name: str, request: LoadRequest | None = None) -> Slot:
        """Load a version beside the one in use, and check it.

        Raises
        ------
        FieldfareError
            If it cannot be loaded or fails its check; nothing has changed then.
        """
        files = self._files(name, request)
        version = self._loaded(name, files)
        return self._change(name, lambda slot: replace(slot, staged=version))

    def stamp(self, name: str) -> tuple[Any, ...] | None:
        """Return what changes when the files of a model are replaced; None while one is missing."""
        files = self._settings.models[name]
        index = None if files.index is None else os.path.join(files.index, INDEX_HEADER)
        try:
            found = [
                os.stat(path) for path in (files.model, files.ranker, index) if path is not None
            ]
        except OSError:
            return None
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)

    def activate(self, name: str) -> Slot:
        """Use the version that was loaded, from the next batch on.

        Raises
        ------
        RequestError
            409 if none was loaded.
        """

        def activated(slot: Slot) -> Slot:
            if slot.staged is None:
                raise RequestError(f"No version of {name!r} is loaded. Load one first.", status=409)
            return Slot(slot.staged, slot.active)

        return self._change(name, activated)

    def rollback(self, name: str) -> Slot:
        """Use the version before the one in use again, from the next batch on.

        Raises
        ------
        RequestError
            409 if there is none.
        """

        def rolled_back(slot: Slot) -> Slot:
            if slot.previous is None:
                raise RequestError(f"There is no version of {name!r} before this.", status=409)
            return Slot(slot.previous, slot.active, slot.staged)

        return self._change(name, rolled_back)

    def about(self) -> ModelsAnswer:
        """Return what people want to know of all models."""
        shares = {} if self._splitting is None else self._splitting.shares
        models = [
            SlotAnswer(
                name,
                slot.active.about(),
                None if slot.previous is None else slot.previous.about(),
                None if slot.staged is None else slot.staged.about(),
                shares.get(name),
                name == self._settings.shadow,
            )
            for name, slot in self._slots.items()
        ]
        return ModelsAnswer(self._settings.default_model, models)

    def slot_answer(self, name: str) -> SlotAnswer:
        """Return what people want to know of one model."""
        return next(one for one in self.about().models if one.name == name)

    def _change(self, name: str, change: Callable[[Slot], Slot]) -> Slot:
        self._check_name(name)
        with self._changing:
            slot = change(self._slots[name])
            # Replaced as a whole: a view has the slots of one moment.
            self._slots = {**self._slots, name: slot}
            return slot

    def _loaded(self, name: str, files: ModelFiles) -> Version:
        with self._changing:
            self._numbers[name] += 1
            number = self._numbers[name]
        version = Version.load(name, number, files)
        self._prepare(version)
        check_version(version)
        return version

    def _files(self, name: str, request: LoadRequest | None) -> ModelFiles:
        """Return the files of a version: those of the settings, or others in the same folders.

        Raises
        ------
        RequestError
            If a path leads elsewhere: whoever may change models may not read any file there is.
        """
        self._check_name(name)
        files = self._settings.models[name]
        given = {} if request is None else structs.asdict(request)
        named = {key: path for key, path in given.items() if path is not None}
        folders = {
            os.path.dirname(os.path.realpath(path))
            for path in (files.model, files.index, files.ranker)
            if path is not None
        }
        home = os.path.dirname(os.path.realpath(files.model))
        for key, path in named.items():
            whole = "" if "\0" in path else os.path.realpath(os.path.join(home, path))
            if os.path.dirname(whole) not in folders:
                raise RequestError(
                    f"A version is loaded from {' or '.join(sorted(folders))}. Got {path!r}.",
                    status=422,
                    where=f"$.{key}",
                )
            named[key] = whole
        return structs.replace(files, **named)

    def _check_name(self, name: str) -> None:
        if name not in self._settings.models:
            names = list(self._settings.models)
            raise RequestError(
                f"There is no model {name!r}. The models are {', '.join(names)}."
                f"{closest(name, names)}",
                status=404,
            )
