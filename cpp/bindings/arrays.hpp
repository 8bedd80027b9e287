// What the bindings of solvers share: arrays as Python gives them, and Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>

namespace fieldfare {

template <class T, int N>
using Array = nanobind::ndarray<T, nanobind::ndim<N>, nanobind::c_contig, nanobind::device::cpu>;
template <class T, int N>
using Maybe = std::optional<Array<T, N>>;

// Whether there was no Ctrl-C meanwhile; for a thread that has let go of the interpreter. Otherwise
// the error is set, and to be thrown as nanobind::python_error.
inline bool go_on() {
  const nanobind::gil_scoped_acquire held;
  return PyErr_CheckSignals() == 0;
}

}  // namespace fieldfare
