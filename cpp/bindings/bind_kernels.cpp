#include "bindings.hpp"

namespace fieldfare {
void bind_kernels(nanobind::module_&) {}
}  // namespace fieldfare
