// What the bindings share: arrays from Python, checks, and Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>

#include "common/rows.hpp"
#include "models/spec.hpp"

namespace fieldfare {

void bind_adaptive(nanobind::module_& module);
void bind_coordinate(nanobind::module_& module);
void bind_initial(nanobind::module_& module);
void bind_isa(nanobind::module_& module);
void bind_mapped(nanobind::module_& module);
void bind_recall(nanobind::module_& module);
void bind_scoring(nanobind::module_& module);
void bind_sides(nanobind::module_& module);
void bind_text(nanobind::module_& module);
void bind_topk(nanobind::module_& module);
void bind_training(nanobind::module_& module);
void bind_words(nanobind::module_& module);

template <class T, int N>
using Array = nanobind::ndarray<T, nanobind::ndim<N>, nanobind::c_contig, nanobind::device::cpu>;
template <class T, int N>
using Maybe = std::optional<Array<T, N>>;

template <class T>
std::int64_t length(const T& array, std::size_t axis = 0) {
  return static_cast<std::int64_t>(array.shape(axis));
}

// Raises ValueError unless the condition holds.
void require(bool condition, const char* message);

// The data of an optional array, which must have length n; null if it is left out.
template <class T>
T* data_or_null(const Maybe<T, 1>& array, std::int64_t n, const char* message) {
  if (!array) return nullptr;
  require(length(*array) == n, message);
  return array->data();
}

// Raises ValueError unless the entries of every row lie among n_entries.
void check_indptr(const std::int64_t* indptr, std::int64_t n_rows, std::int64_t n_entries);
void check_spec(const Spec& spec, const Rows& rows);

// Whether there was no Ctrl-C meanwhile; for a thread that has released the GIL. If there was, the
// Python error is set, and has to be thrown as nanobind::python_error.
bool go_on();

}  // namespace fieldfare
