#pragma once

#include <nanobind/nanobind.h>

namespace fieldfare {

void bind_kernels(nanobind::module_& module);
void bind_coordinate(nanobind::module_& module);
void bind_text(nanobind::module_& module);

}  // namespace fieldfare
