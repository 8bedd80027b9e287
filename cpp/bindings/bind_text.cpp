#include "bindings.hpp"

namespace fieldfare {
void bind_text(nanobind::module_&) {}
}  // namespace fieldfare
