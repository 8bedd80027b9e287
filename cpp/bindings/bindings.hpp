#pragma once

#include <nanobind/nanobind.h>

#include "fieldfare/kernels.hpp"

namespace fieldfare {

void bind_adaptive(nanobind::module_& module);
void bind_kernels(nanobind::module_& module);
void bind_coordinate(nanobind::module_& module);
void bind_initial(nanobind::module_& module);
void bind_recall(nanobind::module_& module);
void bind_scoring(nanobind::module_& module);
void bind_text(nanobind::module_& module);
void bind_topk(nanobind::module_& module);
void bind_words(nanobind::module_& module);

// Raises ValueError unless the condition holds.
void require(bool condition, const char* message);
void check_spec(const Spec& spec, const Rows& rows);

}  // namespace fieldfare
